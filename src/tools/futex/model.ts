/** What the futex tool computes with: one consistent look at the maps, the threads in a wait, and what /proc says of them. */
import type {
  FutexKey,
  FutexLock,
  FutexPart,
  FutexPartKey,
  FutexTask,
  KtraceProcess,
  KtraceThread,
} from '../../generated/futex.js';
import type { Mapping } from '../mappings.js';

/** Memory around a futex word: `bytes[before]` is its first byte. */
export interface Evidence {
  readonly bytes: Uint8Array;
  readonly before: number;
}

/** A thread in a futex wait right now, with the memory at the word as user space read it, if it could. */
export interface Wait extends FutexTask {
  readonly memory: Evidence | null;
}

/** Of `calls` in the BPF map: so many for each operation, outcomes first. */
export const SLOTS = 8;
export const ENTERED = 7;

/** Calls by operation and outcome, summed over the CPUs; index as in the BPF map: op * SLOTS + outcome. */
export interface CallCount {
  readonly calls: number;
  readonly threads: number;
}

/** Counters of the BPF side that are not rows, all absolute since the start. */
export interface FutexCounters {
  readonly calls: readonly CallCount[];
  /** Indexed by `FutexDrop`. */
  readonly drops: readonly number[];
  /** Failed insertions by map, and ring reservations. */
  readonly full: Readonly<Record<'locks' | 'parts' | 'processes' | 'targets' | 'events', number>>;
}

/** Wakes without an end: begun when this was taken, or over without that anybody saw it. */
export interface OpenWakes {
  readonly underWay: number;
  readonly unseen: number;
}

export interface FutexSnapshot {
  /** CLOCK_MONOTONIC, ns, when tracing began and when this was taken. */
  readonly startedAt: number;
  readonly takenAt: number;
  readonly locks: readonly { readonly key: FutexKey; readonly value: FutexLock }[];
  readonly parts: readonly { readonly key: FutexPartKey; readonly value: FutexPart }[];
  readonly threads: ReadonlyMap<number, KtraceThread>;
  readonly processes: ReadonlyMap<number, KtraceProcess>;
  readonly waits: readonly Wait[];
  readonly wakes: OpenWakes;
  readonly counters: FutexCounters;
  /** By process; missing when it was gone before anybody looked. */
  readonly mappings: ReadonlyMap<number, readonly Mapping[]>;
  /** The hooks were down, so nothing moved while this was taken: calls must add up. */
  readonly settled: boolean;
  /** Of an interval: everything since tracing began. */
  readonly whole?: FutexSnapshot;
  /** Found so far, oldest first. */
  readonly deadlocks: readonly Deadlock[];
}

export type Kind =
  | 'mutex'
  | 'PI mutex'
  | 'robust mutex'
  | 'rwlock'
  | 'condition variable'
  | 'semaphore'
  | 'barrier'
  | 'join'
  | 'other';

export type Sureness = 'certain' | 'likely' | 'guess';

/** What the memory at a futex word says it is. */
export interface Classification {
  readonly kind: Kind;
  readonly sure: Sureness;
  /** Bytes from the word back to the beginning of the object that the program declared. */
  readonly back: number;
  /** Bytes from the word back to the word that stands for the whole object, where it has several (rwlock, condition variable). */
  readonly toPrimary: number;
  /** The thread id found where this kind keeps its owner means what it says. */
  readonly namesHolder: boolean;
}

/** One thread of a deadlock and the lock it waits for; the next link holds that lock. */
export interface DeadlockLink {
  readonly tgid: number;
  readonly tid: number;
  readonly comm: string;
  readonly lock: string;
  readonly address: bigint;
  readonly kind: Kind;
  /** Time since the thread last got on a CPU, ns; it has been waiting about that long. */
  readonly idleNs: number;
}

export interface Deadlock {
  readonly links: readonly DeadlockLink[];
  /** Threads outside the cycle that wait, directly or through others, for one in it. */
  readonly behind: number;
  /** Ends by itself: some wait in it has a time-out. */
  readonly timed: boolean;
}
