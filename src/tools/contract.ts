/** What a tool is, and what it may ask of the world: interfaces only, so that tools stay pure and replay without a kernel. */
import type { Header, Report } from '../report/model.js';
import type { Program } from '../btf/index.js';
import type { Limits } from './limits.js';
import type { Mapping } from './mappings.js';
import type { Outlook } from './oom/now.js';
import type { CgroupState, MachineMemory } from './oom/state.js';

/** Maps, rings and iterators of the tool's BPF object. */
export interface Tables {
  rows<K, V>(map: string): { key: K; values: readonly V[] }[];
  /** A per-CPU array of counters, summed. */
  counters(map: string): number[];
  iterate<T>(program: string, record: string): T[];
  drain<T>(ring: string, record: string): { events: T[]; full: boolean };
}

/** A file as the kernel saw it at some moment. */
export interface SeenFile {
  readonly inode: bigint;
  /** Number of its device: the major one << 20 | the minor one. */
  readonly device: number;
}

/** A record of the kernel log: Documentation/ABI/testing/dev-kmsg. */
export interface KernelRecord {
  readonly sequence: number;
  /** Since boot, microseconds (sched_clock). */
  readonly timeUs: number;
  /** 0 (emergency) to 7 (debug). */
  readonly level: number;
  /** 0: the kernel itself; what programs write there never has that (syslog(3)). */
  readonly facility: number;
  /** It belongs to an earlier line of the same caller that something else was written after. */
  readonly continues: boolean;
  /** `T4711` or `C0`: thread or CPU, where the kernel tells (CONFIG_PRINTK_CALLER). */
  readonly caller: string | null;
  /** Unescaped; hostile. */
  readonly text: string;
}

export interface KernelNews {
  readonly records: readonly KernelRecord[];
  /** Times, so far, that records were overwritten before they were read. */
  readonly lost: number;
}

/** /proc, as far as tools need it. Nothing here stops a process or writes to it; everything may fail, and then says so by its value. */
export interface Processes {
  /** undefined when the process is gone or may not be read. */
  mappings(pid: number): readonly Mapping[] | undefined;
  /** Bytes of its memory; null when they cannot be read. */
  memory(pid: number, address: bigint, length: number): Uint8Array | null;
  /**
   * What is behind a descriptor: a path, `pipe:[4711]`, or a socket with its addresses; undefined when it is closed or may not be read, or has
   * become another file than `seen`.
   */
  descriptor(pid: number, fd: number, seen?: SeenFile): string | undefined;
  /** Path of a cgroup below its mount, by its id; undefined when it is gone. */
  cgroup(id: bigint): string | undefined;
  /** Processes that live but may not be read, by pid: without them, places, kinds and deadlocks are not known. */
  denied(): readonly number[];
  /** The words that it was started with, as far as they can be read now; hostile. */
  commandLine(pid: number): readonly string[] | undefined;
  /** The name of an address by reverse look-up; undefined while it is not known. The first question begins the look-up. */
  hostName(address: string): string | undefined;
  /** What the kernel has logged since the last question, the first of which only begins to listen; undefined: it may not be read, or has other ids of processes than ours. */
  kernelLog(): KernelNews | undefined;
  /** Resident bytes by process, of all that can be seen; one small read for each. undefined: they cannot be read now. */
  residentMemory(): ReadonlyMap<number, number> | undefined;
  /** When the process that has this id now began: CLOCK_BOOTTIME in ns, rounded up to ten milliseconds; undefined: it is gone. */
  began(pid: number): number | undefined;
  machineMemory(): MachineMemory;
  /** Of a cgroup of the memory controller, by its path as the kernel has it; undefined: it is gone, or paths are other ones here. */
  cgroupState(path: string): CgroupState | undefined;
  /** Whether it has ended and its parent has not waited for it. */
  isZombie(pid: number): boolean;
  /** CLOCK_MONOTONIC in nanoseconds. */
  now(): number;
  /** The same moment by the clock on the wall: RFC 3339, UTC, milliseconds. */
  wallTime(ns: number): string;
}

/** Whom to trace, with ids of ktrace's own pid namespace. Empty lists: no such filter. */
export interface Filters {
  readonly pids: readonly number[];
  readonly tids: readonly number[];
  readonly comms: readonly string[];
  readonly cgroup: { readonly path: string; readonly id: bigint; readonly level: number } | undefined;
  readonly minWaitNs: number;
  /** The one process is a launcher that becomes the command to be traced. */
  readonly launched: boolean;
  /** Trace the children of the targets, too. */
  readonly follow: boolean;
}

/** Values of the tool's own options on the command line, by key; none of them where it is used as a library. */
export type Own = Readonly<Record<string, unknown>>;

/** What a session is made for, beside the filters. */
export interface Setting {
  readonly own: Own;
  /** As Node.js names it: `x64`, `arm64`. */
  readonly machine: string;
  /** CPUs that there may be: so many values has a per-CPU map at each key. */
  readonly cpus: number;
}

export interface ToolOptions extends Setting {
  readonly filters: Filters;
  readonly events: boolean;
  /** Programs at the end of a call may not run although those at its beginning did. */
  readonly endsMissed: boolean;
}

export interface ReportOptions {
  readonly rows: number;
  readonly sort: string;
  readonly all: boolean;
  readonly verbose: boolean;
  readonly header: Omit<Header, 'tool' | 'accounting' | 'intervalNs'>;
  /** CLOCK_MONOTONIC in nanoseconds: the moment that the report tells of. */
  readonly until: number;
  /** Events that user space dropped because nobody read them. */
  readonly backlogDropped: number;
  /** Times that the kernel should have run a program and did not, because another one ran there: see `recursion_misses` in bpf(2). */
  readonly skippedRuns: number;
  /** The same since tracing began, in reports of an interval, too, and until now: after tracing, programs see threads die. */
  readonly skippedInAll: number;
}

/** What each event has, whatever else the tool tells. */
export interface ToolEvent {
  /** Events that were lost since the last one that was not: of the same CPU where the ring was full, of all where nobody read them. */
  readonly lostBefore: number;
}

/** One tracing session's eyes. Methods are called from one thread, never while another runs. */
export interface Look<Event extends ToolEvent = ToolEvent> {
  /** Once, when everything is attached. */
  begin(): void;
  /** About once a second while tracing; what has to be noticed in time. Returns whether it wants to be called again very soon. */
  tick(): boolean;
  /** `last`: nothing follows, so that what was held back comes, too. */
  events(last: boolean): { events: Event[]; full: boolean };
  /** What cannot wait for the report, told once: lines of text. */
  news(): readonly string[];
  /** `interval`: only what came since the last report. */
  report(options: ReportOptions, interval: boolean): Report;
}

/** `asked`: by its own options. `usual`: where nobody asks for reports alone. */
export type Lines = 'none' | 'asked' | 'usual';

/** What the options ask for, where they ask for something else than tracing. */
export interface Asked {
  readonly own: Own;
  readonly pids: readonly number[];
  /** As the user wrote it. */
  readonly cgroup: string | undefined;
  readonly rows: number;
}

/** The machine as it is now, for a report without tracing. */
export interface World {
  /** All that the kernel log still has. Throws KtraceError where it may not be read. */
  wholeLog(): KernelNews;
  swapTotal(): number | undefined;
  wallTime(ns: number): string;
  /** Who would be killed now if memory ran out: of a cgroup, of that which limits a process, or of the machine. Throws KtraceError where there is none. */
  outlook(of: { readonly cgroup?: string | undefined; readonly pid?: number | undefined }): Outlook;
}

/** Its header has but what the tool knows. */
export interface Answer<Event> {
  readonly target: string;
  readonly accounting: Header['accounting'];
  readonly events: readonly Event[];
  readonly report: Pick<Report, 'losses' | 'sections' | 'finding' | 'next'>;
}

export interface Tool<Event extends ToolEvent = ToolEvent> {
  readonly name: string;
  readonly schema: {
    readonly tool: string;
    readonly object: string;
    readonly layoutHash: string;
    readonly options: Readonly<Record<string, string>>;
    readonly programs: readonly Program[];
  };
  /** Hooks that older kernels lack, by system call or tracepoint, and the sentence for the report. */
  readonly optionalHooks: Readonly<Record<string, string>>;
  /** What a variant cannot see, by its name: sentences for the report. */
  readonly limits: Readonly<Record<string, readonly string[]>>;
  /** Further hooks of one program, by its name: sections of the same kind as its own. */
  readonly alsoOn: Readonly<Record<string, readonly string[]>>;
  readonly sorts: readonly string[];
  /** It watches all of the machine: a command after -- says for how long. */
  readonly wholeMachine?: boolean;
  /** Whether it has events to send: one for each thing that happens. */
  readonly hasEvents: boolean;
  /** Its report is made from its events, whether they are shown or not. */
  readonly countsEvents?: boolean;
  /** Whether events are shown as lines of text while tracing: never, if it is left out. */
  lines?(own: Own): Lines;
  /** Such a line, or several, without their ends; hostile names in them. */
  line?(event: Event): string | readonly string[];
  /** What can be answered without tracing; undefined: the options ask for none of it. */
  answer?(asked: Asked, world: World): Answer<Event> | undefined;
  /** What of a report makes the exit code another one than 0; undefined: nothing. */
  verdict?(report: Report, own: Own): 'alert' | 'oom' | undefined;
  /** What its own options leave out, in words for the report. */
  filterWords?(own: Own): readonly string[];
  /** Values of the tool's own `const volatile` options. Throws KtraceError for what the user asked for and cannot be. */
  options(given: ToolOptions): object;
  mapSizes(limits: Limits, setting: Setting): Readonly<Record<string, number>>;
  look(tables: Tables, processes: Processes, setting: Setting): Look<Event>;
}
