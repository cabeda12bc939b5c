import t, { type Test } from 'tap';
import { FutexOp } from '../../../src/generated/futex.js';
import { locksOf, type Lock } from '../../../src/tools/futex/locks.js';
import type { FutexSnapshot } from '../../../src/tools/futex/model.js';
import {
  PID, PROGRAM, bitsetRow, conditionMemory, key, lockRow, mutexMemory, mutexWait, part, rwlockMemory, semaphoreMemory, sharedKey, snapshot, threads, wait, type LockRow,
} from './snapshots.js';

const { FUTEX_OP_WAIT_BITSET } = FutexOp;
const HERE = PROGRAM + 0x8100n;
const HOLDER = PID + 1;
const people = threads([PID, 'main'], [HOLDER, 'holder'], [PID + 2, 'waiter'], [PID + 3, 'other']);

function only(t: Test, more: Partial<FutexSnapshot>): Lock {
  const locks = locksOf(snapshot({ threads: people, ...more }));
  t.equal(locks.length, 1, 'one lock');
  return locks[0] as Lock;
}

t.test('one row is one lock, with its name, its figures and its holder', (t) => {
  const row = lockRow(HERE, { took: [[3, 1000], [1, 5000]], outcomes: [3, 1, 7, 0, 0], preexisting: 1, moved: 2 });
  const parts = [part(row, 'waiter', PID + 2, { sleeps: 3, ns: 6000, maxNs: 5000, maxWaiting: 2 }), part(row, 'waiter', PID + 3, { sleeps: 1, ns: 2000, maxNs: 1000, maxWaiting: 1 }), part(row, 'holder', HOLDER, { sleeps: 4, ns: 8000 })];
  const lock = only(t, { locks: [row], parts });
  const { place, address, acquisitions, sleeps, totalNs, maxNs, mostWaiting, outcomes, preexisting, moved, shared } = lock;
  t.strictSame({ place, address, acquisitions, sleeps, totalNs, maxNs, mostWaiting, outcomes, preexisting, moved, shared }, {
    place: 'server+0x8100', address: HERE, acquisitions: 4, sleeps: 4, totalNs: 8000, maxNs: 5000, mostWaiting: 2, outcomes: [3, 1, 7, 0, 0], preexisting: 1, moved: 2, shared: false,
  });
  t.match(lock.seen, { kind: 'mutex', sure: 'certain' });
  t.strictSame(lock.holders, [{ name: 'holder', pid: PID, tid: HOLDER, count: 4, ns: 8000, share: 1 }]);
  t.strictSame(lock.waiters.map(({ name, tid, count, share }) => [name, tid, count, share]), [['thread-4244', PID + 2, 3, 0.75], ['thread-4245', PID + 3, 1, 0.25]]);
  t.equal(lock.histogram.counts.reduce((a, b) => a + b, 0), 4);
  t.end();
});

t.test('what nobody waited for is no lock', (t) => {
  t.strictSame(locksOf(snapshot({ locks: [lockRow(HERE)] })), [], 'all of its waits were filtered out, or it was only woken');
  t.equal(locksOf(snapshot({ locks: [lockRow(HERE, { outcomes: [0, 0, 1, 0, 0] })] })).length, 1, 'but a wait that never slept is told');
  t.end();
});

t.test('a wait joins its lock; without one it makes one', (t) => {
  const row = lockRow(HERE, { took: [[1, 1000]] });
  const lock = only(t, { locks: [row], waits: [mutexWait(PID + 2, HERE, HOLDER)] });
  t.match(lock.inFlight, [{ tid: PID + 2, ageNs: 2e9, beforeTracing: false, holder: { tid: HOLDER, comm: 'holder' } }]);
  const alone = only(t, { waits: [mutexWait(PID + 2, HERE, HOLDER, { began: 'before' })] });
  t.match(alone, { acquisitions: 0, sleeps: 0, totalNs: 0, maxNs: null, place: 'server+0x8100', mostWaiting: 1, histogram: { counts: { length: 0 } } });
  t.equal(locksOf(snapshot({ threads: people, waits: [mutexWait(PID, HERE, HOLDER), mutexWait(PID + 2, HERE + 64n, HOLDER)] })).length, 2, 'two words are two locks');
  t.end();
});

t.test('both words of a rwlock are one lock, whichever comes first', (t) => {
  const readers = bitsetRow(HERE + 8n, 3, rwlockMemory(8, { writer: HOLDER }), { took: [[3, 1000]] });
  const writers = bitsetRow(HERE + 12n, 3, rwlockMemory(12, { writer: HOLDER, writers: 1 }), { took: [[2, 9000]] });
  const parts = [part(readers, 'waiter', PID + 2, { sleeps: 3, maxNs: 1000 }), part(writers, 'waiter', PID + 2, { sleeps: 2, maxNs: 9000 }), part(readers, 'holder', HOLDER, { sleeps: 3 }), part(writers, 'holder', HOLDER, { sleeps: 2 })];
  for (const locks of [[readers, writers], [writers, readers]]) {
    const lock = only(t, { locks, parts });
    t.match(lock, { place: 'server+0x8100', address: HERE, acquisitions: 5, sleeps: 5, totalNs: 21_000, maxNs: 9000, outcomes: [5, 0, 0, 0, 0], seen: { kind: 'rwlock', sure: 'certain' } });
    t.match(lock.holders, [{ tid: HOLDER, count: 5, share: 1 }]);
    t.match(lock.waiters, [{ tid: PID + 2, count: 5, share: 1 }]);
  }
  t.end();
});

t.test('a rwlock begins where it begins, also when one of its words could not be read', (t) => {
  const unread = bitsetRow(HERE + 8n, 3, null, { took: [[3, 1000]] });
  const writers = bitsetRow(HERE + 12n, 3, rwlockMemory(12, { writer: HOLDER, writers: 1 }), { took: [[2, 9000]] });
  for (const locks of [[unread, writers], [writers, unread]]) t.match(only(t, { locks }), { place: 'server+0x8100', address: HERE, acquisitions: 5 });
  t.end();
});

t.test('each wait for a rwlock is read at its own word', (t) => {
  const at = (tid: number, word: 8 | 12): ReturnType<typeof wait> =>
    wait(tid, HERE + BigInt(word), { op: FUTEX_OP_WAIT_BITSET, val: 3, memory: rwlockMemory(word, { writer: HOLDER, writers: 1, queue: 3, phase: 3 }) });
  for (const waits of [[at(PID + 2, 8), at(PID + 3, 12)], [at(PID + 3, 12), at(PID + 2, 8)]]) {
    const lock = only(t, { waits });
    t.strictSame(lock.inFlight.map(({ holder }) => holder?.tid), [HOLDER, HOLDER]);
    t.equal(lock.address, HERE);
  }
  t.end();
});

t.test('a rwlock that a writer waited for first still names who held it from readers later', (t) => {
  const row = bitsetRow(HERE + 8n, 2, rwlockMemory(8, { readers: 9 }), { took: [[4, 1000]] });
  const lock = only(t, { locks: [row], parts: [part(row, 'holder', HOLDER, { sleeps: 3 })] });
  t.match(lock.holders, [{ tid: HOLDER, count: 3, share: 0.75 }]);
  t.end();
});

t.test('both groups of a condition variable are one, and nobody holds it', (t) => {
  const groups = [0, 1].map((group) => bitsetRow(HERE + 40n + BigInt(4 * group), 0, conditionMemory(group as 0 | 1, { waiters: 2, references: [2, 2] }), { took: [[group + 1, 1000]] }));
  for (const locks of [groups, groups.toReversed()]) {
    const lock = only(t, { locks, parts: [part(groups[0] as LockRow, 'holder', HOLDER)] });
    t.match(lock, { place: 'server+0x8100', address: HERE, acquisitions: 3, seen: { kind: 'condition variable' } });
    t.strictSame(lock.holders, []);
  }
  t.end();
});

t.test('neighbours are not merged: two rwlocks, a semaphore beside a mutex', (t) => {
  const rows = [
    bitsetRow(HERE + 8n, 3, rwlockMemory(8, { writer: HOLDER }), { took: [[1, 1000]] }), bitsetRow(HERE + 56n + 12n, 3, rwlockMemory(12, { writer: HOLDER, writers: 1 }), { took: [[1, 1000]] }),
    bitsetRow(HERE + 128n, 0, semaphoreMemory(), { took: [[1, 1000]] }), lockRow(HERE + 160n, { took: [[1, 1000]] }),
  ];
  t.strictSame(locksOf(snapshot({ locks: rows, threads: people })).map(({ place, seen: { kind } }) => [place, kind]),
    [['server+0x8100', 'rwlock'], ['server+0x8138', 'rwlock'], ['server+0x8180', 'semaphore'], ['server+0x81a0', 'mutex']]);
  t.end();
});

t.test('the same address in another process, another program or another start is another lock', (t) => {
  const rows = [key(HERE), key(HERE, { tgid: 5 }), key(HERE, { execId: 2 }), key(HERE, { space: 78n })].map((own) => lockRow(HERE, { key: own, took: [[1, 1000]] }));
  t.equal(locksOf(snapshot({ locks: rows, threads: people })).length, 4);
  t.end();
});

t.test('a lock that processes share is one, named as the first of them sees it', (t) => {
  const other = 5000;
  const row = lockRow(0x7f00_0000_0040n, { key: sharedKey(0x40n), took: [[2, 1000]], nonprivate: true, memory: mutexMemory(other, { kind: 128 }), tgid: PID });
  const parts = [part(row, 'waiter', PID, { sleeps: 1 }), part(row, 'waiter', other, { sleeps: 1, tgid: other, comm: 'away' }), part(row, 'holder', other, { sleeps: 2 })];
  const lock = only(t, {
    locks: [row], parts, threads: threads([PID, 'here'], [other, 'away', { tgid: other }]),
    waits: [wait(PID, 0x7f00_0000_0040n, { key: sharedKey(0x40n), nonprivate: true, memory: mutexMemory(other, { kind: 128 }) })],
  });
  t.match(lock, { shared: true, place: 'shared jobs+0x40', acquisitions: 2, seen: { kind: 'mutex', sure: 'certain' } });
  t.strictSame([...lock.tgids].sort(), [PID, other]);
  t.strictSame(lock.holders.map(({ name, pid, tid }) => [name, pid, tid]), [['away', other, other]]);
  t.match(lock.inFlight, [{ holder: { tid: other } }]);
  t.end();
});

t.test('a shared lock at the very beginning of its memory is still that lock', (t) => {
  const row = lockRow(0x7f00_0000_0000n, { key: sharedKey(0n), took: [[1, 1000]], nonprivate: true, memory: mutexMemory(HOLDER, { kind: 128 }) });
  const lock = only(t, { locks: [row], waits: [wait(PID + 2, 0x7f00_0000_0000n, { key: sharedKey(0n), nonprivate: true, memory: mutexMemory(HOLDER, { kind: 128 }) })] });
  t.equal(lock.inFlight.length, 1);
  t.end();
});

t.test('two shared memories are two, though their offsets are equal', (t) => {
  const rows = [sharedKey(0x40n), sharedKey(0x40n, { space: 98n }), sharedKey(0x40n, { dev: 25 })].map((own, i) => lockRow(0x7f00_0000_0040n + BigInt(i), { key: own, took: [[1, 1000]], nonprivate: true }));
  t.equal(locksOf(snapshot({ locks: rows })).length, 3);
  t.end();
});

t.test('a process that is gone leaves a name that says at least where', (t) => {
  const mappings = new Map<number, never>();
  t.equal(only(t, { mappings, locks: [lockRow(HERE, { took: [[1, 1]] })] }).place, `0x${HERE.toString(16)}`);
  t.equal(only(t, { mappings, locks: [lockRow(HERE, { key: sharedKey(0x40n), took: [[1, 1]], nonprivate: true })] }).place, 'shared inode 99+0x40');
  t.end();
});

t.test('holders that are no threads are left out, and threads of another process, too', (t) => {
  const row = lockRow(HERE, { took: [[10, 1000]] });
  const parts = [part(row, 'holder', HOLDER, { sleeps: 4, ns: 1 }), part(row, 'holder', 666, { sleeps: 6, ns: 9 }), part(row, 'holder', 9000, { sleeps: 6, ns: 9 })];
  const lock = only(t, { locks: [row], parts, threads: new Map([...people, ...threads([9000, 'stranger', { tgid: 9 }])]) });
  t.strictSame(lock.holders.map(({ tid, count, share }) => [tid, count, share]), [[HOLDER, 4, 0.4]], 'the rest is nobody\'s');
  const [still] = only(t, { locks: [row], waits: [mutexWait(PID + 2, HERE, 666)] }).inFlight;
  t.equal(still?.holder, undefined);
  t.end();
});

t.test('holders are known by the ids of the traced pid namespace, and shown by ours', (t) => {
  const inside = threads([9001, 'inner', { ownTid: 7 }], [9002, 'waiter', { ownTid: 8 }]);
  const row = lockRow(HERE, { took: [[1, 1000]], memory: mutexMemory(7) });
  const lock = only(t, { locks: [row], parts: [part(row, 'holder', 7)], threads: inside, waits: [mutexWait(9002, HERE, 7, { ownTid: 8 })] });
  t.match(lock, { seen: { sure: 'certain' }, holders: [{ name: 'inner', tid: 9001 }], inFlight: [{ holder: { tid: 9001 } }] });
  t.end();
});

t.test('a kind of lock without an owner has no holders, whatever the kernel noted', (t) => {
  const row = lockRow(HERE, { took: [[1, 1000]], memory: mutexMemory(0x55a0) });
  t.strictSame(only(t, { locks: [row], parts: [part(row, 'holder', HOLDER)] }).holders, [], 'a lock of another runtime: its neighbour is no thread id');
  t.end();
});

t.test('shares are parts of the sleeps; releasers of those that were woken', (t) => {
  const row = lockRow(HERE, { took: [[10, 1000]], outcomes: [8, 2, 0, 0, 0] });
  const parts = [part(row, 'releaser', HOLDER, { sleeps: 6, ns: 1 }), part(row, 'releaser', PID, { sleeps: 2, ns: 5 }), part(row, 'waiter', PID + 2, { sleeps: 10 })];
  const lock = only(t, { locks: [row], parts });
  t.strictSame(lock.releasers.map(({ tid, share }) => [tid, share]), [[HOLDER, 0.75], [PID, 0.25]], 'largest first');
  for (const list of [lock.waiters, lock.releasers, lock.holders]) t.ok(list.every(({ share }) => share >= 0 && share <= 1));
  t.end();
});

t.test('ages are never negative, and count from the beginning of the acquisition', (t) => {
  const age = (more: Parameters<typeof mutexWait>[3]): number | undefined => locksOf(snapshot({ waits: [mutexWait(1, HERE, 2, more)] }))[0]?.inFlight[0]?.ageNs;
  t.equal(age({ began: 10e9, now: 12e9 }), 2e9);
  t.equal(age({ began: 13e9, now: 12e9 }), 0, 'began after the look');
  t.equal(age({ began: 'before', lastRan: 400e9, clockNow: 500e9 }), 100e9, 'found waiting: since it last ran');
  t.equal(age({ began: 'before', lastRan: 501e9, clockNow: 500e9 }), 0);
  t.equal(age({ began: 'unknown', lastRan: 499e9, clockNow: 500e9 }), 1e9);
  t.equal(age({ began: 'before', lastRan: 0, clockNow: 0 }), 11e9, 'without the scheduler\'s figures: since tracing found it');
  const late = snapshot({ startedAt: 1000e9, takenAt: 1012e9, waits: [mutexWait(1, HERE, 2, { began: 'unknown', lastRan: 0, clockNow: 0, now: 1012e9 })] });
  t.equal(locksOf(late)[0]?.inFlight[0]?.ageNs, 12e9, 'without them and without a state: since tracing began, which is all that anybody knows');
  t.end();
});

t.test('the longest acquisition is that of its waiters, and unknown without them', (t) => {
  const row = lockRow(HERE, { took: [[1, 1000]] });
  t.equal(only(t, { locks: [row] }).maxNs, null, 'the table of parts was full');
  t.equal(only(t, { locks: [row], parts: [part(row, 'holder', HOLDER, { maxNs: 9 })] }).maxNs, null);
  t.equal(only(t, { locks: [row], parts: [part(row, 'waiter', PID, { maxNs: 0 })] }).maxNs, null, 'it did not grow in this interval');
  t.end();
});

t.test('a histogram never starts at a bucket that does not hold what it counts', (t) => {
  const at = (ns: number): { offset: number; counts: readonly number[] } => only(t, { locks: [lockRow(HERE, { took: [[2, ns]] })] }).histogram;
  for (const ns of [400, 1000, 1024, 1e6, 1e9]) {
    const { offset, counts } = at(ns);
    t.strictSame(counts, [2]);
    t.ok(2 ** (offset / 4) < ns && ns <= 2 ** ((offset + 1) / 4), `${ns} ns is in bucket ${offset}`);
  }
  t.end();
});

t.test('thousands of locks with a wait each are put together without comparing all with all', (t) => {
  const count = 3000;
  const address = (i: number): bigint => PROGRAM + 0x8000n + BigInt(64 * i);
  let reads = 0;
  const waits = Array.from({ length: count }, (_, i) => {
    const each = wait(PID + i, address(i), { memory: null });
    return Object.defineProperty({ ...each }, 'state', { get: () => (reads++, each.state), enumerable: true });
  });
  const locks = Array.from({ length: count }, (_, i) => lockRow(address(i), { took: [[1, 1000]], memory: null }));
  t.equal(locksOf(snapshot({ locks, waits })).length, count);
  t.ok(reads < 100 * count, `${reads} reads of states`);
  t.end();
});
