import t, { type Test } from 'tap';
import fc from 'fast-check';
import { FutexOp } from '../../../src/generated/futex.js';
import { classify, isContention, type Sighting } from '../../../src/tools/futex/classify.js';
import type { Kind, Sureness } from '../../../src/tools/futex/model.js';
import { callOf, holderNow, sightingOf } from '../../../src/tools/futex/waits.js';
import { blockedThreads, missing, type Blocked } from './glibc.js';
import { conditionMemory, memory, mutexMemory, mutexWait, rwlockMemory, semaphoreMemory, wait } from './snapshots.js';

const { FUTEX_OP_WAIT, FUTEX_OP_WAIT_BITSET, FUTEX_OP_LOCK_PI, FUTEX_OP_WAITV, FUTEX_OP_WAIT2, FUTEX_OP_WAIT_REQUEUE_PI, FUTEX_OP_LOCK_PI2 } = FutexOp;
const nobody = (): boolean => false;
const only = (...tids: readonly number[]) => (tid: number): boolean => tids.includes(tid);
const WAITERS = 0x80000000;

/** By the beginning of a scenario's name in objects.c. */
const EXPECTED: readonly (readonly [name: RegExp, kind: Kind, sure: readonly Sureness[]])[] = [
  [/^mutex/, 'mutex', ['certain']],
  [/^robust/, 'robust mutex', ['certain']],
  [/^PI/, 'PI mutex', ['certain']],
  [/^rwlock/, 'rwlock', ['certain']],
  [/^condition/, 'condition variable', ['certain', 'likely']],
  [/^semaphore/, 'semaphore', ['likely']],
  [/^barrier/, 'barrier', ['certain']],
  [/^join/, 'join', ['likely']],
  [/^lock inside of glibc/, 'mutex', ['likely']],
  [/^once/, 'other', ['likely']],
];

function check(t: Test, { name, wait: found, object, holder }: Blocked, isThread: (tid: number) => boolean): void {
  const seen = classify(sightingOf(found, isThread));
  const [, kind = 'other', sure = []] = EXPECTED.find(([pattern]) => pattern.test(name)) ?? [];
  t.equal(seen.kind, kind, `${name}: kind`);
  t.ok(sure.includes(seen.sure), `${name}: ${seen.sure}`);
  if (kind !== 'join' && kind !== 'other' && name !== 'lock inside of glibc') t.equal(callOf(found).address - BigInt(seen.back), object, `${name}: where it begins`);
  t.equal(seen.namesHolder ? holderNow(found, seen) : 0, holder, `${name}: holder`);
}

if (missing) t.test('locks of the real glibc', { skip: missing }, () => undefined);
else {
  const { glibc, pid, blocked } = blockedThreads();
  t.comment(`glibc ${glibc}, ${blocked.length} sleeping threads`);

  t.test('each lock that a thread really sleeps on is what it is, begins where it begins, and is held by whom it is held', (t) => {
    const ids = new Set([pid, ...blocked.map(({ wait: { tid } }) => tid), ...blocked.map(({ holder }) => holder)].filter((id) => id !== 0));
    for (const each of blocked) check(t, each, (tid) => ids.has(tid));
    t.ok(blocked.length >= 50, 'all scenarios ran');
    t.end();
  });

  t.test('the words of one object stand for one object', (t) => {
    for (const kind of ['rwlock', 'condition, after a signal', 'condition process-shared, after a signal']) {
      const group = blocked.filter(({ name }) => name.startsWith(kind));
      const primaries = group.map(({ wait: found, object }) => {
        const seen = classify(sightingOf(found, only(pid)));
        return callOf(found).address - BigInt(seen.toPrimary) - object;
      });
      t.ok(new Set(group.map(({ wait: found, object }) => callOf(found).address - object)).size > 1, `${kind}: threads sleep on several words of it`);
      t.equal(new Set(primaries).size, 1, `${kind}: and each leads to the same`);
    }
    t.end();
  });

  t.test('an owner that is no thread is not believed', (t) => {
    for (const { name, wait: found } of blocked.filter(({ holder }) => holder !== 0)) {
      const seen = classify(sightingOf(found, nobody));
      t.notOk(seen.sure === 'certain' && seen.namesHolder && seen.kind !== 'PI mutex', `${name}: ${seen.kind}, ${seen.sure}`);
    }
    t.end();
  });

  t.test('without its memory no lock is certain, and none but PI mutex and join names a holder', (t) => {
    for (const { name, wait: found } of blocked) {
      const seen = classify(sightingOf({ ...found, memory: null }, only(pid)));
      if (seen.kind === 'PI mutex') continue;
      t.not(seen.sure, 'certain', name);
      t.ok(!seen.namesHolder || seen.kind === 'join' || seen.kind === 'robust mutex' || seen.kind === 'mutex', name);
    }
    t.end();
  });
}

const seen = (more: Partial<Sighting>): Sighting => ({ op: FUTEX_OP_WAIT, val: 2, address: 0x1000n, timed: false, nonprivate: false, evidence: null, isThread: nobody, ...more });

t.test('contention is what another thread holds; the rest is waited for by design', (t) => {
  const kinds: readonly Kind[] = ['mutex', 'PI mutex', 'robust mutex', 'rwlock', 'condition variable', 'semaphore', 'barrier', 'join', 'other'];
  t.strictSame(kinds.filter(isContention), ['mutex', 'PI mutex', 'robust mutex', 'rwlock']);
  t.end();
});

t.test('locks without glibc are told by their protocol alone', (t) => {
  t.match(classify(seen({ val: 2 })), { kind: 'mutex', sure: 'likely', namesHolder: false }, 'word 2: Rust, and others');
  t.match(classify(seen({ val: 2, op: FUTEX_OP_WAIT2 })), { kind: 'mutex', sure: 'likely' }, 'futex_wait(2)');
  t.match(classify(seen({ val: WAITERS + 77, isThread: only(77) })), { kind: 'mutex', namesHolder: true }, 'the owner and FUTEX_WAITERS: musl');
  t.match(classify(seen({ val: WAITERS + 77 })), { namesHolder: false }, 'but not when that is no thread');
  t.match(classify(seen({ op: FUTEX_OP_LOCK_PI2, val: 0 })), { kind: 'PI mutex', sure: 'certain', namesHolder: true });
  t.match(classify(seen({ op: FUTEX_OP_WAIT_REQUEUE_PI, val: 0 })), { kind: 'condition variable' });
  t.match(classify(seen({ val: 0 })), { kind: 'other', sure: 'guess' });
  t.match(classify(seen({ val: 0, evidence: memory(0, {}, 7) })), { kind: 'other', sure: 'likely' });
  t.match(classify(seen({ op: FUTEX_OP_WAITV, val: WAITERS + 77, isThread: only(77) })), { kind: 'other' }, 'several words at once');
  t.end();
});

t.test('pthread_cond_t as glibc 2.41 has it', (t) => {
  for (const group of [0, 1]) {
    const evidence = memory(32 + 4 * group, { 28: 3 << 3 }, 0xa5a5a5a5);
    const address = 0x1020n + BigInt(4 * group);
    t.match(classify(seen({ op: FUTEX_OP_WAIT_BITSET, val: 4, address, evidence })), { kind: 'condition variable', back: 32 + 4 * group, toPrimary: 4 * group });
  }
  t.end();
});

t.test('what looks like a lock but for one thing is not certain', (t) => {
  const bitset = (val: number, evidence: Sighting['evidence'], more: Partial<Sighting> = {}): Sighting => seen({ op: FUTEX_OP_WAIT_BITSET, val, evidence, isThread: only(77), ...more });
  const cases: readonly (readonly [string, Sighting])[] = [
    ['a mutex of a kind that is none', seen({ evidence: mutexMemory(77, { kind: 4 }), isThread: only(77) })],
    ['a private mutex in a shared wait', seen({ evidence: mutexMemory(77), isThread: only(77), nonprivate: true })],
    ['a shared mutex in a private wait', seen({ evidence: mutexMemory(77, { kind: 128 }), isThread: only(77) })],
    ['a mutex with more users than there are threads', seen({ evidence: memory(0, { 0: 2, 8: 77, 12: 0x7fffffff, 16: 0 }), isThread: only(77) })],
    ['a rwlock whose writer is no thread', bitset(3, rwlockMemory(8, { writer: 76 }))],
    ['a rwlock with something in its pads', bitset(3, memory(8, { 0: 1, 16: 1, 24: 77 }))],
    ['a shared rwlock in a private wait', bitset(3, rwlockMemory(8, { writer: 77, shared: 1 }))],
    ['a rwlock with a phase that does not exist', bitset(3, rwlockMemory(8, { writer: 77, phase: 4 }))],
    ['a condition variable that nobody waits for', bitset(0, conditionMemory(0, { waiters: 0, references: [2, 0] }), { address: 0x1028n })],
    ['a condition variable without references', bitset(0, conditionMemory(0, { references: [0, 0] }), { address: 0x1028n })],
    ['a barrier that more came to than it is for', seen({ val: 0, evidence: memory(4, { 0: 4, 4: 0, 8: 3, 12: 0 }) })],
    ['a barrier that nobody came to', seen({ val: 3, evidence: memory(4, { 0: 3, 4: 3, 8: 3, 12: 0 }) })],
    ['a barrier for one', seen({ val: 0, evidence: memory(4, { 0: 1, 4: 0, 8: 1, 12: 0 }) })],
  ];
  for (const [what, sighting] of cases) t.not(classify(sighting).sure, 'certain', what);
  t.not(classify(bitset(0, semaphoreMemory(0))).kind, 'semaphore', 'a semaphore without waiters');
  t.not(classify(bitset(0, semaphoreMemory(), { nonprivate: true })).kind, 'semaphore', 'a private semaphore in a shared wait');
  t.not(classify(bitset(2, null, { nonprivate: true, isThread: () => true })).kind, 'join', 'a small word is no thread that is joined');
  t.equal(classify(bitset(2, memory(0, { 0: 2, 4: 7, 8: 0, 12: 0, 16: 9 }), { nonprivate: true, isThread: (tid) => tid === 2 })).kind, 'join', 'but in a pid namespace it may be');
  t.end();
});

t.test('a wait that tracing saw begin is read from its state, another one from its registers', (t) => {
  const state = wait(5, 0x2000n, { op: FUTEX_OP_WAIT_BITSET, val: 3, args: [1n, 2n, 3n, 4n, 5n, 6n] });
  t.match(callOf(state), { op: FUTEX_OP_WAIT_BITSET, val: 3, address: 0x2000n });
  const registers = (syscall: number, ...args: readonly bigint[]): ReturnType<typeof callOf> => callOf(wait(5, 0n, { began: 'unknown', syscall, args }));
  t.strictSame(registers(202, 0x2000n, 0x189n, 0xffff_ffff_8000_0007n, 1n), { op: 9, val: 0x80000007, address: 0x2000n, nonprivate: false, timed: true }, 'only 32 bits of the value count');
  t.strictSame(registers(98, 0x2000n, 0n, 2n, 0n), { op: 0, val: 2, address: 0x2000n, nonprivate: true, timed: false }, 'futex(2) on arm64');
  t.strictSame(registers(455, 0x2000n, 2n, 0xffffffffn, 0x82n, 0n), { op: FUTEX_OP_WAIT2, val: 2, address: 0x2000n, nonprivate: false, timed: false }, 'futex_wait(2)');
  t.match(registers(455, 0x2000n, 2n, 0xffffffffn, 2n, 0x7ffcn), { nonprivate: true, timed: true });
  t.match(registers(449, 0x2000n, 2n), { op: FUTEX_OP_WAITV, address: 0n }, 'futex_waitv(2) has no address of its own');
  t.end();
});

t.test('the holder is who holds it now, not who held it when the wait began', (t) => {
  const holder = (found: ReturnType<typeof wait>): number => holderNow(found, classify(sightingOf(found, () => true)));
  t.equal(holder(mutexWait(5, 0x2000n, 77)), 77);
  t.equal(holder(wait(5, 0x2000n, { memory: mutexMemory(77, { word: 0 }) })), 0, 'unlocked meanwhile');
  t.equal(holder(wait(5, 0x2000n, { op: FUTEX_OP_LOCK_PI, val: 0, memory: memory(0, { 0: WAITERS + 78 }) })), 78);
  t.equal(holder(wait(5, 0x2000n, { val: WAITERS + 77, nonprivate: true, memory: memory(0, { 0: WAITERS + 78, 8: 78, 16: 16 }) })), 78, 'robust, and handed on');
  t.equal(holder(wait(5, 0x2008n, { op: FUTEX_OP_WAIT_BITSET, val: 3, memory: rwlockMemory(8, { writer: 79 }) })), 79);
  t.equal(holder(wait(5, 0x200cn, { op: FUTEX_OP_WAIT_BITSET, val: 3, memory: rwlockMemory(12, { writer: 79, writers: 1 }) })), 79);
  t.equal(holder(wait(5, 0x2008n, { op: FUTEX_OP_WAIT_BITSET, val: 2, memory: rwlockMemory(8, { readers: 9 }) })), 0, 'readers do not sign');
  t.equal(holder(wait(5, 0x2008n, { op: FUTEX_OP_WAIT_BITSET, val: 2, memory: rwlockMemory(8, { readers: 9, writer: 79 }) })), 0, 'nor does whoever wrote last hold it then');
  t.end();
});

const word = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 8, 16, 77, 128, WAITERS, WAITERS + 77, 0xffffffff), fc.nat(200), fc.nat(0xffffffff));
const anyEvidence = fc.option(
  fc.record({ words: fc.array(word, { maxLength: 40 }), cut: fc.nat(3), before: fc.oneof(fc.constantFrom(0, 48), fc.nat(200)) }).map(({ words, cut, before }) => {
    const bytes = new Uint8Array(new Uint32Array(words).buffer);
    return { bytes: bytes.subarray(0, Math.max(0, bytes.length - cut)), before };
  }),
);
const anySighting = fc.record({
  op: fc.oneof(fc.constantFrom(...Object.values(FutexOp)), fc.nat(0xffffffff)), val: word, address: fc.bigInt(0n, 2n ** 64n - 1n).map((address) => address & ~3n), timed: fc.boolean(), nonprivate: fc.boolean(),
  evidence: anyEvidence, isThread: fc.constant(only(77)),
});

t.test('whatever lies in memory, nothing throws, and nothing is certain of a holder that is no thread', (t) => {
  let certain = 0;
  fc.assert(fc.property(anySighting, (sighting) => {
    const found = classify(sighting);
    if (!Number.isInteger(found.back) || found.back < found.toPrimary || found.toPrimary < 0) return false;
    if (found.sure !== 'certain') return true;
    certain++;
    if (found.kind === 'PI mutex') return sighting.op === FUTEX_OP_LOCK_PI || sighting.op === FUTEX_OP_LOCK_PI2;
    const { op, val, address, nonprivate, evidence } = sighting;
    if (evidence === null) return false;
    if (found.kind === 'robust mutex') return (val & 0x3fffffff) === 77;
    const holder = found.namesHolder ? holderNow(wait(5, address, { op, val, nonprivate, memory: evidence }), found) : 0;
    return holder === 0 || holder === 77;
  }), { numRuns: 20_000 });
  t.ok(certain > 0, `${certain} of them were certain`);
  t.end();
});

t.test('words that fit a lock of glibc but for the owner are never certain', (t) => {
  fc.assert(fc.property(fc.nat(0x3fffffff).filter((owner) => owner !== 77 && owner !== 0), fc.constantFrom(0, 1, 2, 3, 256, 512), (owner, kind) => {
    const mutex = classify(seen({ evidence: mutexMemory(owner, { kind }), isThread: only(77) }));
    const robust = classify(seen({ val: WAITERS + owner, nonprivate: true, evidence: mutexMemory(owner, { word: WAITERS + owner, kind: 16 }), isThread: only(77) }));
    const rwlock = classify(seen({ op: FUTEX_OP_WAIT_BITSET, val: 3, address: 0x1008n, evidence: rwlockMemory(8, { writer: owner }), isThread: only(77) }));
    return [mutex, robust, rwlock].every(({ sure }) => sure !== 'certain');
  }));
  t.pass('no counterexample');
  t.end();
});
