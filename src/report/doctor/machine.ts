/** Judges the kernel and what is mounted, apart from hooks. */
import type { DoctorFacts, Refusal, Trials } from './facts.js';
import { fails, limited, sentence, shellWords, wordsOf, works, type Finding } from './model.js';
import { isDenied, remedyForDenial } from './rights.js';

export const MOUNT_PROC = 'mount it: `mount -t proc proc /proc`';
/** Where everybody sees the one that is mounted, only this process gets another. */
export const ownProc = (command: string): string => `give it a /proc of its own: \`unshare --mount sh -c ${shellWords([`mount -t proc proc /proc && ${command}`])}\``;

export function judgeMachine(facts: DoctorFacts): Finding[] {
  return [kernel(facts), distribution(facts), pidNamespace(facts), cgroup(facts)];
}

export function judgeBpf(facts: DoctorFacts): Finding[] {
  return [btf(facts), ...(facts.trials ? [ring(facts, facts.trials.ring), taskStorage(facts), iterators(facts, facts.trials.iterators)] : [])];
}

export function judgeStacks(facts: DoctorFacts): Finding[] {
  return [...(facts.trials ? [kernelStacks(facts, facts.trials)] : []), userStacks(facts)];
}

function kernel({ kernel: { release, arch }, trials }: DoctorFacts): Finding {
  const text = `Linux ${release}, ${arch === 'x64' ? 'x86-64' : arch}`;
  if (arch !== 'x64') return limited('kernel', 'kernel', `${text}: nobody has run ktrace on this kind of machine.`, 'Compare its results with another tracer before you rely on them.');
  if (trials?.legacy) return limited('kernel', 'kernel', `${text}: older than 5.17, so that tools run from their objects for such kernels.`, 'Linux 5.17 or newer lifts what docs/kernels.md says of them.');
  return works('kernel', 'kernel', text);
}

function distribution({ distribution: name }: DoctorFacts): Finding {
  return works('distribution', 'distribution', name ?? 'not told: there is no os-release');
}

function pidNamespace({ pidNamespace: which, command }: DoctorFacts): Finding {
  const [key, title] = ['pid-namespace', 'pid namespace'];
  switch (which) {
    case 'initial':
      return works(key, title, 'The initial one: all processes of the machine.');
    case 'nested':
      return limited(key, title, 'Not the initial one: only its processes are seen, by its ids.', 'Run it on the host for those of the whole machine.');
    case 'foreign':
      return fails(key, title, '/proc belongs to another pid namespace.', sentence(ownProc(shellWords([...command, 'doctor']))));
    case 'missing':
      return fails(key, title, '/proc is not mounted.', sentence(MOUNT_PROC));
  }
}

function cgroup({ cgroup: { v2, v1 }, pidNamespace: proc }: DoctorFacts): Finding {
  const [key, title] = ['cgroup', 'cgroup'];
  if (proc === 'missing') return limited(key, title, 'Not known without /proc.', sentence(MOUNT_PROC));
  if (v2 === undefined) return limited(key, title, `${v1 ? 'Version 1 only' : 'Not mounted'}: --cgroup has nothing to look in.`, v1 ? 'Mount version 2 beside it: `mount -t cgroup2 none DIRECTORY`.' : 'Mount it: `mount -t cgroup2 none /sys/fs/cgroup`.');
  if (!v1) return works(key, title, `Version 2 at ${v2}`);
  return limited(key, title, `Version 2 at ${v2}, beside version 1: --cgroup finds groups of version 2 only.`, 'Boot with `systemd.unified_cgroup_hierarchy=1` if a container is not found.');
}

function btf({ btf: code }: DoctorFacts): Finding {
  if (code === undefined) return works('btf', 'BTF', '/sys/kernel/btf/vmlinux');
  return code === 'ENOENT'
    ? fails('btf', 'BTF', 'The kernel has none (/sys/kernel/btf/vmlinux).', 'Use a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions ship it, and mount /sys.')
    : fails('btf', 'BTF', `/sys/kernel/btf/vmlinux cannot be read: ${code}`, 'Let this user read it, or run it as root.');
}

function ring(facts: DoctorFacts, refusal: Refusal | undefined): Finding {
  const [key, title] = ['ring-buffer', 'ring buffer'];
  if (!refusal) return works(key, title, 'A map of this kind was made.');
  if (isDenied(refusal)) return fails(key, title, `The kernel refuses to make one (${wordsOf(refusal)}).`, remedyForDenial(facts));
  if (refusal.code === 'EMFILE') return fails(key, title, `None could be made (${wordsOf(refusal)}).`, 'Let it have more open files: `ulimit -n 1024`.');
  return fails(key, title, `The kernel has none (${wordsOf(refusal)}).`, 'Use Linux 5.8 or newer with CONFIG_BPF_SYSCALL=y.');
}

function taskStorage(facts: DoctorFacts): Finding {
  const { trials } = facts;
  const [key, title] = ['task-storage', 'task storage'];
  if (trials?.taskStorage) return works(key, title, 'A map of this kind was made.');
  if (trials?.ring && isDenied(trials.ring)) return fails(key, title, `The kernel refuses to say (${wordsOf(trials.ring)}).`, remedyForDenial(facts));
  return limited(key, title, 'The kernel has none: a table of 16,384 threads is taken instead.', 'Linux 5.11 or newer with CONFIG_BPF_SYSCALL=y has it.');
}

function iterators(facts: DoctorFacts, refusal: Refusal | undefined): Finding {
  const [key, title] = ['iterators', 'iterators'];
  if (!refusal) return works(key, title, 'One over tasks was attached.');
  if (isDenied(refusal)) return fails(key, title, `The kernel refuses them (${wordsOf(refusal)}).`, remedyForDenial(facts));
  return fails(key, title, `The kernel has none over tasks (${wordsOf(refusal)}).`, 'Use Linux 5.8 or newer with BTF.');
}

function kernelStacks(facts: DoctorFacts, { ring: refusal, getStack: helper }: Trials): Finding {
  const [key, title] = ['kernel-stacks', 'kernel stacks'];
  if (refusal && isDenied(refusal)) return fails(key, title, `The kernel refuses to say (${wordsOf(refusal)}).`, remedyForDenial(facts));
  return helper ? works(key, title, 'Programs can read them (bpf_get_stack).') : limited(key, title, 'Programs cannot read them: there is no bpf_get_stack.', 'Use a kernel with CONFIG_PERF_EVENTS=y.');
}

/** Below it a compiler kept frame pointers in a few functions only, for their own ends. */
const MOSTLY = 0.25;

function userStacks({ framePointers, unwindTables }: DoctorFacts): Finding {
  const [key, title] = ['user-stacks', 'user stacks'];
  const tables = unwindTables ? 'it has unwind tables' : 'it has no unwind tables either';
  if (framePointers === undefined) return limited(key, title, 'Not known: the C library cannot be read.', 'Build what you trace with `-fno-omit-frame-pointer`.');
  if (framePointers >= MOSTLY) return works(key, title, 'The C library keeps frame pointers.');
  return limited(key, title, `The C library keeps no frame pointers; ${tables}. Stacks by frame pointers end there.`, 'Build what you trace with `-fno-omit-frame-pointer`, on a distribution that does so too.');
}
