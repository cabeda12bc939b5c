/** A machine on which all works, to break one thing at a time. */
import type { DoctorFacts, HookFact, Refusal, Rights, ToolFact, Trials, VariantFact } from '../../../src/report/doctor/facts.js';
import { diagnose } from '../../../src/report/doctor/judge.js';
import type { Finding } from '../../../src/report/doctor/model.js';

const ALL = ['CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_SYS_RESOURCE', 'CAP_PERFMON', 'CAP_BPF'];
export const ROOT: Rights = { uid: 0, euid: 0, effective: ALL, bounding: ALL, fromFile: false, inUserNamespace: false, seccomp: false };
export const USER: Rights = { ...ROOT, uid: 1000, euid: 1000, effective: [] };
export const TRIALS: Trials = { libbpf: '1.1', ring: undefined, taskStorage: true, getStack: true, iterators: undefined, legacy: false, nodeHasFileCapabilities: false };
export const DENIED: Refusal = { stage: 'load', code: 'EPERM' };
export const ABSENT: Refusal = { stage: 'find', code: 'ENOENT' };

export const hook = (section: string, refusal?: Refusal, optional = false): HookFact => ({ section, refusal, optional });

export function variant(name: string, hooks: readonly HookFact[], more: Partial<VariantFact> = {}): VariantFact {
  return { variant: name, refused: undefined, hooks, limits: [], load: 'untried', ...more };
}

export const COMMON = variant('any', [hook('tp_btf/sched_waking'), hook('iter/task')]);
export const FENTRY = variant('fentry', [hook('fentry/__x64_sys_futex'), hook('fexit/__x64_sys_futex')]);
export const TRACEPOINT = variant('tracepoint', [hook('tracepoint/syscalls/sys_enter_futex'), hook('tracepoint/syscalls/sys_exit_futex')], { load: 'works' });
export const KPROBE = variant('kprobe', [hook('kprobe/__x64_sys_futex')]);

export const tool = (...variants: VariantFact[]): ToolFact => ({ name: 'futex', variants, problem: undefined });

export const WELL: DoctorFacts = {
  version: '1.2.3',
  command: ['ktrace'],
  kernel: { release: '6.12.1', arch: 'x64' },
  distribution: 'Debian GNU/Linux 13 (trixie)',
  btf: undefined,
  lockdown: '[none] integrity confidentiality',
  perfEventParanoid: 2,
  unprivilegedBpfDisabled: 2,
  kernelLog: undefined,
  cgroup: { v2: '/sys/fs/cgroup', v1: false },
  pidNamespace: 'initial',
  rights: ROOT,
  node: { version: 'v20.19.0', napi: 9, path: '/usr/bin/node', setId: false },
  addon: undefined,
  trials: TRIALS,
  framePointers: 0.7,
  unwindTables: true,
  caller: 0,
  files: [{ path: '/', of: 'package', uid: 0, gid: 0, mode: 0o040755 }, { path: '/opt/ktrace/build', of: 'package', uid: 0, gid: 0, mode: 0o100644 }],
  root: '/opt/ktrace',
  tools: [tool(COMMON, TRACEPOINT, KPROBE)],
};

export const machine = (changed: Partial<DoctorFacts> = {}): DoctorFacts => ({ ...WELL, ...changed });

export function finding(key: string, changed: Partial<DoctorFacts>): Finding {
  const found = diagnose(machine(changed)).groups.flatMap(({ findings }) => findings).find((each) => each.key === key);
  if (!found) throw new Error(`there is no finding ${key}`);
  return found;
}
