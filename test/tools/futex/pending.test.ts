import t from 'tap';
import { FutexOutcome } from '../../../src/generated/futex.js';
import { accountingOf } from '../../../src/tools/futex/accounting.js';
import { since } from '../../../src/tools/futex/interval.js';
import { locksOf } from '../../../src/tools/futex/locks.js';
import type { Wait } from '../../../src/tools/futex/model.js';
import { callsWithPending, withPending } from '../../../src/tools/futex/pending.js';
import { PROGRAM, calls, counters, key, lockRow, snapshot, wait } from './snapshots.js';

const HERE = PROGRAM + 0x8100n;

/** A thread that is in no call, with calls behind it that never slept. */
function polling(tid: number, count: number, address = HERE): Wait {
  const idle = wait(tid, address, { began: 'unknown', waits: 0, syscall: -1, sleeping: 0 });
  return { ...idle, state: { ...idle.state, pending: count, pendingKey: key(address), pendingCall: { uaddr: address, op: 0, val: 2, flags: 128 } } };
}

t.test('calls that never slept join the row of their lock, from whichever threads', (t) => {
  const row = lockRow(HERE, { took: [[3, 1000]], outcomes: [3, 0, 5, 0, 0] });
  const [merged] = withPending([row], [polling(1, 7), polling(2, 4)]);
  t.strictSame(merged?.value.outcomes, [3, 0, 16, 0, 0]);
  t.strictSame({ ...merged?.value, outcomes: row.value.outcomes }, row.value, 'nothing else changes');
  t.strictSame(row.value.outcomes, [3, 0, 5, 0, 0], 'not even what was given');
  t.end();
});

t.test('without a row they make one, which is a lock that nobody slept for', (t) => {
  const rows = withPending([], [polling(1, 7), polling(2, 1), polling(3, 2, HERE + 64n)]);
  t.strictSame(rows.map(({ value }) => value.outcomes[FutexOutcome.FUTEX_NEVER_SLEPT]), [8, 2]);
  const locks = locksOf(snapshot({ locks: rows, waits: [polling(1, 7)] }));
  t.match(locks, [{ place: 'server+0x8100', acquisitions: 0, sleeps: 0, totalNs: 0, maxNs: null, inFlight: { length: 0 }, histogram: { counts: { length: 0 } } }, { place: 'server+0x8140' }]);
  t.end();
});

t.test('without pending calls the rows are those that came', (t) => {
  const rows = [lockRow(HERE)];
  t.equal(withPending(rows, [polling(1, 0)]), rows);
  t.end();
});

t.test('a thread that is in no call is not in flight', (t) => {
  const waits = [polling(1, 7)];
  const taken = snapshot({ waits, locks: withPending([], waits), counters: counters({ calls: calls([0, 7, [0, 0, 7]]) }) });
  t.strictSame(accountingOf(taken), { hits: 7, aggregated: 7, inFlight: 0, filtered: 0, dropped: 0 });
  t.end();
});

t.test('calls by operation have them, too', (t) => {
  const before = calls([0, 12, [3, 0, 2]]);
  const merged = callsWithPending(before, [polling(1, 7), polling(2, 0)]);
  t.strictSame(merged[2], { calls: 9, threads: 0 });
  t.strictSame(merged.filter((_, i) => i !== 2), before.filter((_, i) => i !== 2), 'and nothing else changes');
  t.strictSame(before[2], { calls: 2, threads: 0 });
  t.end();
});

t.test('an interval has those that came in it', (t) => {
  const taken = (count: number): ReturnType<typeof snapshot> => snapshot({ locks: withPending([], [polling(1, count)]) });
  t.strictSame(since(taken(7), taken(9)).locks[0]?.value.outcomes, [0, 0, 2, 0, 0]);
  t.strictSame(locksOf(since(taken(7), taken(7))), []);
  t.end();
});
