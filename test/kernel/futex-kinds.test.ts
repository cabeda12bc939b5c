/** Every kind of lock and wait, against what the program saw: exact counts, times within 2 %, who held, who released. */
import type { Test } from 'tap';
import { BUCKET, callsOf, lockAt, only, outcomes, people, sameDuel, sameTimes, sameTotal, sameWakes } from './compare.js';
import type { LockRow, Truth } from './futex-model.js';
import { alike, onceMore, skippedRuns, tolerant } from './losses.js';
import { EMULATED, N } from './machine.js';
import { skips, suite } from './suite.js';
import { traced } from './tracer.js';

/** The kind, how sure it is, and which section it is in. */
function isKind(t: Test, row: LockRow, kind: string, sure: string): void {
  t.strictSame([row.kind, row.sure], [kind + { certain: '', likely: '?', guess: '??' }[sure], sure]);
}

const woken = (truth: Truth): Record<string, number> => ({ woken: truth.waits, ...(truth.timeouts > 0 ? { 'timed out': truth.timeouts } : {}) });

/** Woken and timed out together, as they are in one row. */
const together = (truth: Truth): { totalNs: number; waits: number } => ({ waits: truth.waits + truth.timeouts, totalNs: truth.totalNs + truth.timeoutsNs });

suite(3, (test) => {
  for (const [title, name, args, place] of [
    ['a plain mutex', 'mutex', [], undefined],
    ['a recursive mutex', 'mutex', ['--recursive'], undefined],
    ['an error-checking mutex', 'mutex', ['--errorcheck'], undefined],
    ['an adaptive mutex', 'mutex', ['--adaptive'], undefined],
    ['a mutex of a static binary', 'mutex_static', [], undefined],
    ['a mutex on the heap', 'mutex_heap', [], /^\[heap\]\+0x|^heap arena 0x/],
    ['a mutex on a stack', 'mutex_heap', ['--stack'], /^thread stack 0x/],
    ['a mutex before which nothing is mapped', 'mutex_heap', ['--first'], /^anonymous 0x/],
    ['a mutex behind which nothing is mapped', 'mutex_heap', ['--last'], /^anonymous 0x/],
  ] as const) {
    test(`${title}: each wait, its holder and its releaser`, async (t) => {
      const { report, truth } = await traced(t, name, args);
      t.equal(truth.waits, N);
      const row = only(t, report.sections.locks.rows, 'lock');
      isKind(t, row, 'mutex', 'certain');
      t.equal(row.address, truth.locks[0]?.address);
      sameDuel(t, row, truth);
      t.strictSame(outcomes(row), { woken: N });
      t.strictSame(callsOf(report, 'FUTEX_WAIT'), { calls: N, woken: N });
      sameWakes(t, report, { calls: 2 * N, woken: N, neverSlept: N, threads: N });
      t.strictSame([row.inFlight, row.moved, row.preexisting, row.shared, row.mostWaiting], [0, 0, 0, 'no', 1]);
      t.strictSame(report.sections.deadlocks.rows, []);
      t.match(report.finding.join(' '), new RegExp(`100 % of the waiting for locks .* held by holder \\(${truth.holder}\\) in ${N} of ${N} sleeps`));
      t.match(row.place, place ?? new RegExp(`^${name}\\+0x[0-9a-f]+$`));
    });
  }

  test('a program that ends at once is named like one that stays', async (t) => {
    const args = EMULATED ? ['-n', String(30 * N)] : []; // the first look comes later there
    const { report, truth } = await traced(t, 'mutex', args, [], false);
    const row = only(t, report.sections.locks.rows, 'lock');
    sameDuel(t, row, truth);
    t.match(row.place, /^mutex\+0x[0-9a-f]+$/);
  });

  test('a timed mutex: the woken and those that gave up', async (t) => {
    const { report, truth } = await traced(t, 'mutex_timed');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'mutex', 'certain');
    t.equal(row.address, truth.locks[0]?.address);
    t.strictSame(outcomes(row), { woken: N, 'timed out': N });
    t.strictSame([row.acquisitions, row.sleeps], [2 * N, 2 * N]);
    sameTotal(t, row.total, together(truth).totalNs);
    t.strictSame(people(row.waiters).sort(), [['impatient', truth.impatient, N], ['waiter', truth.threads.find(({ name }) => name === 'waiter')?.tid, N]]);
    t.strictSame(people(row.holders).sort(), [['holder', truth.holder, N], ['mutex_timed', truth.pid, N]], 'main held it while the impatient one gave up');
    t.strictSame(people(row.releasers), [['holder', truth.holder, N]]);
    t.strictSame(callsOf(report, 'FUTEX_WAIT_BITSET'), { calls: 2 * N, woken: N, timedOut: N });
  });

  test('a mutex with priority inheritance', async (t) => {
    const { report, truth } = await traced(t, 'mutex_pi');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'PI mutex', 'certain');
    t.equal(row.address, truth.locks[0]?.address);
    sameDuel(t, row, truth);
    t.strictSame(callsOf(report, 'FUTEX_LOCK_PI'), { calls: N, woken: N });
    t.strictSame(callsOf(report, 'FUTEX_UNLOCK_PI'), { calls: 2 * N, woken: 2 * N });
  });

  test('FUTEX_LOCK_PI2', async (t) => {
    const { report, truth } = await traced(t, 'lock_pi2');
    if (skips(t, truth, 514)) return;
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'PI mutex', 'certain');
    t.equal(row.address, truth.locks[0]?.address);
    t.strictSame(outcomes(row), woken(truth));
    sameTotal(t, row.total, together(truth).totalNs);
    t.strictSame(people(row.holders).sort(), [['holder', truth.holder, N], ['lock_pi2', truth.pid, N]]);
    t.strictSame(people(row.releasers), [['holder', truth.holder, N]]);
    t.strictSame(callsOf(report, 'FUTEX_LOCK_PI2'), { calls: 2 * N, woken: N, timedOut: N });
    t.strictSame(callsOf(report, 'FUTEX_UNLOCK_PI'), { calls: 2 * N + 1, woken: 2 * N + 1 });
  });

  test('a robust mutex', async (t) => {
    const { report, truth } = await traced(t, 'mutex_robust');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'robust mutex', 'certain');
    t.equal(row.address, truth.locks[0]?.address);
    sameDuel(t, row, truth);
    sameWakes(t, report, { calls: 2 * N, woken: N, neverSlept: N, threads: N });
  });

  test('a robust mutex whose owners die: each of them held it and released it by its end', async (t) => {
    const { report, truth } = await traced(t, 'mutex_robust', ['--owner-dies']);
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'robust mutex', 'certain');
    sameTimes(t, row, truth);
    t.strictSame(outcomes(row), { woken: N });
    t.strictSame(row.holders.map(({ name, count }) => [name, count]), Array.from({ length: N }, () => ['holder', 1]));
    t.strictSame(row.releasers.map(({ tid }) => tid).sort(), row.holders.map(({ tid }) => tid).sort());
    sameWakes(t, report, { calls: N, neverSlept: N }, 'those of the waiters; a dying owner makes none');
  });

  test('a read-write lock is one lock although it has two words', async (t) => {
    const { report, truth } = await traced(t, 'rwlock');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'rwlock', 'certain');
    t.equal(row.address, truth.object);
    sameTimes(t, row, truth);
    t.equal(row.acquisitions, 4 * N);
    t.strictSame(outcomes(row), { woken: 4 * N });
    t.strictSame(people(row.waiters).sort(), truth.threads.map(({ name, tid, waits }) => [name, tid, waits]).sort());
    t.strictSame(row.holders.map(({ tid }) => tid), [truth.holder], 'only the thread that wrote held it by name');
    t.ok((row.holders[0]?.count ?? 0) <= 3 * N, 'a reader is not named by the lock');
    t.strictSame(people(row.releasers), [['main-holder', truth.holder, 4 * N]]);
    t.equal(row.mostWaiting, 2);
  });

  test('a condition variable is idle by design', async (t) => {
    const { report, truth } = await traced(t, 'condvar');
    t.strictSame(report.sections.locks.rows, []);
    const row = lockAt(report, truth.object, 'idle');
    isKind(t, row, 'condition variable', 'certain');
    t.strictSame(outcomes(row), { woken: N, 'timed out': N });
    t.equal(row.acquisitions, 2 * N);
    sameTotal(t, row.total, together(truth).totalNs);
    t.match(report.finding.join(' '), /No thread waited for a lock/);
  });

  test('a semaphore', async (t) => {
    const { report, truth } = await traced(t, 'semaphore');
    const row = only(t, report.sections.idle.rows, 'place');
    isKind(t, row, 'semaphore', 'likely');
    t.equal(row.address, truth.locks[0]?.address);
    t.strictSame(outcomes(row), { woken: N, 'timed out': N });
    sameTotal(t, row.total, together(truth).totalNs);
  });

  test('a barrier', async (t) => {
    const { report, truth } = await traced(t, 'barrier');
    const row = only(t, report.sections.idle.rows, 'place');
    isKind(t, row, 'barrier', 'certain');
    t.equal(row.address, truth.object);
    sameTimes(t, row, truth);
    sameWakes(t, report, { calls: N, woken: N, threads: N });
  });

  test('joining threads: each is waited for until it ends', async (t) => {
    const { report, truth } = await traced(t, 'join');
    const rows = report.sections.idle.rows;
    for (const row of rows) isKind(t, row, 'join', 'likely');
    t.strictSame(new Set(rows.map(({ address }) => address)), new Set(truth.joined.map(({ address }) => address)));
    t.equal(rows.reduce((sum, row) => sum + row.acquisitions, 0), N);
    sameTotal(t, rows.reduce((sum, row) => sum + row.total, 0), truth.totalNs);
    const tids = truth.joined.map(({ tid }) => tid).sort();
    t.strictSame(rows.flatMap(({ holders }) => holders.map(({ tid }) => tid)).sort(), tids, 'waited for');
    t.strictSame(rows.flatMap(({ releasers }) => releasers.map(({ tid }) => tid)).sort(), tids, 'each released by its own end');
  });

  test('WAIT_REQUEUE_PI, moved to a mutex or handed it', async (t) => {
    const { report, truth } = await traced(t, 'requeue_pi');
    const row = lockAt(report, truth.condition, 'idle');
    isKind(t, row, 'condition variable', 'likely');
    sameTimes(t, row, truth);
    t.equal(row.sleeps, 2 * N);
    t.equal(row.moved, truth.requeued, 'those woken through the mutex');
    t.strictSame(callsOf(report, 'FUTEX_WAIT_REQUEUE_PI'), { calls: 2 * N, woken: 2 * N });
    t.strictSame(callsOf(report, 'FUTEX_CMP_REQUEUE_PI'), { calls: 2 * N, woken: 2 * N, threads: 2 * N });
  });

  test('FUTEX_REQUEUE and CMP_REQUEUE: waits belong to the word they were called with, and are marked as moved', async (t) => {
    const { report, truth } = await traced(t, 'requeue');
    const row = only(t, report.sections.idle.rows, 'place');
    t.equal(row.address, truth.first);
    sameTimes(t, row, truth);
    t.strictSame(outcomes(row), { woken: 2 * N });
    t.equal(row.moved, truth.requeued);
    t.strictSame(callsOf(report, 'FUTEX_REQUEUE'), { calls: 1, woken: 1, threads: N });
    t.strictSame(callsOf(report, 'FUTEX_CMP_REQUEUE'), { calls: 1, woken: 1, threads: N });
  });

  test('futex_waitv: each wait is counted at the word that woke it', async (t) => {
    const { report, truth } = await traced(t, 'waitv');
    if (skips(t, truth, 516)) return;
    t.equal(report.sections.idle.rows.length, 3);
    const rows = truth.locks.map(({ address }) => lockAt(report, address, 'idle'));
    t.strictSame(rows.map(outcomes), [{ woken: N, 'timed out': N, 'never slept': N }, { woken: N }, { woken: N }]);
    t.strictSame(rows.map(({ sleeps }) => sleeps), [2 * N, N, N]);
    sameTotal(t, rows.reduce((sum, { total }) => sum + total, 0), together(truth).totalNs);
    t.strictSame(rows.map(({ moved }) => moved), [0, 0, 0]);
    t.strictSame(callsOf(report, 'futex_waitv'), { calls: 5 * N, woken: 3 * N, timedOut: N, neverSlept: N });
  });

  test('the futex2 calls', async (t) => {
    const { report, truth } = await traced(t, 'futex2');
    if (skips(t, truth, 607)) return;
    t.strictSame(callsOf(report, 'futex_wait'), { calls: 4 * N, woken: 2 * N, timedOut: N, neverSlept: N });
    t.strictSame(callsOf(report, 'futex_wake'), { calls: 3 * N, woken: 2 * N, neverSlept: N, threads: 2 * N });
    t.strictSame(callsOf(report, 'futex_requeue'), { calls: N, woken: N, threads: N });
    const rows = report.sections.idle.rows;
    t.equal(rows.reduce((sum, row) => sum + row.acquisitions, 0), 3 * N);
    t.equal(rows.reduce((sum, row) => sum + row.moved, 0), truth.requeued);
    sameTotal(t, rows.reduce((sum, row) => sum + row.total, 0), together(truth).totalNs);
  });

  test('FUTEX_WAKE_OP wakes at two words and moves nobody', async (t) => {
    const { report, truth } = await traced(t, 'wake_op');
    const rows = truth.locks.map(({ address }) => lockAt(report, address, 'idle'));
    t.strictSame(rows.map(outcomes), [{ woken: 2 * N }, { woken: 2 * N }]);
    t.strictSame(rows.map(({ moved }) => moved), [0, 0]);
    t.strictSame(callsOf(report, 'FUTEX_WAKE_OP'), { calls: 2 * N, woken: 2 * N, threads: 3 * N });
    sameWakes(t, report, { calls: N, woken: N, threads: N });
  });

  test('a 0-1-2 lock is likely a mutex and has no holder', async (t) => {
    const { report, truth } = await traced(t, 'rustlike');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'mutex', 'likely');
    t.equal(row.address, truth.locks[0]?.address);
    sameTimes(t, row, truth);
    t.strictSame(row.holders, []);
    t.strictSame(people(row.releasers), [['holder', truth.holder, N]], 'but a releaser');
  });

  test('a 0-1-2 lock with the id of a living thread where glibc keeps the owner has no holder either', async (t) => {
    const { report, truth } = await traced(t, 'rustlike', ['--decoy']);
    const row = only(t, [...report.sections.locks.rows, ...report.sections.idle.rows], 'lock');
    t.not(row.sure, 'certain');
    sameTimes(t, row, truth);
    t.strictSame(row.holders, []);
    t.strictSame(people(row.releasers), [['holder', truth.holder, N]]);
  });

  test('a lock whose word is its owner is likely a mutex, and the holder is known', async (t) => {
    const { report, truth } = await traced(t, 'musllike');
    const row = only(t, report.sections.locks.rows, 'lock');
    isKind(t, row, 'mutex', 'likely');
    sameDuel(t, row, truth);
  });

  test('a mutex that four threads fight over', async (t) => {
    tolerant(t);
    const { report, truth } = await traced(t, 'mutex_many');
    const row = only(t, report.sections.locks.rows, 'lock');
    if (skippedRuns(report) === 0) isKind(t, row, 'mutex', 'certain');
    t.equal(row.address, truth.locks[0]?.address);
    t.ok(row.total <= truth.totalNs, `${row.total} ns of sleep, ${truth.totalNs} ns in the lock call`);
    alike(t, report, callsOf(report, 'FUTEX_WAIT').woken ?? 0, callsOf(report, 'FUTEX_WAKE').woken ?? 0, 'each wait that ended was ended by a wake');
    t.ok(row.acquisitions <= row.sleeps && row.acquisitions > 0, `${row.acquisitions} acquisitions, ${row.sleeps} sleeps`);
    if (EMULATED && row.holders[0]?.tid !== truth.holder) onceMore(t, 'another thread lost its processor while it held the lock');
    t.equal(row.holders[0]?.tid, truth.holder, 'worker-3 leads');
    t.equal(row.holders[0]?.name, 'worker-3');
    for (const shares of [row.waiters, row.holders, row.releasers]) t.ok(shares.reduce((sum, { share }) => sum + share, 0) <= 1.000001);
    t.ok((row.p50 ?? 0) <= (row.p99 ?? 0) && (row.p99 ?? 0) <= (row.max ?? 0) * BUCKET);
    t.strictSame(report.sections.deadlocks.rows, []);
  });
});
