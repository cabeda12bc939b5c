/** Judges what the process may do. */
import type { DoctorFacts, Refusal, Rights } from './facts.js';
import { fails, limited, shellWords, works, type Finding } from './model.js';

const NEEDED = ['CAP_BPF', 'CAP_PERFMON'] as const;

/** CAP_SYS_ADMIN was both before Linux 5.8, and still stands for them. */
export function lacking({ effective }: Rights): string[] {
  return effective.includes('CAP_SYS_ADMIN') ? [] : NEEDED.filter((name) => !effective.includes(name));
}

/** Its capabilities are refused. A kernel that lets everybody make maps still refuses iterators. */
const inUserNamespace = ({ rights, trials }: DoctorFacts): boolean => rights?.inUserNamespace === true && (trials?.ring ?? trials?.iterators) !== undefined;

/** The next step where the kernel said EPERM or EACCES. */
export function remedyForDenial(facts: DoctorFacts): string {
  const { rights } = facts;
  if (inUserNamespace(facts)) return 'Run it outside of the user namespace: see capabilities.';
  if (rights && lacking(rights).length > 0) return 'Get the rights first: see capabilities.';
  if (rights?.seccomp) return 'A seccomp filter is in force, as containers have them: let it pass bpf(2) and perf_event_open(2), or run it on the host.';
  return 'It is lockdown or a security module that refuses: ask who set it up, or try another machine.';
}

/** The numbers of tracepoints in tracefs belong to root, mode 0440. */
export const READ_TRACEFS = 'have root `mount -t tracefs none /sys/kernel/tracing` where it is not mounted, and add CAP_DAC_READ_SEARCH';

/** The highest value of perf_event_paranoid that Linux itself knows. Above it the kernels of Debian and Ubuntu ask for CAP_SYS_ADMIN, whoever has CAP_PERFMON. */
export const HIGHEST_PARANOID = 2;

export function wantsMoreForPerfEvents({ rights, perfEventParanoid = 0 }: DoctorFacts): boolean {
  return perfEventParanoid > HIGHEST_PARANOID && rights !== undefined && !rights.effective.includes('CAP_SYS_ADMIN');
}

export const isDenied = ({ code }: Pick<Refusal, 'code'>): boolean => code === 'EPERM' || code === 'EACCES';

export function judgeRights(facts: DoctorFacts): Finding[] {
  return [capabilities(facts), nodeRights(facts), perfEventParanoid(facts), unprivilegedBpf(facts), kernelLog(facts), lockdown(facts)];
}

function capabilities(facts: DoctorFacts): Finding {
  const [key, title] = ['capabilities', 'capabilities'];
  const { rights } = facts;
  if (!rights) return limited(key, title, 'Not known without /proc.', 'See pid namespace.');
  const who = rights.euid === 0 ? 'root' : `user ${rights.euid}`;
  const missing = lacking(rights);
  if (inUserNamespace(facts)) return fails(key, title, 'They are valid in a user namespace only, and BPF needs those of the machine.', `Run it outside: \`${sudo(facts)}\`.`);
  if (missing.length > 0) return fails(key, title, `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing (${who}).`, howToGet(rights, facts));
  const without = [...withoutPtrace(rights), ...withoutSearch(rights), ...withoutSetuid(facts, rights), ...withoutResource(rights)];
  if (without.length > 0) return limited(key, title, without.join(' '), rights.uid === 0 ? 'Run it where root has them.' : `Run \`${sudo(facts)}\`, or add them.`);
  return works(key, title, `All that ktrace uses (${who}).`);
}

export const sudo = ({ command }: DoctorFacts): string => `sudo ${shellWords([...command, 'doctor'])}`;

function howToGet(rights: Rights, facts: DoctorFacts): string {
  const inReach = rights.bounding.includes('CAP_SYS_ADMIN') || NEEDED.every((name) => rights.bounding.includes(name));
  if (inReach && rights.uid !== 0) return `Run \`${sudo(facts)}\`, and the tools with sudo likewise.`;
  if (inReach) return `Give root its capabilities back: ${lacking(rights).join(', ')}.`;
  return 'Run it on the host, or start the container with `--cap-add=BPF --cap-add=PERFMON --cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH`.';
}

function withoutPtrace({ effective }: Rights): string[] {
  return effective.includes('CAP_SYS_PTRACE') ? [] : ['CAP_SYS_PTRACE is missing: no memory of other users\' processes, so no deadlocks, fewer holders, bare addresses.'];
}

const READS_ALL = ['CAP_DAC_READ_SEARCH', 'CAP_DAC_OVERRIDE'];

function withoutSearch({ effective }: Rights): string[] {
  return READS_ALL.some((name) => effective.includes(name)) ? [] : ['CAP_DAC_READ_SEARCH is missing: no memory of other users\' processes, and no tracepoints where tracefs belongs to root.'];
}

function withoutSetuid({ caller }: DoctorFacts, { euid, effective }: Rights): string[] {
  const missing = ['CAP_SETUID', 'CAP_SETGID'].filter((name) => !effective.includes(name));
  if (euid !== 0 || caller === 0 || missing.length === 0) return [];
  return [`${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing: ktrace cannot become user ${caller}, who called sudo, and traces with --keep-privileges only.`];
}

function withoutResource({ effective }: Rights): string[] {
  return effective.includes('CAP_SYS_RESOURCE') ? [] : ['CAP_SYS_RESOURCE is missing: no --protect-self.'];
}

/** Rights of the program file are rights of everybody who runs any script with it. */
function nodeRights({ node, rights, trials, command }: DoctorFacts): Finding {
  const [key, title] = ['node-rights', 'rights of Node'];
  const path = shellWords([node.path]);
  const takeThem = node.setId ? `\`sudo chmod ug-s ${path}\`` : `\`sudo setcap -r ${path}\``;
  if (rights?.fromFile) return fails(key, title, `They come from ${node.path}, and whoever runs any script with it has them: ktrace does not run so.`, `${takeThem}, then \`sudo ${shellWords([...command, 'doctor'])}\`.`);
  if (node.setId || trials?.nodeHasFileCapabilities) return limited(key, title, `${node.path} ${node.setId ? 'is set-uid or set-gid' : 'has file capabilities'}: whoever runs any script with it has these rights.`, `${takeThem}.`);
  return works(key, title, 'None of its own: no file capabilities, not set-uid.');
}

function perfEventParanoid(facts: DoctorFacts): Finding {
  const { perfEventParanoid: value, rights } = facts;
  const [key, title] = ['perf-event-paranoid', 'perf events'];
  if (value === undefined) return limited(key, title, 'There is no perf_event_paranoid: this kernel has no perf events, or no /proc/sys.', 'Use a kernel with CONFIG_PERF_EVENTS=y, with /proc mounted.');
  if (value > -1 && inUserNamespace(facts)) return limited(key, title, `perf_event_paranoid is ${value}: it binds whoever is in a user namespace.`, 'Leave it as it is: see capabilities.');
  if (rights && lacking(rights).includes('CAP_PERFMON')) return limited(key, title, `perf_event_paranoid is ${value}: it binds whoever has no CAP_PERFMON.`, 'Leave it as it is and get the capability: see capabilities.');
  if (wantsMoreForPerfEvents(facts)) {
    return limited(key, title, `perf_event_paranoid is ${value}: above ${HIGHEST_PARANOID} some distributions' kernels want CAP_SYS_ADMIN for tracepoints and kprobes.`, `\`sudo sysctl kernel.perf_event_paranoid=${HIGHEST_PARANOID}\`, or add CAP_SYS_ADMIN; fentry needs neither.`);
  }
  return works(key, title, `perf_event_paranoid is ${value}; it does not bind CAP_PERFMON.`);
}

function unprivilegedBpf(facts: DoctorFacts): Finding {
  const { unprivilegedBpfDisabled: value, rights } = facts;
  const [key, title] = ['unprivileged-bpf-disabled', 'unprivileged BPF'];
  if (value === undefined) return limited(key, title, 'There is no unprivileged_bpf_disabled: no bpf(2) in this kernel, or no /proc/sys.', 'Use a kernel with CONFIG_BPF_SYSCALL=y, with /proc mounted.');
  if (inUserNamespace(facts)) return limited(key, title, `unprivileged_bpf_disabled is ${value}; tracing takes CAP_BPF of the machine whatever it is.`, 'Leave it as it is: see capabilities.');
  if (rights && lacking(rights).includes('CAP_BPF')) return limited(key, title, `unprivileged_bpf_disabled is ${value}; tracing takes CAP_BPF whatever it is.`, 'Leave it as it is and get the capability: see capabilities.');
  return works(key, title, `unprivileged_bpf_disabled is ${value}; it does not bind CAP_BPF.`);
}

/** Beside hooks it tells `ktrace oom` of each kill. */
function kernelLog({ kernelLog: code, rights }: DoctorFacts): Finding {
  const [key, title] = ['kernel-log', 'kernel log'];
  if (code === undefined) return works(key, title, 'It can be read (/dev/kmsg).');
  const text = `/dev/kmsg cannot be read (${code}): \`ktrace oom\` tells less of each kill.`;
  return limited(key, title, text, code !== 'EPERM' && code !== 'EACCES' ? 'Run it on the host: containers seldom have it.' : rights?.inUserNamespace ? 'Run it outside of the user namespace.' : 'Run it with sudo, or add CAP_SYSLOG.');
}

/** `[none] integrity confidentiality` */
function lockdown({ lockdown: line }: DoctorFacts): Finding {
  const [key, title] = ['lockdown', 'lockdown'];
  const mode = /\[(\w+)\]/.exec(line ?? '')?.[1];
  if (mode === undefined) return works(key, title, 'None that can be seen; the trials below tell.');
  if (mode !== 'confidentiality') return works(key, title, `${mode}, which lets BPF read the kernel.`);
  return fails(key, title, 'confidentiality: BPF may not read the kernel.', 'Boot with `lockdown=integrity`, or with Secure Boot off.');
}
