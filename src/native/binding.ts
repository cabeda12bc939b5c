/**
 * What the addon exposes. `src/native/load.ts` is the only importer of the .node file; everything else sees these types.
 * The addon owns lifetime; wording is JavaScript's: every failure is a `NativeError` that `load.ts` lets through unchanged.
 */

/** Thrown by every call of the addon. `message` is the bare operation ("load object"), never a sentence for users. */
export interface NativeError extends Error {
  /** errno name such as `EPERM`, or libbpf's own such as `LIBBPF_FORMAT`; `ECLOSED` after close(), `EINVAL` for a bad argument. */
  readonly code: string;
  /** Positive errno, 0 when there is none. */
  readonly errno: number;
  readonly stage: 'open' | 'configure' | 'load' | 'attach' | 'iterate' | 'drain' | 'map' | 'closed';
  /** What libbpf (and the verifier, at stage load) printed meanwhile; at most 64 KiB, the end of it. */
  readonly log: string;
}

/** Per-program figures, as `bpf_prog_info` gives them. */
export interface ProgramInfo {
  readonly name: string;
  /** Instructions the verifier processed; 0 where the kernel does not say (before 5.16), unless load() was asked for it. */
  readonly verifiedInsns: number;
  /** Runs that the kernel skipped because the program was already running on that CPU (5.12 and later, else 0). */
  readonly recursionMisses: number;
}

export interface BpfObject {
  /** Before load(): switch a `SEC("?…")` program on or off. */
  setAutoload(program: string, on: boolean): void;
  /** Before load(). */
  setMaxEntries(map: string, entries: number): void;
  /** Before load(): overwrite `bytes.length` bytes of a global data section (`.rodata`, `.data`, `.bss`) at `offset`. */
  writeGlobals(section: string, offset: number, bytes: Uint8Array): void;
  /** `statistics`: the verifier writes down its work. Should it refuse a program, the error has no log then. */
  load(statistics?: boolean): void;
  /**
   * Attach one loaded program as its section says (tracepoint/…, tp_btf/…, raw_tp/…, fentry/…, kprobe/…), or a tracepoint program
   * once more as another `section` says. The link lives until detach() or close().
   */
  attach(program: string, section?: string): void;
  /** Destroy the link of one program, or of all; maps stay readable. Unknown or not attached: no-op. */
  detach(program?: string): void;
  /**
   * All rows of a hash or array map: key bytes then value bytes, row after row, without padding between them
   * (per-CPU maps: one value of `roundUp(valueSize, 8)` bytes per possible CPU). Read in batches (BPF_MAP_LOOKUP_BATCH,
   * kernel 5.6), never deleting. The result is JavaScript-owned memory.
   */
  snapshot(map: string): Uint8Array;
  /** One value, or undefined. */
  lookup(map: string, key: Uint8Array): Uint8Array | undefined;
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  /** Run an `iter/…` program once, from first to last element; what it wrote with bpf_seq_write. */
  iterate(program: string): Uint8Array;
  /**
   * Copy whole records from a ring buffer into `into`: each as u32 length (little endian), then the bytes, the whole padded
   * to a multiple of 8. Stops when the next record does not fit; nothing is lost then. Returns the bytes written. EMSGSIZE
   * when not even one record fits: it stays in the ring.
   */
  drain(ring: string, into: Uint8Array): number;
  programs(): ProgramInfo[];
  /** Detach and free everything. Twice is harmless. */
  close(): void;
}

/** What the kernel said to a hook: where it refused, and the name of the errno. */
export interface HookRefusal {
  readonly stage: 'find' | 'load' | 'attach';
  readonly code: string;
}

export interface NativeBinding {
  /** Open from memory; nothing touches the kernel yet. Throws NativeError at stage `open`. */
  readonly BpfObject: new (bytes: Uint8Array, name: string) => BpfObject;
  /** Returns when every BPF program that runs now, on any CPU, has ended: a grace period of the kernel, some 10 ms. */
  waitForPrograms(): void;
  /** The name of the errno with which the kernel refuses any fentry program, or undefined when it may take one. */
  refusesFentry(): string | undefined;
  /** Whether programs can call bpf_find_vma (Linux 5.17). True also when the kernel does not let us ask. */
  hasFindVma(): boolean;
  /**
   * Whether the kernel takes each hook (`tp_btf/sched_waking`), tried with a program that does nothing; functions by their names in the
   * kernel. The first `attached` ones are attached in any case; of the others those that cost a grace period are found or loaded only.
   */
  tryHooks(sections: readonly string[], attached: number): (HookRefusal | undefined)[];
  /** Why no ring buffer can be made, or undefined. */
  refusesRing(): HookRefusal | undefined;
  hasTaskStorage(): boolean;
  /** Whether programs can read stacks (bpf_get_stack). True also when the kernel does not let us ask. */
  hasGetStack(): boolean;
  /** Whether the file gives rights to whoever runs it. */
  hasFileCapabilities(path: string): boolean;
  /**
   * In every thread of the process, those of Node.js too: limits the capabilities (numbers of linux/capability.h) to those given, in the
   * bounding set as well where there is CAP_SETPCAP, gains none by execve(2) any more (no_new_privs), and becomes the user, with the first
   * of `groups` as its own. Throws at the first thread that could not; some may have done it then.
   */
  dropPrivileges(capabilities: readonly number[], uid?: number, groups?: readonly number[]): void;
  /** The groups of a user, `gid` first, or else the one that passwd(5) has. May take long: it asks what nsswitch.conf(5) says. */
  groupsOf(uid: number, gid?: number): number[];
  /** Keeps in memory what this process has mapped of files and does not write to: its code, from when it is first used. Bytes. Takes CAP_IPC_LOCK or CAP_SYS_RESOURCE. */
  lockCode(): number;
  readonly libbpfVersion: string;
  /** Number of possible CPUs, for per-CPU values. */
  readonly possibleCpus: number;
}
