/** What came between two snapshots of one session: exact differences, since nothing is deleted in between. */
import type { FutexLock, FutexPart } from '../../generated/futex.js';
import type { FutexCounters, FutexSnapshot } from './model.js';

export function since(before: FutexSnapshot, now: FutexSnapshot): FutexSnapshot {
  const oldLocks = new Map(before.locks.map(({ key, value }) => [text(key), value]));
  const oldParts = new Map(before.parts.map(({ key, value }) => [text(key), value]));
  return {
    ...now,
    whole: now,
    startedAt: before.takenAt,
    locks: now.locks.map(({ key, value }) => ({ key, value: lockSince(oldLocks.get(text(key)), value) })),
    parts: now.parts.flatMap(({ key, value }) => partSince(oldParts.get(text(key)), value).map((part) => ({ key, value: part }))),
    counters: countersSince(before.counters, now.counters),
    processes: new Map([...now.processes].map(([pid, process]) => [pid, { ...process, exitedThreadNs: exitedSince(before, now, pid) }])),
    threads: new Map([...now.threads].map(([tid, thread]) => [tid, { ...thread, since: Math.max(thread.since, before.takenAt) }])),
  };
}

/** Threads that died in the interval lived a part of their time before it. */
function exitedSince(before: FutexSnapshot, now: FutexSnapshot, pid: number): number {
  const exited = (now.processes.get(pid)?.exitedThreadNs ?? 0) - (before.processes.get(pid)?.exitedThreadNs ?? 0);
  const earlier = [...now.threads.values()]
    .filter(({ tgid, exited: end, since: start }) => tgid === pid && end > before.takenAt && start < before.takenAt)
    .reduce((sum, { since: start }) => sum + before.takenAt - start, 0);
  return Math.max(0, exited - earlier);
}

const text = (key: object): string => JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const minus = (now: readonly number[], before: readonly number[]): number[] => now.map((value, i) => value - (before[i] ?? 0));

function lockSince(before: FutexLock | undefined, now: FutexLock): FutexLock {
  if (!before) return now;
  return {
    ...now,
    acquisitions: now.acquisitions - before.acquisitions,
    sleeps: now.sleeps - before.sleeps,
    outcomes: minus(now.outcomes, before.outcomes),
    totalNs: now.totalNs - before.totalNs,
    wakeCalls: now.wakeCalls - before.wakeCalls,
    wokenThreads: now.wokenThreads - before.wokenThreads,
    moved: now.moved - before.moved,
    preexisting: now.preexisting - before.preexisting,
    histogram: minus(now.histogram, before.histogram).map((count) => Math.max(0, count)), // one that goes on has left its former bucket
  };
}

/** Maxima cannot be subtracted: one that did not grow is only a bound of what this interval had, and is kept as its negative. */
function partSince(before: FutexPart | undefined, now: FutexPart): FutexPart[] {
  if (!before) return [now];
  if (now.sleeps === before.sleeps) return [];
  const grown = (a: number, b: number): number => (a > b ? a : -b);
  return [
    {
      ...now,
      acquisitions: now.acquisitions - before.acquisitions,
      sleeps: now.sleeps - before.sleeps,
      ns: now.ns - before.ns,
      maxNs: grown(now.maxNs, before.maxNs),
      maxWaiting: grown(now.maxWaiting, before.maxWaiting),
    },
  ];
}

function countersSince(before: FutexCounters, now: FutexCounters): FutexCounters {
  return {
    calls: now.calls.map(({ calls, threads }, i) => ({ calls: calls - (before.calls[i]?.calls ?? 0), threads: threads - (before.calls[i]?.threads ?? 0) })),
    drops: minus(now.drops, before.drops),
    full: {
      locks: now.full.locks - before.full.locks,
      parts: now.full.parts - before.full.parts,
      processes: now.full.processes - before.full.processes,
      targets: now.full.targets - before.full.targets,
      events: now.full.events - before.full.events,
    },
  };
}
