/** Conservation: every call that a hook saw is somewhere. */
import { FutexDrop, FutexOp, FutexPhase } from '../../generated/futex.js';
import type { Header, Loss } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { backlogFull, skipped } from '../losses.js';
import { ENTERED, SLOTS, type FutexSnapshot } from './model.js';

const ADOPTED = 6;
const OUTCOMES = 5;

const WAIT_OPS: ReadonlySet<number> = new Set([
  FutexOp.FUTEX_OP_WAIT,
  FutexOp.FUTEX_OP_WAIT_BITSET,
  FutexOp.FUTEX_OP_LOCK_PI,
  FutexOp.FUTEX_OP_LOCK_PI2,
  FutexOp.FUTEX_OP_WAIT_REQUEUE_PI,
  FutexOp.FUTEX_OP_WAITV,
  FutexOp.FUTEX_OP_WAIT2,
]);

const DROPPED: readonly number[] = [FutexDrop.FUTEX_DROP_STATE, FutexDrop.FUTEX_DROP_LOCK, FutexDrop.FUTEX_DROP_STALE, FutexDrop.FUTEX_DROP_BACKWARDS, FutexDrop.FUTEX_WAKE_STALE];

/**
 * hits = aggregated + in flight + filtered + dropped. Waits are hits when they begin (or are found going on at the start) and are
 * aggregated in the rows of their locks when they end; wakes, which do not block, are both when they end, or where an end may go unseen, hits when they begin. Always since tracing began, in interval reports too:
 * a call may begin in one interval and end in the next.
 *
 * Where the kernel skipped a run of a program, calls that are nowhere when all is over were dropped: a thread whose death was skipped takes
 * along all that only its state still knew.
 */
export function accountingOf(snapshot: FutexSnapshot, skippedInAll = 0): Header['accounting'] {
  const { counters, locks, waits, wakes } = snapshot.whole ?? snapshot;
  const { calls, drops } = counters;
  let hits = 0;
  let aggregated = locks.reduce((sum, { value }) => sum + value.outcomes.reduce((a, b) => a + b, 0), 0);
  const inFlight = waits.filter(({ state }) => state.phase === FutexPhase.FUTEX_WAITING).length + wakes.underWay + (drops[FutexDrop.FUTEX_DIED] ?? 0);
  for (let op = 0; op * SLOTS < calls.length; op++) {
    hits += begunOf(counters, op);
    if (!WAIT_OPS.has(op)) aggregated += endedOf(counters, op);
  }
  const filtered = drops[FutexDrop.FUTEX_FILTERED] ?? 0;
  const dropped = DROPPED.reduce((sum, reason) => sum + (drops[reason] ?? 0), wakes.unseen);
  const takenAlong = snapshot.settled && skippedInAll > 0 ? Math.max(0, hits - aggregated - inFlight - filtered - dropped) : 0;
  return { hits, aggregated, inFlight, filtered, dropped: dropped + takenAlong };
}

/** Wakes do not block: they are counted when they end, and also when they begin only where an end may go unseen. */
function begunOf(counters: FutexSnapshot['counters'], op: number): number {
  const entered = (counters.calls[op * SLOTS + ENTERED]?.calls ?? 0) + (counters.calls[op * SLOTS + ADOPTED]?.calls ?? 0);
  return WAIT_OPS.has(op) || entered > 0 ? entered : endedOf(counters, op);
}

function endedOf({ calls }: FutexSnapshot['counters'], op: number): number {
  let ended = 0;
  for (let outcome = 0; outcome < OUTCOMES; outcome++) ended += calls[op * SLOTS + outcome]?.calls ?? 0;
  return ended;
}

/** Everything that is missing from the figures, with what it means; zeros too. */
export function lossesOf(snapshot: FutexSnapshot, { backlogDropped, skippedRuns, skippedInAll }: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns' | 'skippedInAll'>): Loss[] {
  const { wakes, counters: { drops, full } } = snapshot;
  const { hits, aggregated, inFlight, filtered, dropped } = accountingOf(snapshot, skippedInAll);
  const apart = Math.abs(hits - aggregated - inFlight - filtered - dropped);
  const loss = (reason: string, count: number | undefined, meaning: string): Loss => ({ reason, count: count ?? 0, meaning });
  return [
    loss('locks-full', drops[FutexDrop.FUTEX_DROP_LOCK], 'waits are in no lock\'s row: the table of locks is full (raise --max-locks)'),
    loss('parts-full', full.parts, 'times a waiter, holder or releaser was left out of its lock\'s shares: table full (raise --max-locks)'),
    loss('no-memory', drops[FutexDrop.FUTEX_DROP_STATE], 'waits were not followed: the kernel had no memory for a thread\'s state'),
    loss('stale', drops[FutexDrop.FUTEX_DROP_STALE], 'waits ended unseen; they are in no row'),
    loss('wakes-unseen', (drops[FutexDrop.FUTEX_WAKE_STALE] ?? 0) + wakes.unseen, 'wake calls were not seen to end; they are in no row'),
    loss('clock-backwards', drops[FutexDrop.FUTEX_DROP_BACKWARDS], 'waits ended before they began by the clock; they are in no row'),
    loss('identity', drops[FutexDrop.FUTEX_UNRESOLVED], 'shared waits whose mapping could not be read: their lock may show as one row per process'),
    loss('ring-full', full.events, 'events lost: the ring was full (totals are not affected; raise --ring-size or --min-wait)'),
    backlogFull(backlogDropped, 'events'),
    skipped(skippedRuns, 'calls, wakers or names'),
    loss('skipped-calls', dropped - accountingOf(snapshot).dropped, 'calls are in no row: the kernel did not run the program that was to count them'),
    loss('processes-full', full.processes + full.targets, 'processes or children not followed: table full'),
    loss('unaccounted', snapshot.settled ? Math.max(0, apart - skippedInAll) : 0, 'calls do not add up; please report this'),
  ];
}

/** Ended waits and wakes by operation, for the table under -v. */
export function callTallies({ counters }: FutexSnapshot): { op: string; entered: number; outcomes: number[]; threads: number }[] {
  return Object.entries(FutexOp).flatMap(([name, op]) => {
    const outcomes = Array.from({ length: OUTCOMES }, (_, outcome) => counters.calls[op * SLOTS + outcome]?.calls ?? 0);
    const entered = begunOf(counters, op);
    if (name === 'FUTEX_OPS' || entered + outcomes.reduce((a, b) => a + b, 0) === 0) return []; // in an interval a call may end that began before
    return [{ op: OP_NAMES[op] ?? name, entered, outcomes, threads: counters.calls[op * SLOTS]?.threads ?? 0 }];
  });
}

/** As futex(2) and the system calls of their own are called. */
export const OP_NAMES: Readonly<Record<number, string>> = {
  [FutexOp.FUTEX_OP_WAIT]: 'FUTEX_WAIT',
  [FutexOp.FUTEX_OP_WAKE]: 'FUTEX_WAKE',
  [FutexOp.FUTEX_OP_REQUEUE]: 'FUTEX_REQUEUE',
  [FutexOp.FUTEX_OP_CMP_REQUEUE]: 'FUTEX_CMP_REQUEUE',
  [FutexOp.FUTEX_OP_WAKE_OP]: 'FUTEX_WAKE_OP',
  [FutexOp.FUTEX_OP_LOCK_PI]: 'FUTEX_LOCK_PI',
  [FutexOp.FUTEX_OP_UNLOCK_PI]: 'FUTEX_UNLOCK_PI',
  [FutexOp.FUTEX_OP_TRYLOCK_PI]: 'FUTEX_TRYLOCK_PI',
  [FutexOp.FUTEX_OP_WAIT_BITSET]: 'FUTEX_WAIT_BITSET',
  [FutexOp.FUTEX_OP_WAKE_BITSET]: 'FUTEX_WAKE_BITSET',
  [FutexOp.FUTEX_OP_WAIT_REQUEUE_PI]: 'FUTEX_WAIT_REQUEUE_PI',
  [FutexOp.FUTEX_OP_CMP_REQUEUE_PI]: 'FUTEX_CMP_REQUEUE_PI',
  [FutexOp.FUTEX_OP_LOCK_PI2]: 'FUTEX_LOCK_PI2',
  [FutexOp.FUTEX_OP_WAITV]: 'futex_waitv',
  [FutexOp.FUTEX_OP_WAIT2]: 'futex_wait',
  [FutexOp.FUTEX_OP_WAKE2]: 'futex_wake',
  [FutexOp.FUTEX_OP_REQUEUE2]: 'futex_requeue',
  [FutexOp.FUTEX_OP_OTHER]: 'other',
};
