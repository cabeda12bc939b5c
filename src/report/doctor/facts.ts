/** What `ktrace doctor` found out about a machine, before anything is judged. All text in it is as hostile as where it came from. */

/** Where the kernel, or we, refused something, and the name of the errno. */
export interface Refusal {
  readonly stage: string;
  readonly code: string;
}

/** What somebody else's code said about a failure: one sentence, and the next step. */
export interface Problem {
  readonly message: string;
  readonly hint: string;
}

export interface Rights {
  readonly uid: number;
  readonly euid: number;
  /** Capabilities that the process has, and those that it or sudo could get: names such as `CAP_BPF`. */
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
  /** They came from the program file of Node.js: it is set-uid, or has file capabilities. */
  readonly fromFile: boolean;
  /** Root of a user namespace is not root of the machine. */
  readonly inUserNamespace: boolean;
  readonly seccomp: boolean;
}

/** What the addon found by trial; missing where it does not load. */
export interface Trials {
  readonly libbpf: string;
  readonly ring: Refusal | undefined;
  readonly taskStorage: boolean;
  /** bpf_get_stack. */
  readonly getStack: boolean;
  readonly iterators: Refusal | undefined;
  /** Tools get the objects made for kernels before 5.17. */
  readonly legacy: boolean;
  /** Node.js gives rights to everybody who runs it. */
  readonly nodeHasFileCapabilities: boolean;
}

export interface HookFact {
  /** `tracepoint/syscalls/sys_enter_futex` */
  readonly section: string;
  readonly refusal: Refusal | undefined;
  /** The report of the tool says what is missing without it. */
  readonly optional: boolean;
}

export interface VariantFact {
  /** `any`: what belongs to every variant. */
  readonly variant: string;
  /** Why it need not be tried. */
  readonly refused: Refusal | undefined;
  readonly hooks: readonly HookFact[];
  /** What it cannot see. */
  readonly limits: readonly string[];
  /** Its programs, loaded and taken down again: `untried` when another one does, or time was up. */
  readonly load: 'untried' | 'works' | Refusal;
}

export interface ToolFact {
  readonly name: string;
  /** In the order of preference, `any` first. */
  readonly variants: readonly VariantFact[];
  /** Its object is missing, or does not fit. */
  readonly problem: Problem | undefined;
}

/** A file that runs, or a directory or link on the way there; `mode` as lstat(2) tells it. */
export interface OwnFile {
  readonly path: string;
  /** Why it is looked at: it leads to the package, to Node.js, or to what the caller named. */
  readonly of: 'package' | 'node' | 'call';
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface CgroupMounts {
  /** Where cgroup v2 is mounted. */
  readonly v2: string | undefined;
  readonly v1: boolean;
}

export interface DoctorFacts {
  readonly version: string;
  /** How ktrace was called. */
  readonly command: readonly string[];
  readonly kernel: { readonly release: string; readonly arch: string };
  readonly distribution: string | undefined;
  /** Name of the errno with which /sys/kernel/btf/vmlinux cannot be read. */
  readonly btf: string | undefined;
  /** The line of the file in securityfs; undefined when it cannot be read. */
  readonly lockdown: string | undefined;
  readonly perfEventParanoid: number | undefined;
  readonly unprivilegedBpfDisabled: number | undefined;
  /** Name of the errno with which /dev/kmsg cannot be read. */
  readonly kernelLog: string | undefined;
  readonly cgroup: CgroupMounts;
  /** `foreign`: /proc is that of another one; `missing`: there is no /proc. */
  readonly pidNamespace: 'initial' | 'nested' | 'foreign' | 'missing';
  readonly rights: Rights | undefined;
  readonly node: { readonly version: string; readonly napi: number; readonly path: string; readonly setId: boolean };
  readonly addon: Problem | undefined;
  readonly trials: Trials | undefined;
  /** Part of the functions of the C library that keep a frame pointer; undefined when it cannot be told. */
  readonly framePointers: number | undefined;
  /** That library has tables to unwind stacks by. */
  readonly unwindTables: boolean;
  /** The user who called sudo, or who runs ktrace. */
  readonly caller: number;
  readonly files: readonly OwnFile[];
  /** The directory of the package. */
  readonly root: string;
  readonly tools: readonly ToolFact[];
}
