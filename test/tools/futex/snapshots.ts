/** Small builders for what the futex tool computes with: each names only what its test is about. */
import {
  FutexDrop, FutexOp, FutexOutcome, FutexPhase, FutexRole, FutexScope,
  type FutexCall, type FutexKey, type FutexLock, type FutexPart, type FutexPartKey, type FutexState, type KtraceProcess, type KtraceThread,
} from '../../../src/generated/futex.js';
import { FIRST_BUCKET } from '../../../src/report/buckets.js';
import type { ReportOptions } from '../../../src/tools/contract.js';
import type { Mapping } from '../../../src/tools/mappings.js';
import { parseMappings } from '../../../src/tools/mappings.js';
import { ENTERED, SLOTS, type Evidence, type FutexCounters, type FutexSnapshot, type Wait } from '../../../src/tools/futex/model.js';

export type LockRow = FutexSnapshot['locks'][number];
export type PartRow = FutexSnapshot['parts'][number];

/** The process of most tests, and where its program lies. */
export const PID = 4242;
export const PROGRAM = 0x5581_0000_0000n;
export const START_TIME = 77n;
const SECOND = 1e9;
const REALTIME = 256;
const PRIVATE = 128;
const HAS_TIMEOUT = 1 << 16;
const OPS = FutexOp.FUTEX_OPS;

export function key(address: bigint, more: Partial<FutexKey> = {}): FutexKey {
  return { address, space: START_TIME, tgid: PID, execId: 1, dev: 0, scope: FutexScope.FUTEX_PRIVATE, ...more };
}

export function sharedKey(offset: bigint, more: Partial<FutexKey> = {}): FutexKey {
  return { address: offset, space: 99n, tgid: 0, execId: 0, dev: 24, scope: FutexScope.FUTEX_SHARED, ...more };
}

// Memory around a futex word, as glibc for 64-bit lays its objects out. `at` is the distance of the word from the object.

/** 32-bit words by their distance from the object's beginning; what no entry names is `filler`. */
export function memory(at: number, words: Readonly<Record<number, number>>, filler = 0): Evidence {
  const before = 48;
  const bytes = new Uint8Array(96);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 96; i += 4) view.setUint32(i, filler, true);
  for (const [offset, word] of Object.entries(words)) view.setUint32(before - at + Number(offset), word, true);
  return { bytes, before };
}

export const mutexMemory = (owner: number, { word = 2, kind = 0 } = {}): Evidence => memory(0, { 0: word, 4: 1, 8: owner, 12: 1, 16: kind, 20: 0 });

export const rwlockMemory = (at: 8 | 12, { readers = 0, writers = 0, writer = 0, shared = 0, phase = 0, queue = 0 } = {}): Evidence =>
  memory(at, { 0: readers, 4: writers, 8: phase, 12: queue, 16: 0, 20: 0, 24: writer, 28: shared }, 0xa5a5a5a5);

export const conditionMemory = (group: 0 | 1, { waiters = 1, references = [0, 0] } = {}): Evidence =>
  memory(40 + 4 * group, { 16: references[0] ?? 0, 20: references[1] ?? 0, 32: 0, 36: waiters << 3, 40: 0, 44: 0 }, 0xa5a5a5a5);

export const semaphoreMemory = (waiters = 1): Evidence => memory(0, { 0: 0, 4: waiters, 8: 0 }, 0xa5a5a5a5);

/** What a row keeps of the memory at its word. */
const kept = (evidence: Evidence | null): Pick<FutexLock, 'evidence' | 'evidenceFrom' | 'evidenceSize'> => ({
  evidence: evidence?.bytes ?? new Uint8Array(96),
  evidenceFrom: evidence?.before ?? 0,
  evidenceSize: evidence?.bytes.length ?? 0,
});

export interface RowOptions extends Partial<Omit<FutexLock, 'evidence' | 'call'>> {
  readonly memory?: Evidence | null;
  readonly key?: FutexKey;
  readonly op?: number;
  readonly val?: number;
  readonly nonprivate?: boolean;
  /** How many acquisitions took how long each, ns: fills sums, outcomes and histogram. */
  readonly took?: readonly (readonly [count: number, ns: number])[];
}

/** Of the BPF side: slot of a duration in the array of 152 buckets. */
export function slotOf(ns: number): number {
  return Math.max(0, Math.min(151, Math.ceil(4 * Math.log2(ns)) - 1 - FIRST_BUCKET));
}

export function lockRow(address: bigint, options: RowOptions = {}): LockRow {
  const { memory: evidence = mutexMemory(PID + 1), key: own = key(address), took = [], op = FutexOp.FUTEX_OP_WAIT, val = 2, nonprivate = false, ...more } = options;
  const histogram = new Array<number>(152).fill(0);
  for (const [n, ns] of took) histogram[slotOf(ns)] = (histogram[slotOf(ns)] ?? 0) + n;
  const acquisitions = took.reduce((sum, [n]) => sum + n, 0);
  const value: FutexLock = {
    firstSeen: 1 * SECOND, lastSeen: 2 * SECOND, acquisitions, sleeps: acquisitions, outcomes: [acquisitions, 0, 0, 0, 0],
    totalNs: took.reduce((sum, [n, ns]) => sum + n * ns, 0), waiting: 0, wakeCalls: acquisitions, wokenThreads: acquisitions, moved: 0, movedTo: 0n,
    call: callFrom(address, op, val, nonprivate, 0n), tgid: own.tgid || PID, preexisting: 0, histogram, ...kept(evidence), ...more,
  };
  return { key: own, value };
}

/** A condition variable, semaphore, rwlock or the like: waited for with WAIT_BITSET. */
export function bitsetRow(address: bigint, val: number, evidence: Evidence | null, more: RowOptions = {}): LockRow {
  return lockRow(address, { op: FutexOp.FUTEX_OP_WAIT_BITSET, val, memory: evidence, ...more });
}

export function part(row: LockRow, role: 'waiter' | 'holder' | 'releaser', tid: number, more: Partial<FutexPart> = {}): PartRow {
  const number = { waiter: FutexRole.FUTEX_WAITER, holder: FutexRole.FUTEX_HOLDER, releaser: FutexRole.FUTEX_RELEASER }[role];
  const partKey: FutexPartKey = { lock: row.key, tid, role: number };
  const named = role === 'holder' ? { tgid: 0, comm: '' } : { tgid: PID, comm: `thread-${tid}` };
  return { key: partKey, value: { acquisitions: 1, sleeps: 1, ns: 1e6, maxNs: role === 'waiter' ? 1e6 : 0, maxWaiting: 0, ...named, ...more } };
}

export function thread(comm: string, more: Partial<KtraceThread> = {}): KtraceThread {
  return { tgid: PID, ownTid: 0, since: 0, exited: 0, comm, ...more };
}

/** Threads by id; outside of pid namespaces each calls itself by that id, too. */
export function threads(...list: (readonly [tid: number, comm: string, more?: Partial<KtraceThread>])[]): Map<number, KtraceThread> {
  return new Map(list.map(([tid, comm, more]) => [tid, thread(comm, { ownTid: tid, ...more })]));
}

const NO_CALL: FutexCall = { uaddr: 0n, op: 0, val: 0, flags: 0 };
const NO_KEY: FutexKey = key(0n, { space: 0n, tgid: 0, execId: 0 });
const NO_STATE: FutexState = {
  begin: 0, callBegin: 0, accounted: 0, key: NO_KEY, call: NO_CALL, space: START_TIME, execId: 1, waitv: 0n, unseenEnd: 0, waking: 0, unseenResult: 0, nvcsw: 0, phase: FutexPhase.FUTEX_IDLE, holder: 0, lockLike: 0, open: 0, counted: 0,
  seenWaiting: 0, preexisting: 0, inDoubt: 0, wakerTid: 0, wakerTgid: 0, wakerUaddr: 0n, wakerComm: '', pending: 0, pendingCall: NO_CALL, pendingKey: NO_KEY,
};

/** As the kernel side notes a call. */
function callFrom(uaddr: bigint, op: number, val: number, nonprivate: boolean, timeout: bigint): FutexCall {
  return { uaddr, op, val, flags: (nonprivate ? 0 : PRIVATE) | (op === FutexOp.FUTEX_OP_WAIT_BITSET ? REALTIME : 0) | (timeout === 0n ? 0 : HAS_TIMEOUT) };
}

export interface WaitOptions extends Partial<Omit<Wait, 'state' | 'memory'>> {
  readonly op?: number;
  readonly val?: number;
  readonly memory?: Evidence | null;
  readonly key?: FutexKey;
  readonly nonprivate?: boolean;
  readonly timeout?: bigint;
  /** 'before': tracing found it waiting. 'unknown': no state at all, only registers. */
  readonly began?: number | 'before' | 'unknown';
}

/** A thread in futex(2): 12 s after the start, waiting since 10 s, unless told otherwise. */
export function wait(tid: number, address: bigint, options: WaitOptions = {}): Wait {
  const { op = FutexOp.FUTEX_OP_WAIT, val = 2, memory: evidence = null, nonprivate = false, timeout = 0n, began = 10 * SECOND, ...more } = options;
  const { key: own = key(address, more.tgid === undefined ? {} : { tgid: more.tgid }), ...rest } = more;
  const call = callFrom(address, op, val, nonprivate, timeout);
  const flags = call.flags & ~HAS_TIMEOUT;
  const begin = typeof began === 'number' ? began : 1 * SECOND;
  const state: FutexState = began === 'unknown' ? NO_STATE : {
    ...NO_STATE, begin, callBegin: begin, key: own, call, phase: FutexPhase.FUTEX_WAITING, preexisting: began === 'before' ? 1 : 0,
  };
  return {
    now: 12 * SECOND, lastRan: 500 * SECOND, clockNow: 502 * SECOND, state, startTime: START_TIME, args: [address, BigInt(op | flags), BigInt(val), timeout, 0n, 0n],
    syscall: 202, waits: 1, tid, tgid: PID, ownTid: tid, execId: 1, sleeping: 1, comm: `thread-${tid}`, memory: evidence, ...rest,
  };
}

/** A thread that waits for a mutex which another one holds. */
export function mutexWait(tid: number, address: bigint, owner: number, more: WaitOptions = {}): Wait {
  return wait(tid, address, { memory: mutexMemory(owner), ...more });
}

export function counters(more: Partial<FutexCounters> = {}): FutexCounters {
  const calls = Array.from({ length: OPS * SLOTS }, () => ({ calls: 0, threads: 0 }));
  return { calls, drops: new Array<number>(FutexDrop.FUTEX_DROPS).fill(0), full: { locks: 0, parts: 0, processes: 0, targets: 0, events: 0 }, ...more };
}

/** Calls of operations: how many began, and how they ended. */
export function calls(...list: (readonly [op: number, entered: number, outcomes?: readonly number[], threads?: number])[]): FutexCounters['calls'] {
  const table = Array.from({ length: OPS * SLOTS }, () => ({ calls: 0, threads: 0 }));
  for (const [op, entered, outcomes = [], woken = 0] of list) {
    table[op * SLOTS + ENTERED] = { calls: entered, threads: 0 };
    outcomes.forEach((n, outcome) => (table[op * SLOTS + outcome] = { calls: n, threads: outcome === FutexOutcome.FUTEX_WOKEN ? woken : 0 }));
  }
  return table;
}

export function drops(list: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: FutexDrop.FUTEX_DROPS }, (_, i) => list[i] ?? 0);
}

const MAPS = `\
558100000000-558100004000 r--p 00000000 fe:00 1 /opt/app/server
558100004000-558100008000 r-xp 00004000 fe:00 1 /opt/app/server
558100008000-55810000c000 rw-p 00008000 fe:00 1 /opt/app/server
55810000c000-558100010000 rw-p 00000000 00:00 0
558101000000-558101021000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000001000 rw-s 00000000 00:01 99 /dev/shm/jobs
`;

export const MAPPINGS: readonly Mapping[] = parseMappings(MAPS);

export function snapshot(more: Partial<FutexSnapshot> = {}): FutexSnapshot {
  const processes = new Map<number, KtraceProcess>([[PID, { exitedThreadNs: 0, threads: 4 }]]);
  return {
    startedAt: 0, takenAt: 12 * SECOND, locks: [], parts: [], threads: new Map(), processes, waits: [], wakes: { underWay: 0, unseen: 0 }, counters: counters(), mappings: new Map([[PID, MAPPINGS]]), settled: true,
    deadlocks: [], ...more,
  };
}

/** The same with the counters that a kernel would have: every wait began, and each ended or goes on. */
export function balanced(taken: FutexSnapshot): FutexSnapshot {
  const table = taken.counters.calls.map((slot) => ({ ...slot }));
  const count = (index: number, n: number): void => void (table[index] = { calls: (table[index]?.calls ?? 0) + n, threads: 0 });
  for (const { value } of taken.locks) {
    count(value.call.op * SLOTS + ENTERED, value.outcomes.reduce((a, b) => a + b, 0));
    value.outcomes.forEach((n, outcome) => count(value.call.op * SLOTS + outcome, n));
  }
  for (const { state } of taken.waits) if (state.phase === FutexPhase.FUTEX_WAITING) count(state.call.op * SLOTS + ENTERED, 1);
  return { ...taken, counters: { ...taken.counters, calls: table } };
}

export const OPTIONS: Omit<ReportOptions, 'sort'> & { readonly sort: 'total' } = {
  rows: 10, sort: 'total', all: false, verbose: false, until: 12 * SECOND, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0,
  header: {
    version: '0.1.0', startedAt: '2026-11-21T02:13:44.120Z', durationNs: 12 * SECOND, target: 'process 4242', filters: [], variant: 'tracepoint', attempts: [], limits: [], kernel: '6.1.0', settled: true,
  },
};
