/** Where every call went. */
import { SyscallsDrop } from '../../generated/syscalls.js';
import type { Header, Loss } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { backlogFull, skipped, targetsFull } from '../losses.js';
import type { SyscallsSnapshot } from './model.js';

const drop = ({ counters }: SyscallsSnapshot, which: number): number => counters.drops[which] ?? 0;

/** Calls that began since the start, or before it and were still going on: in rows, under way, filtered or lost. */
export function accountingOf(snapshot: SyscallsSnapshot): Header['accounting'] {
  const whole = snapshot.whole ?? snapshot;
  return {
    hits: whole.counters.hits + drop(whole, SyscallsDrop.SYSCALLS_PREEXISTING),
    aggregated: whole.calls.reduce((sum, { calls }) => sum + calls, 0),
    inFlight: whole.inside.length + drop(whole, SyscallsDrop.SYSCALLS_DIED),
    filtered: drop(whole, SyscallsDrop.SYSCALLS_FILTERED),
    dropped: drop(whole, SyscallsDrop.SYSCALLS_NO_MEMORY) + drop(whole, SyscallsDrop.SYSCALLS_STALE) + drop(whole, SyscallsDrop.SYSCALLS_BACKWARDS) + whole.counters.rowsFull,
  };
}

export function lossesOf(snapshot: SyscallsSnapshot, before: SyscallsSnapshot | undefined, { backlogDropped, skippedRuns }: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns'>): Loss[] {
  const count = (of: (snapshot: SyscallsSnapshot) => number): number => of(snapshot) - (before ? of(before) : 0);
  return [
    { reason: 'rows-full', count: count(({ counters }) => counters.rowsFull), meaning: 'calls in no row: the table is full (raise --max-rows)' },
    { reason: 'errors-full', count: count(({ counters }) => counters.errorsFull), meaning: 'errors whose errno is not told: the table is full; the calls are in their rows' },
    targetsFull(count(({ counters }) => counters.targetsFull)),
    { reason: 'no-memory', count: count((of) => drop(of, SyscallsDrop.SYSCALLS_NO_MEMORY)), meaning: 'calls in no row: the kernel had no memory for the state of their threads' },
    { reason: 'stale', count: count((of) => drop(of, SyscallsDrop.SYSCALLS_STALE)), meaning: 'calls in no row: their end was not seen' },
    { reason: 'clock-backwards', count: count((of) => drop(of, SyscallsDrop.SYSCALLS_BACKWARDS)), meaning: 'calls in no row: they ended before they began by the clock' },
    { reason: 'rate-limited', count: count((of) => drop(of, SyscallsDrop.SYSCALLS_LIMITED)), meaning: 'calls not shown one by one: there were more of them in a second than --rate says (totals are not affected)' },
    { reason: 'ring-full', count: count(({ counters }) => counters.eventsLost), meaning: 'calls not shown one by one: the ring was full (totals are not affected; raise --ring-size)' },
    backlogFull(backlogDropped, 'lines'),
    skipped(skippedRuns, 'calls'),
  ];
}
