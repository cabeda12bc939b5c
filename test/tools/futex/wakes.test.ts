import t from 'tap';
import { FutexOp, FutexWake, type FutexTask } from '../../../src/generated/futex.js';
import { accountingOf } from '../../../src/tools/futex/accounting.js';
import { openWakes } from '../../../src/tools/futex/wakes.js';
import { calls, counters, PROGRAM, snapshot, wait } from './snapshots.js';

const { FUTEX_OP_WAKE: WAKE, FUTEX_OP_WAKE_OP: WAKE_OP, FUTEX_OP_WAKE2: WAKE2, FUTEX_OP_REQUEUE2: REQUEUE2, FUTEX_OP_OTHER: OTHER } = FutexOp;
const ELSEWHERE = { syscall: 1, args: [] };

/** A thread with an open wake, in that call unless told otherwise. */
function waker(op: number, { told = 0, ...now }: Partial<FutexTask> & { told?: number } = {}): FutexTask {
  const task = wait(1, PROGRAM, { began: 'unknown', waits: 0, sleeping: 0, op });
  return { ...task, ...now, state: { ...task.state, waking: (1 + op) | told } };
}

t.test('while tracing, each open wake is under way', (t) => {
  t.strictSame(openWakes([waker(WAKE), waker(WAKE, ELSEWHERE), wait(2, PROGRAM)], false), { underWay: 2, unseen: 0 });
  t.strictSame(openWakes([], false), { underWay: 0, unseen: 0 });
  t.end();
});

t.test('after it, one whose end came later, or whose thread is still in that call; the others ended before, and nobody saw it', (t) => {
  const one = (task: FutexTask): string => (openWakes([task], true).underWay === 1 ? 'under way' : 'unseen');
  t.equal(one(waker(WAKE)), 'under way');
  t.equal(one(waker(WAKE, ELSEWHERE)), 'unseen');
  t.equal(one(waker(WAKE, { ...ELSEWHERE, told: FutexWake.FUTEX_WAKE_UNDER_WAY })), 'under way', 'wherever it is now');
  t.equal(one(waker(WAKE, { told: FutexWake.FUTEX_WAKE_UNSEEN })), 'unseen', 'a later call of the same kind');
  t.equal(one(waker(WAKE, { args: [PROGRAM, BigInt(WAKE_OP | 128)] })), 'unseen', 'another operation');
  t.equal(one(waker(WAKE, { args: [PROGRAM, BigInt(WAKE | 128 | 256)] })), 'under way', 'whatever its flags');
  t.equal(one(waker(OTHER, { args: [PROGRAM, 99n] })), 'under way', 'an operation without a name');
  for (const [op, syscall] of [[WAKE2, 454], [REQUEUE2, 456]] as const) {
    t.equal(one(waker(op, { syscall })), 'under way');
    t.equal(one(waker(op)), 'unseen', 'futex(2) is another call');
  }
  t.end();
});

t.test('what is under way is in flight, what was not seen is dropped, and all adds up', (t) => {
  const wakes = openWakes([waker(WAKE), waker(WAKE, { told: FutexWake.FUTEX_WAKE_UNDER_WAY }), waker(WAKE2, { syscall: 454 }), waker(WAKE, ELSEWHERE)], true);
  t.strictSame(accountingOf(snapshot({ wakes, counters: counters({ calls: calls([WAKE, 9, [0, 6]], [WAKE2, 4, [3]]) }) })), { hits: 13, aggregated: 9, inFlight: 3, filtered: 0, dropped: 1 });
  t.end();
});
