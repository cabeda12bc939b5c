import t from 'tap';
import { FutexOp } from '../../../src/generated/futex.js';
import { findDeadlocks } from '../../../src/tools/futex/deadlock.js';
import type { Deadlock, Wait } from '../../../src/tools/futex/model.js';
import { MAPPINGS, PID, PROGRAM, key, memory, mutexMemory, mutexWait, rwlockMemory, sharedKey, wait, type WaitOptions } from './snapshots.js';

const { FUTEX_OP_LOCK_PI, FUTEX_OP_WAIT_BITSET, FUTEX_OP_WAIT2 } = FutexOp;
const mappings = new Map([[PID, MAPPINGS]]);
const lock = (n: number): bigint => PROGRAM + 0x8000n + 64n * BigInt(n);

/** Threads that wait in a circle: each for the lock that the next one holds. */
function circle(tids: readonly number[], more: WaitOptions = {}): Wait[] {
  return tids.map((tid, i) => mutexWait(tid, lock(tid), tids[(i + 1) % tids.length] ?? 0, more));
}

/** Seen twice, unchanged. */
const found = (waits: readonly Wait[]): Deadlock[] => findDeadlocks(waits, waits, mappings);
const tidsOf = (deadlocks: readonly Deadlock[]): number[][] => deadlocks.map(({ links }) => links.map(({ tid }) => tid));

t.test('no wait, no deadlock; waiting for a thread that runs is none', (t) => {
  t.strictSame(found([]), []);
  t.strictSame(found([mutexWait(1, lock(1), 9)]), [], 'its holder does not wait');
  t.strictSame(found([mutexWait(1, lock(1), 2), mutexWait(2, lock(2), 3), mutexWait(3, lock(3), 9)]), [], 'a chain with an end');
  t.end();
});

t.test('two threads that hold what the other wants', (t) => {
  const waits = circle([12, 11]).map((each) => ({ ...each, lastRan: each.clockNow - 3e9 }));
  t.strictSame(found(waits), [
    {
      links: [
        { tgid: PID, tid: 11, comm: 'thread-11', lock: 'server+0x82c0', address: lock(11), kind: 'mutex', idleNs: 3e9 },
        { tgid: PID, tid: 12, comm: 'thread-12', lock: 'server+0x8300', address: lock(12), kind: 'mutex', idleNs: 3e9 },
      ],
      behind: 0,
      timed: false,
    },
  ]);
  t.end();
});

t.test('a circle of one, of five, and each thread\'s lock is held by the next', (t) => {
  t.strictSame(tidsOf(found(circle([7]))), [[7]], 'a lock taken twice');
  const five = [31, 15, 92, 65, 35];
  const [deadlock] = found(circle(five));
  t.strictSame(deadlock?.links.map(({ tid }) => tid), [15, 92, 65, 35, 31], 'from the smallest id on, in the order of waiting');
  t.strictSame(deadlock?.links.map(({ address }) => address), [15, 92, 65, 35, 31].map(lock));
  t.end();
});

t.test('two deadlocks at once are two', (t) => {
  const waits = [...circle([1, 2]), ...circle([5, 4, 3]), mutexWait(8, lock(8), 99)];
  t.strictSame(tidsOf(found(waits)), [[1, 2], [3, 5, 4]]);
  t.strictSame(tidsOf(found(waits.toReversed())).sort(), [[1, 2], [3, 5, 4]], 'in whatever order the threads come');
  t.end();
});

t.test('threads behind a deadlock are counted, in it or not', (t) => {
  const behind = [mutexWait(20, lock(1), 2), mutexWait(21, lock(1), 2), mutexWait(22, lock(20), 20), mutexWait(23, lock(9), 99)];
  const [deadlock] = found([...behind, ...circle([1, 2])]);
  t.equal(deadlock?.behind, 3, 'two directly, one through another, and not the fourth');
  t.strictSame(deadlock?.links.map(({ tid }) => tid), [1, 2]);
  t.strictSame(found([...circle([1, 2]), ...circle([3, 4]), mutexWait(20, lock(3), 3)]).map(({ behind: count }) => count), [0, 1], 'each deadlock has its own');
  t.end();
});

t.test('a lock that changed hands between the looks makes no deadlock', (t) => {
  const first = [mutexWait(1, lock(1), 9), mutexWait(2, lock(2), 1)];
  const second = circle([1, 2]);
  t.strictSame(tidsOf(findDeadlocks(second, second, mappings)), [[1, 2]], 'it would be one');
  t.strictSame(findDeadlocks(first, second, mappings), [], 'but 9 held it at the first look');
  t.strictSame(findDeadlocks(second, first, mappings), [], 'or at the second');
  t.strictSame(findDeadlocks([], second, mappings), [], 'seen once only');
  t.strictSame(findDeadlocks([second[0] as Wait], second, mappings), [], 'seen in part');
  t.end();
});

t.test('a thread that ran in between, or is not asleep, makes no deadlock', (t) => {
  const [one, two] = circle([1, 2]) as [Wait, Wait];
  const twice = (before: Wait, now: Wait): number => findDeadlocks([one, before], [one, now], mappings).length;
  t.equal(twice(two, two), 1);
  t.equal(twice(two, { ...two, lastRan: two.lastRan + 1 }), 0, 'it got on a CPU');
  t.equal(twice(two, { ...two, sleeping: 0 }), 0, 'it is running now');
  t.equal(twice({ ...two, sleeping: 0 }, two), 0, 'it was');
  t.equal(twice(two, { ...two, startTime: 78n }), 0, 'its id is used again');
  t.equal(twice(two, { ...two, args: [lock(3), ...two.args.slice(1)] }), 0, 'it waits elsewhere');
  t.end();
});

t.test('a thread that has left its futex call waits for nothing, whatever its state says', (t) => {
  const [one, two] = circle([1, 2]) as [Wait, Wait];
  for (const syscall of [-1, 0, 35, 230]) t.strictSame(found([one, { ...two, syscall }]), [], `it is in system call ${syscall}`);
  t.end();
});

t.test('a word that is not locked any more is held by nobody', (t) => {
  t.strictSame(found([mutexWait(1, lock(1), 2), wait(2, lock(2), { memory: mutexMemory(1, { word: 0 }) })]), []);
  t.strictSame(found([mutexWait(1, lock(1), 2), wait(2, lock(2), { memory: null })]), [], 'nor one that cannot be read');
  t.end();
});

t.test('every kind of lock that signs its holder can be part of it', (t) => {
  const pi = wait(1, lock(1), { op: FUTEX_OP_LOCK_PI, val: 0, memory: memory(0, { 0: 0x80000000 + 2 }) });
  const rw = wait(2, lock(2) + 12n, { op: FUTEX_OP_WAIT_BITSET, val: 3, memory: rwlockMemory(12, { writer: 3, writers: 1 }) });
  const robust = wait(3, lock(3), { val: 0x80000000 + 4, nonprivate: true, memory: memory(0, { 0: 0x80000000 + 4, 8: 4, 16: 16 }) });
  const mutex = mutexWait(4, lock(4), 1);
  const [deadlock] = found([pi, rw, robust, mutex]);
  t.strictSame(deadlock?.links.map(({ kind, address }) => [kind, address]), [['PI mutex', lock(1)], ['rwlock', lock(2)], ['robust mutex', lock(3)], ['mutex', lock(4)]]);
  t.end();
});

t.test('waiting for a thread to end closes a circle, too', (t) => {
  const join = wait(1, 0x7f1000801990n, { op: FUTEX_OP_WAIT_BITSET, val: 4200, nonprivate: true, memory: memory(0, { 0: 4200 }) });
  const [deadlock] = found([join, mutexWait(4200, lock(2), 1)]);
  t.strictSame(deadlock?.links.map(({ tid, kind }) => [tid, kind]), [[1, 'join'], [4200, 'mutex']]);
  t.end();
});

t.test('waiting by design closes none', (t) => {
  const condition = wait(1, lock(1), { op: FUTEX_OP_WAIT_BITSET, val: 0, memory: mutexMemory(2, { word: 0 }) });
  t.strictSame(found([condition, mutexWait(2, lock(2), 1)]), []);
  t.end();
});

t.test('processes that share their locks can lock each other out', (t) => {
  const other = PID + 1;
  const at = (offset: bigint): WaitOptions => ({ key: sharedKey(offset), nonprivate: true });
  const pshared = (owner: number): ReturnType<typeof mutexMemory> => mutexMemory(owner, { kind: 128 });
  const one = wait(PID, 0x7f00_0000_0040n, { ...at(0x40n), memory: pshared(other) });
  const two = wait(other, 0x7fff_0000_0000n, { ...at(0n), tgid: other, startTime: 78n, memory: pshared(PID) });
  const [deadlock] = found([one, two]);
  t.strictSame(deadlock?.links.map(({ tgid, tid, lock: name }) => [tgid, tid, name]), [[PID, PID, 'shared jobs+0x40'], [other, other, '0x7fff00000000']]);
  t.end();
});

t.test('processes that share nothing are strangers, even with equal thread ids', (t) => {
  const other = PID + 1;
  const inside = (tid: number, tgid: number, ownTid: number, owner: number): Wait => mutexWait(tid, lock(ownTid), owner, { tgid, ownTid, key: key(lock(ownTid), { tgid }) });
  t.strictSame(found([inside(101, PID, 1, 2), inside(202, other, 2, 1)]), [], 'thread 2 of one is not thread 2 of the other');
  t.strictSame(tidsOf(found([inside(101, PID, 1, 2), inside(102, PID, 2, 1), inside(201, other, 1, 9)])), [[101, 102]], 'ids are those of their own pid namespace');
  t.end();
});

t.test('a shared lock whose owner could be one of two strangers has no owner', (t) => {
  const shared = (tid: number, tgid: number, owner: number): Wait =>
    wait(tid, lock(tid), { tgid, ownTid: tid % 100, key: sharedKey(BigInt(tid)), nonprivate: true, memory: mutexMemory(owner, { kind: 128 }) });
  t.strictSame(found([shared(101, 1, 2), shared(202, 2, 1), shared(302, 3, 1)]), [], 'two threads call themselves 2');
  t.end();
});

t.test('a wait with a time-out is told, for each system call where its argument is', (t) => {
  t.equal(found(circle([1, 2], { timeout: 0x7ffcn }))[0]?.timed, true);
  t.equal(found([...circle([1, 2]).slice(0, 1), ...circle([1, 2], { timeout: 0x7ffcn }).slice(1)])[0]?.timed, true, 'one is enough');
  t.equal(found([...circle([1, 2]), mutexWait(9, lock(1), 2, { timeout: 1n })])[0]?.timed, false, 'one that waits behind is not in it');
  const flags = 2n | 128n;
  const futexWait = (timeout: bigint): Wait[] =>
    circle([1, 2], { op: FUTEX_OP_WAIT2, began: 'unknown' }).map((each) => ({ ...each, syscall: 455, args: [each.args[0] ?? 0n, 2n, 0xffffffffn, flags, timeout, 0n] }));
  t.equal(found(futexWait(0n))[0]?.timed, false, 'futex_wait(2): the fourth argument is its flags');
  t.equal(found(futexWait(1n))[0]?.timed, true);
  t.end();
});

t.test('an age is never negative', (t) => {
  t.equal(found(circle([1, 2]).map((each) => ({ ...each, lastRan: each.clockNow + 5 })))[0]?.links[0]?.idleNs, 0);
  t.end();
});

t.test('a place in a process that nobody could look at is its address', (t) => {
  t.equal(findDeadlocks(circle([1]), circle([1]), new Map())[0]?.links[0]?.lock, `0x${lock(1).toString(16)}`);
  t.end();
});

t.test('ten thousand threads in one line behind a deadlock are counted without looking at each twice', (t) => {
  const line = Array.from({ length: 10_000 }, (_, i) => mutexWait(1000 + i, lock(1000 + i), i === 0 ? 1 : 999 + i));
  let steps = 0;
  const counted = (each: Wait): Wait => Object.defineProperty({ ...each }, 'tid', { get: () => (steps++, each.tid), enumerable: true });
  const [deadlock] = found([...circle([1, 2]), ...line].map(counted));
  t.equal(deadlock?.behind, 10_000);
  t.ok(steps < 500_000, `${steps} reads of thread ids`);
  t.end();
});
