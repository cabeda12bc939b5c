import t from 'tap';
import fc from 'fast-check';
import { FutexDrop, FutexOp, FutexOutcome } from '../../../src/generated/futex.js';
import { OP_NAMES, accountingOf, callTallies, lossesOf } from '../../../src/tools/futex/accounting.js';
import type { FutexSnapshot } from '../../../src/tools/futex/model.js';
import { PROGRAM, bitsetRow, calls, counters, drops, lockRow, mutexWait, semaphoreMemory, snapshot } from './snapshots.js';

const { FUTEX_OP_WAIT, FUTEX_OP_WAKE, FUTEX_OP_WAIT_BITSET, FUTEX_OP_LOCK_PI, FUTEX_OP_UNLOCK_PI, FUTEX_OP_REQUEUE, FUTEX_OP_WAITV } = FutexOp;
const HERE = PROGRAM + 0x8100n;

const lossesBy = (snap: FutexSnapshot, outside = {}): Record<string, number> => Object.fromEntries(lossesOf(snap, { backlogDropped: 0, skippedRuns: 0, skippedInAll: 0, ...outside }).map(({ reason, count }) => [reason, count]));

/** A session in which everything is somewhere: 23 waits ended, 2 go on, 5 were filtered, 4 dropped; 30 wakes. */
const WHOLE = snapshot({
  locks: [lockRow(HERE, { outcomes: [15, 2, 1, 0, 0] }), bitsetRow(HERE + 64n, 0, semaphoreMemory(), { outcomes: [3, 1, 0, 1, 0] })],
  waits: [mutexWait(1, HERE, 2), mutexWait(2, HERE, 1, { began: 'before' }), mutexWait(3, HERE, 1, { began: 'unknown' })],
  counters: counters({
    calls: calls([FUTEX_OP_WAIT, 29, [21, 2, 4, 0, 0]], [FUTEX_OP_WAIT_BITSET, 5, [3, 1, 0, 1, 0]], [FUTEX_OP_WAKE, 0, [20, 0, 10]]),
    drops: drops({ [FutexDrop.FUTEX_FILTERED]: 5, [FutexDrop.FUTEX_DROP_LOCK]: 2, [FutexDrop.FUTEX_DROP_STATE]: 1, [FutexDrop.FUTEX_DROP_STALE]: 1 }),
  }),
});

t.test('hits are aggregated, in flight, filtered or dropped', (t) => {
  t.strictSame(accountingOf(WHOLE), { hits: 64, aggregated: 53, inFlight: 2, filtered: 5, dropped: 4 });
  t.equal(lossesBy(WHOLE)['unaccounted'], 0);
  t.end();
});

t.test('a wait that tracing knows nothing of is in flight for the reader, not for the books', (t) => {
  const snap = snapshot({ waits: [mutexWait(3, HERE, 1, { began: 'unknown' })] });
  t.strictSame(accountingOf(snap), { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, dropped: 0 });
  t.end();
});

/** Two waits in rows, of so many that began. */
const twoOf = (begun: number, settled = true): FutexSnapshot => snapshot({ settled, counters: counters({ calls: calls([FUTEX_OP_WAIT, begun]) }), locks: [lockRow(HERE, { outcomes: [2, 0, 0, 0, 0] })] });

t.test('calls that do not add up are told once nothing moves any more, in either direction', (t) => {
  const off = (begun: number, settled: boolean, skippedInAll = 0): number | undefined => lossesBy(twoOf(begun, settled), { skippedInAll })['unaccounted'];
  t.equal(off(2, true), 0);
  t.equal(off(3, true), 1);
  t.equal(off(1, true), 1);
  t.equal(off(3, false), 0, 'while tracing, calls are under way');
  t.strictSame([off(9, true, 1), off(0, true, 1)], [0, 1], 'what is missing where the kernel skipped runs is told as that, what is too much is not');
  t.end();
});

t.test('calls that a skipped run took along are dropped, so that the sum comes out, and told apart from how many runs were', (t) => {
  const told = (begun: number, skippedInAll: number, settled = true): unknown[] => {
    const snap = twoOf(begun, settled);
    return [lossesBy(snap, { skippedRuns: skippedInAll, skippedInAll })['skipped-calls'], accountingOf(snap, skippedInAll).dropped];
  };
  t.strictSame([told(2, 1), told(3, 1), told(9, 1), told(9, 0), told(1, 1), told(9, 1, false)], [[0, 0], [1, 1], [7, 7], [0, 0], [0, 0], [0, 0]]);
  t.match(lossesBy(twoOf(9), { skippedInAll: 1 }), { skipped: 0, 'skipped-calls': 7 }, 'after tracing, too');
  const interval = { ...twoOf(3), whole: twoOf(9) };
  t.equal(lossesBy(interval, { skippedInAll: 1 })['skipped-calls'], 7, 'since tracing began');
  t.end();
});

t.test('each way to lose something has its own line, and nothing else moves', (t) => {
  const none = lossesBy(snapshot());
  t.ok(Object.values(none).every((count) => count === 0), 'all are told, as zeros');
  const cases: readonly (readonly [string, FutexSnapshot, object?])[] = [
    ...([['no-memory', FutexDrop.FUTEX_DROP_STATE], ['locks-full', FutexDrop.FUTEX_DROP_LOCK], ['stale', FutexDrop.FUTEX_DROP_STALE], ['clock-backwards', FutexDrop.FUTEX_DROP_BACKWARDS]] as const)
      .map(([reason, drop]) => [reason, snapshot({ counters: counters({ drops: drops({ [drop]: 7 }), calls: calls([FUTEX_OP_WAIT, 7]) }) })] as const),
    ['identity', snapshot({ counters: counters({ drops: drops({ [FutexDrop.FUTEX_UNRESOLVED]: 7 }) }) })],
    ['parts-full', snapshot({ counters: counters({ full: { locks: 0, parts: 7, processes: 0, targets: 0, events: 0 } }) })],
    ['processes-full', snapshot({ counters: counters({ full: { locks: 0, parts: 0, processes: 3, targets: 4, events: 0 } }) })],
    ['ring-full', snapshot({ counters: counters({ full: { locks: 0, parts: 0, processes: 0, targets: 0, events: 7 } }) })],
    ['wakes-unseen', snapshot({ wakes: { underWay: 3, unseen: 4 }, counters: counters({ drops: drops({ [FutexDrop.FUTEX_WAKE_STALE]: 3 }), calls: calls([FUTEX_OP_WAKE, 12, [2]]) }) })],
    ['backlog-full', snapshot(), { backlogDropped: 7 }],
    ['skipped', snapshot(), { skippedRuns: 7 }],
    ['skipped-calls', twoOf(9), { skippedInAll: 1 }],
    ['unaccounted', snapshot({ counters: counters({ calls: calls([FUTEX_OP_WAIT, 7]) }) })],
  ];
  for (const [reason, snap, outside] of cases) t.strictSame(lossesBy(snap, outside), { ...none, [reason]: 7 }, reason);
  t.strictSame(cases.map(([reason]) => reason).sort(), Object.keys(none).sort(), 'these are all');
  t.end();
});

t.test('no counter of the kernel side is forgotten', (t) => {
  const notLost: readonly number[] = [FutexDrop.FUTEX_FILTERED, FutexDrop.FUTEX_PREEXISTING, FutexDrop.FUTEX_UNMATCHED, FutexDrop.FUTEX_DYING, FutexDrop.FUTEX_DIED];
  for (const [name, drop] of Object.entries(FutexDrop)) {
    if (drop === FutexDrop.FUTEX_DROPS || notLost.includes(drop)) continue;
    const counted = lossesBy(snapshot({ settled: false, counters: counters({ drops: drops({ [drop]: 7 }) }) }));
    t.equal(Object.values(counted).filter((count) => count === 7).length, 1, name);
  }
  t.equal(accountingOf(snapshot({ counters: counters({ drops: drops({ [FutexDrop.FUTEX_FILTERED]: 7 }) }) })).filtered, 7);
  t.equal(accountingOf(snapshot({ counters: counters({ drops: drops({ [FutexDrop.FUTEX_DIED]: 7 }) }) })).inFlight, 7, 'a thread that dies in its wait never ends it');
  t.end();
});

t.test('a loss says what it means for the figures, in words without a number', (t) => {
  for (const { reason, meaning } of lossesOf(snapshot(), { backlogDropped: 0, skippedRuns: 0, skippedInAll: 0 })) {
    t.match(reason, /^[a-z]+(-[a-z]+)*$/);
    t.match(meaning, /^[a-z].{20,}[a-z)]$/, reason);
    t.notMatch(meaning, /\d/, 'the table puts the number before it');
  }
  t.end();
});

t.test('conservation holds for every mix of ends', (t) => {
  const five = fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 });
  fc.assert(fc.property(five, five, five, fc.nat(20), fc.nat(50), fc.nat(50), (waits, pis, wakes, going, filtered, dropped) => {
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    const snap = snapshot({
      locks: [lockRow(HERE, { outcomes: waits }), lockRow(HERE + 64n, { op: FUTEX_OP_LOCK_PI, outcomes: pis })],
      waits: Array.from({ length: going }, (_, i) => mutexWait(i + 1, HERE, 0)),
      counters: counters({
        calls: calls([FUTEX_OP_WAIT, sum(waits) + going + filtered], [FUTEX_OP_LOCK_PI, sum(pis) + dropped], [FUTEX_OP_UNLOCK_PI, 0, wakes], [FUTEX_OP_REQUEUE, 0, wakes]),
        drops: drops({ [FutexDrop.FUTEX_FILTERED]: filtered, [FutexDrop.FUTEX_DROP_BACKWARDS]: dropped }),
      }),
    });
    const { hits, aggregated, inFlight } = accountingOf(snap);
    return lossesBy(snap)['unaccounted'] === 0 && hits === aggregated + inFlight + filtered + dropped && hits === sum(waits) + sum(pis) + 2 * sum(wakes) + going + filtered + dropped;
  }));
  t.pass('no counterexample');
  t.end();
});

t.test('calls by operation: what began, how it ended, whom it woke', (t) => {
  const snap = snapshot({ counters: counters({ calls: calls([FUTEX_OP_WAIT, 9, [5, 1, 2, 0, 0]], [FUTEX_OP_WAKE, 0, [3, 0, 4, 0, 1], 6], [FUTEX_OP_WAITV, 1]) }) });
  t.strictSame(callTallies(snap), [
    { op: 'FUTEX_WAIT', entered: 9, outcomes: [5, 1, 2, 0, 0], threads: 0 },
    { op: 'FUTEX_WAKE', entered: 8, outcomes: [3, 0, 4, 0, 1], threads: 6 },
    { op: 'futex_waitv', entered: 1, outcomes: [0, 0, 0, 0, 0], threads: 0 },
  ]);
  t.strictSame(callTallies(snapshot()), []);
  t.end();
});

t.test('every operation is either a wait or a wake, and has a name of its own', (t) => {
  const operations = Object.entries(FutexOp).filter(([name]) => name !== 'FUTEX_OPS');
  for (const [name, op] of operations) t.type(OP_NAMES[op], 'string', name);
  t.equal(new Set(Object.values(OP_NAMES)).size, operations.length);
  const blocking = operations.filter(([, op]) => accountingOf(snapshot({ counters: counters({ calls: calls([op, 1, [1]]) }) })).aggregated === 0).map(([name]) => name);
  t.strictSame(blocking, operations.map(([name]) => name).filter((name) => /_(LOCK_PI2?|WAIT|WAITV|WAIT2|WAIT_BITSET|WAIT_REQUEUE_PI)$/.test(name) && !name.includes('TRYLOCK') && !name.includes('UNLOCK')));
  t.equal(FutexOutcome.FUTEX_OUTCOMES, 5);
  t.end();
});
