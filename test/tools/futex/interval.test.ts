import t from 'tap';
import fc from 'fast-check';
import { FutexDrop, FutexOp } from '../../../src/generated/futex.js';
import { lossesOf, accountingOf } from '../../../src/tools/futex/accounting.js';
import { since } from '../../../src/tools/futex/interval.js';
import { locksOf } from '../../../src/tools/futex/locks.js';
import type { FutexSnapshot } from '../../../src/tools/futex/model.js';
import { threadTime } from '../../../src/tools/futex/threads.js';
import { PID, PROGRAM, calls, counters, drops, lockRow, mutexWait, part, slotOf, snapshot, threads, type LockRow } from './snapshots.js';

const HERE = PROGRAM + 0x8100n;
const THERE = PROGRAM + 0x8200n;

/** The same lock as it was and as it is. */
function growing(steps: readonly Parameters<typeof lockRow>[1][]): LockRow[] {
  return steps.map((more) => lockRow(HERE, more));
}

t.test('an interval holds what came since the last look, and nothing else', (t) => {
  const [old, now] = growing([{ took: [[3, 1000]], wakeCalls: 5, moved: 1, preexisting: 1 }, { took: [[5, 1000], [1, 8000]], wakeCalls: 9, moved: 1, preexisting: 1 }]) as [LockRow, LockRow];
  const fresh = lockRow(THERE, { took: [[2, 500]] });
  const before = snapshot({ takenAt: 5e9, locks: [old] });
  const shown = since(before, snapshot({ takenAt: 9e9, locks: [now, fresh] }));
  t.equal(shown.startedAt, 5e9);
  t.strictSame(locksOf(shown).map(({ acquisitions, sleeps, totalNs, outcomes, wakeCalls, moved, preexisting }) => ({ acquisitions, sleeps, totalNs, outcomes, wakeCalls, moved, preexisting })), [
    { acquisitions: 3, sleeps: 3, totalNs: 10_000, outcomes: [3, 0, 0, 0, 0], wakeCalls: 4, moved: 0, preexisting: 0 },
    { acquisitions: 2, sleeps: 2, totalNs: 1000, outcomes: [2, 0, 0, 0, 0], wakeCalls: 2, moved: 0, preexisting: 0 },
  ]);
  t.end();
});

t.test('a lock that nobody waited for in the interval is left out', (t) => {
  const row = lockRow(HERE, { took: [[3, 1000]] });
  t.strictSame(locksOf(since(snapshot({ locks: [row] }), snapshot({ locks: [row] }))), []);
  const waiting = since(snapshot({ locks: [row] }), snapshot({ locks: [row], waits: [mutexWait(1, HERE, 2)] }));
  t.match(locksOf(waiting), [{ acquisitions: 0, inFlight: [{ tid: 1 }] }], 'but for those that wait now');
  t.end();
});

t.test('a maximum that did not grow is not known of the interval', (t) => {
  const row = lockRow(HERE, { took: [[1, 1000]] });
  type Figures = readonly [tid: number, sleeps: number, maxNs: number, maxWaiting: number];
  const taken = (...waiters: readonly Figures[]): FutexSnapshot => snapshot({
    locks: [lockRow(HERE, { took: [[waiters.reduce((sum, [, sleeps]) => sum + sleeps, 0), 1000]] })],
    parts: waiters.map(([tid, sleeps, maxNs, maxWaiting]) => part(row, 'waiter', tid, { sleeps, maxNs, maxWaiting, ns: sleeps * 1000 })),
  });
  const shown = (before: FutexSnapshot, now: FutexSnapshot): readonly unknown[] => {
    const [lock] = locksOf(since(before, now));
    return [lock?.maxNs, lock?.waiters.map(({ tid, count, ns }) => [tid, count, ns])];
  };
  t.strictSame(shown(taken([1, 1, 900, 2]), taken([1, 3, 900, 2])), [null, [[1, 2, 2000]]]);
  t.strictSame(shown(taken([1, 1, 900, 2]), taken([1, 3, 950, 3])), [950, [[1, 2, 2000]]], 'one that grew is of the interval');
  t.strictSame(shown(taken(), taken([1, 1, 900, 2])), [900, [[1, 1, 1000]]], 'a new one is known in full');
  t.strictSame(shown(taken([1, 1, 900, 2], [2, 1, 100, 1]), taken([1, 2, 900, 2], [2, 2, 500, 1]))[0], null, 'the first may have waited for 800, longer than the second');
  t.strictSame(shown(taken([1, 5, 900, 2], [2, 1, 100, 1]), taken([1, 5, 900, 2], [2, 2, 500, 1])), [500, [[2, 1, 1000]]], 'a thread that did not wait has no part in it');
  t.end();
});

t.test('an acquisition that goes on moves up in the histogram, which is never negative', (t) => {
  const histogram = (ns: number): number[] => Array.from({ length: 152 }, (_, i) => (i === slotOf(ns) ? 1 : 0));
  const [old, now] = growing([{ took: [[1, 1000]] }, { took: [[1, 1e6]], sleeps: 2, outcomes: [2, 0, 0, 0, 0], histogram: histogram(1e6) }]) as [LockRow, LockRow];
  const [lock] = locksOf(since(snapshot({ locks: [old] }), snapshot({ locks: [now] })));
  t.match(lock, { acquisitions: 0, sleeps: 1, totalNs: 999_000 });
  t.ok(lock?.histogram.counts.every((count) => count >= 0), JSON.stringify(lock?.histogram.counts));
  t.end();
});

t.test('thread time of an interval is what threads lived in it, whether they died or not', (t) => {
  const at = (takenAt: number, exited: number): FutexSnapshot => snapshot({
    takenAt,
    threads: threads(...([[1, 'old', { since: 0 }], [2, 'dies', { since: 1e9, exited: exited > takenAt ? 0 : exited }], [3, 'young', { since: 8.5e9 }]] as const).filter(([, , { since: born }]) => born <= takenAt)),
    processes: new Map([[PID, { exitedThreadNs: exited > takenAt ? 0 : exited - 1e9, threads: 3 }]]),
  });
  const [five, nine, twelve] = [at(5e9, 7e9), at(9e9, 7e9), at(12e9, 7e9)] as const;
  t.equal(threadTime(since(five, nine), PID), 4e9 + 2e9 + 0.5e9, '4 s of the first, 2 of the one that died, half of the last');
  t.equal(threadTime(since(nine, twelve), PID), 3e9 + 3e9, 'the dead one has no part in what came after');
  t.equal(threadTime(five, PID) + threadTime(since(five, nine), PID) + threadTime(since(nine, twelve), PID), threadTime(twelve, PID), 'the intervals make the whole');
  t.end();
});

t.test('a thread of a process that nobody waited in is counted, too', (t) => {
  const before = snapshot({ takenAt: 5e9, threads: threads([1, 'a']), processes: new Map() });
  t.equal(threadTime(since(before, snapshot({ takenAt: 6e9, threads: threads([1, 'a']), processes: new Map([[PID, { exitedThreadNs: 0, threads: 1 }]]) })), PID), 1e9);
  t.end();
});

t.test('conservation is told of the whole, losses of the interval', (t) => {
  const { FUTEX_OP_WAIT } = FutexOp;
  const at = (n: number): FutexSnapshot => snapshot({
    locks: [lockRow(HERE, { took: [[n, 1000]] })],
    counters: counters({ calls: calls([FUTEX_OP_WAIT, n + 3, [n]]), drops: drops({ [FutexDrop.FUTEX_DROP_LOCK]: 3 }), full: { locks: 3, parts: n, processes: 0, targets: 1, events: 2 * n } }),
  });
  const shown = since(at(4), at(10));
  t.strictSame(accountingOf(shown), { hits: 13, aggregated: 10, inFlight: 0, filtered: 0, dropped: 3 });
  const count = (reason: string): number | undefined => lossesOf(shown, { backlogDropped: 0, skippedRuns: 0, skippedInAll: 0 }).find((loss) => loss.reason === reason)?.count;
  t.strictSame(['locks-full', 'parts-full', 'processes-full', 'ring-full', 'unaccounted'].map(count), [0, 6, 0, 12, 0]);
  t.end();
});

t.test('intervals add up to the whole, however a session went', (t) => {
  const step = fc.record({ n: fc.nat(5), ns: fc.integer({ min: 400, max: 1e9 }), died: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
    const took: [number, number][] = [];
    const looks = steps.map(({ n, ns }, i) => {
      took.push([n, ns]);
      const row = lockRow(HERE, { took: [...took] });
      const waiter = part(row, 'waiter', PID, { sleeps: row.value.sleeps, ns: row.value.totalNs, acquisitions: row.value.acquisitions });
      return snapshot({ takenAt: (i + 1) * 1e9, locks: [row], parts: [waiter], counters: counters({ calls: calls([0, row.value.sleeps, [row.value.sleeps]]), drops: drops({ 0: i }) }) });
    });
    const empty = snapshot({ takenAt: 0, startedAt: 0 });
    const intervals = looks.map((look, i) => since(looks[i - 1] ?? empty, look));
    const whole = looks.at(-1) as FutexSnapshot;
    const total = (pick: (one: FutexSnapshot) => number): [number, number] => [intervals.reduce((sum, one) => sum + pick(one), 0), pick(whole)];
    const lock = (one: FutexSnapshot): LockRow['value'] | undefined => one.locks[0]?.value;
    const sums = [
      total((one) => lock(one)?.acquisitions ?? 0), total((one) => lock(one)?.sleeps ?? 0), total((one) => lock(one)?.totalNs ?? 0), total((one) => lock(one)?.outcomes[0] ?? 0),
      total((one) => lock(one)?.histogram[slotOf(1e6)] ?? 0), total((one) => one.parts[0]?.value.ns ?? 0), total((one) => one.counters.calls[0]?.calls ?? 0), total((one) => one.counters.drops[0] ?? 0),
    ];
    return sums.every(([sum, all]) => sum === all);
  }));
  t.pass('no counterexample');
  t.end();
});

t.test('looking twice at nothing is nothing', (t) => {
  const shown = since(snapshot(), snapshot());
  t.strictSame([shown.locks, shown.parts], [[], []]);
  t.strictSame(accountingOf(shown), { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, dropped: 0 });
  t.end();
});
