/** From what the addon throws to words for users: the operation, the cause and the next step, in one place. */
import { existsSync } from 'node:fs';
import { AttachError, KtraceError, UnsupportedError, VerifierError } from '../errors.js';
import type { NativeError } from '../native/binding.js';
import type { Rights } from '../report/doctor/facts.js';
import type { AttachAttempt } from '../report/model.js';
import { loadBinding } from '../native/load.js';
import type { Refusal } from './facts.js';
import { MOUNT_PROC, ownProc } from '../report/doctor/machine.js';
import { HIGHEST_PARANOID, isDenied, lacking, READ_TRACEFS } from '../report/doctor/rights.js';
import { numberIn, textOf, whyUnreadable } from './doctor/text.js';
import { pidNamespace } from './namespace.js';
import { readRights } from './rights.js';

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'stage' in error && 'errno' in error;
}

/** The kernel did not take the programs: another variant may do. */
export type KernelRefusal = NativeError & Refusal;

export const isRefusal = (error: unknown): error is KernelRefusal => isNativeError(error) && (error.stage === 'load' || error.stage === 'attach');

/** What stands in the way before anything is tried, or undefined. */
export function missingPrerequisite(): UnsupportedError | undefined {
  const proc = pidNamespace();
  if (proc === 'missing') return new UnsupportedError('Cannot trace here: /proc is not mounted', 'NO_PROC', MOUNT_PROC);
  if (proc === 'foreign') return new UnsupportedError('Cannot trace here: /proc belongs to another pid namespace', 'NO_PROC', ownProc('COMMAND'));
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    return new UnsupportedError('Cannot trace here: the kernel has no BTF (/sys/kernel/btf/vmlinux)', 'NO_BTF', 'use a kernel with CONFIG_DEBUG_INFO_BTF=y');
  }
  if (readRights()?.fromFile) {
    return new UnsupportedError('Cannot trace with the rights of the program file of Node.js: whoever runs any script with it would have them', 'NODE_RIGHTS', 'take them away as `ktrace doctor` says, and use sudo');
  }
  return undefined;
}

/** Every variant failed; `cause` is what the kernel said to the last one tried, undefined when none had to be tried. */
export function explainAttach(cause: NativeError | undefined, attempts: readonly AttachAttempt[], rights = readRights()): Error {
  const refused = attempts.some(({ errno }) => isDenied({ code: errno }));
  if (!cause) return refused && !mayTrace(rights) ? missingRights(cause, attempts, rights) : cannotHook(attempts);
  const { code, stage, log } = cause;
  const denied = isDenied(cause);
  const paranoid = numberIn('/proc/sys/kernel/perf_event_paranoid') ?? 0;
  const blind = whyUnreadable(TRACEFS) !== undefined;
  if (blind && denied && stage === 'attach' && attempts.at(-1)?.variant === 'tracepoint') return missingTracefs(cause, attempts);
  if (denied && stage === 'attach' && paranoid > HIGHEST_PARANOID && rights?.effective.includes('CAP_SYS_ADMIN') === false) return paranoidPerfEvents(paranoid, cause, attempts);
  if (blind && attempts.some(({ variant, stage: at, errno }) => variant === 'tracepoint' && at === 'attach' && isDenied({ code: errno }))) return missingTracefs(cause, attempts);
  if (stage === 'load' && code === 'EACCES' && /processed \d+ insns/.test(log) && mayTrace(rights)) return new VerifierError(log, { cause }); // it read the program, and says so of memory that this may not touch
  if (denied && stage === 'load' && lockedMemory() !== 'unlimited' && mayTrace(rights) && !rights?.seccomp && !loadBinding().hasTaskStorage()) return lockedMemoryLimit(cause, attempts);
  if (denied || (stage === 'load' && !mayTrace(rights))) return missingRights(cause, attempts, rights); // without CAP_PERFMON kernels up to 5.12 say EINVAL of helpers
  if (code === 'ENOMEM') return new KtraceError('load: the kernel has no memory for the maps', code, 'lower --max-locks or --ring-size', { cause });
  if (stage === 'load' && /-- (BEGIN )?(PROG LOAD|VERIFIER) LOG|processed \d+ insns/.test(log)) return new VerifierError(log, { cause });
  return cannotHook(attempts, cause);
}

/** The number of a tracepoint, which attaching to it takes. */
const TRACEFS = '/sys/kernel/tracing/events/sched/sched_process_exit/id';

/** BPF_MAX_TRAMP_LINKS of include/linux/bpf.h: 38. */
const CROWDED = 'fentry programs of others hook the same functions, of which the kernel takes some forty for each: `bpftool link` shows them; without --variant another one is taken';

function cannotHook(attempts: readonly AttachAttempt[], cause?: NativeError): Error {
  const tried = attempts.map((attempt) => `${attempt.variant}: ${attempt.stage} ${attempt.errno}`).join(', ');
  const hint = attempts.some(({ variant, stage, errno }) => variant === 'fentry' && stage === 'attach' && errno === 'E2BIG') ? CROWDED : '`ktrace doctor` says what works here';
  return new AttachError(`Cannot hook this kernel (${tried})`, hint, attempts, { cause });
}

/** The kernels of some distributions go beyond what CAP_PERFMON gives. */
function paranoidPerfEvents(value: number, cause: NativeError, attempts: readonly AttachAttempt[]): Error {
  const instead = attempts.some(({ variant }) => variant === 'fentry') ? '' : '; the variant fentry needs neither';
  const hint = `run it with sudo, or have root \`sysctl kernel.perf_event_paranoid=${HIGHEST_PARANOID}\`${instead}`;
  return new AttachError(`Cannot attach: perf_event_paranoid is ${value}, and this kernel then wants CAP_SYS_ADMIN for tracepoints and kprobes`, hint, attempts, { cause });
}

const mayTrace = (rights: Rights | undefined): boolean => rights !== undefined && !rights.inUserNamespace && lacking(rights).length === 0;

/** `max locked memory`: bytes, or `unlimited`. */
const lockedMemory = (): string => /^Max locked memory\s+(\w+)/m.exec(textOf('/proc/self/limits') ?? '')?.[1] ?? 'unlimited';

/** Until Linux 5.11, which brought task storage, maps are charged to it; libbpf raises it where it may (CAP_SYS_RESOURCE). */
function lockedMemoryLimit(cause: NativeError, attempts: readonly AttachAttempt[]): Error {
  const message = `Cannot load: before Linux 5.11 BPF maps count as locked memory, of which this user may have ${lockedMemory()} bytes`;
  return new AttachError(message, 'run it with sudo, raise the limit (`ulimit -l unlimited`, `LimitMEMLOCK=infinity`), or add CAP_SYS_RESOURCE', attempts, { cause });
}

/** The programs are loaded, so the rights to BPF are there; what attaching needs beside them are the numbers of tracepoints. */
function missingTracefs(cause: NativeError, attempts: readonly AttachAttempt[]): Error {
  return new AttachError(
    'Cannot attach: tracefs is not mounted or may not be read, and to do without it takes CAP_SYS_ADMIN',
    process.geteuid?.() === 0 ? READ_TRACEFS : `run it with sudo, or ${READ_TRACEFS}`,
    attempts,
    { cause },
  );
}

function missingRights(cause: NativeError | undefined, attempts: readonly AttachAttempt[], rights: Rights | undefined): Error {
  const root = rights?.euid === 0;
  const missing = rights ? lacking(rights) : [];
  const refused = `Cannot trace here: the kernel refuses BPF${root ? ' to root' : ''}`;
  const error = (message: string, hint: string): Error => new AttachError(message, hint, attempts, { cause });
  if (rights?.inUserNamespace) return error(`${refused}, since in a user namespace capabilities are not those of the machine`, 'run it outside');
  if (missing.length > 0 && !root) return error(`Cannot trace without ${missing.join(' and ')}`, 'run it with sudo');
  if (missing.length > 0) return error(`${refused}, as in a container without ${missing.join(' and ')}`, 'run it on the host, or add what is missing');
  return error(`${refused}, as a seccomp filter, lockdown or a security module does`, 'run it on the host; `ktrace doctor` says what is in force');
}
