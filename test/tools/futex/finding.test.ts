import t from 'tap';
import { buildCommand } from '../../../src/cli/command.js';
import { futexCli } from '../../../src/tools/futex/cli.js';
import { findingOf, nextOf } from '../../../src/tools/futex/finding.js';
import { locksOf, type Lock } from '../../../src/tools/futex/locks.js';
import type { Deadlock, FutexSnapshot } from '../../../src/tools/futex/model.js';
import { percent } from '../../../src/tools/futex/words-for.js';
import { isContention } from '../../../src/tools/futex/classify.js';
import { PID, PROGRAM, bitsetRow, conditionMemory, lockRow, mutexWait, part, snapshot, threads } from './snapshots.js';

const HERE = PROGRAM + 0x8100n;
const THERE = PROGRAM + 0x8200n;
const HOLDER = PID + 1;
const people = threads([PID, 'main'], [HOLDER, 'keeper'], [PID + 2, 'waiter']);

interface Split {
  readonly contended: readonly Lock[];
  readonly designed: readonly Lock[];
}

function split(more: Partial<FutexSnapshot>): Split {
  const locks = locksOf(snapshot({ threads: people, ...more }));
  return { contended: locks.filter(({ seen }) => isContention(seen.kind)), designed: locks.filter(({ seen }) => !isContention(seen.kind)) };
}

const finding = ({ contended, designed }: Split, deadlocks: readonly Deadlock[] = []): string[] => findingOf(snapshot({ deadlocks }), contended, designed);
const next = ({ contended, designed }: Split, deadlocks: readonly Deadlock[] = [], isAlive = (_tid: number): boolean => true): string[] => nextOf(deadlocks, contended, designed, isAlive);

const hotRow = lockRow(HERE, { took: [[4, 750_000]] });
const HOT = split({ locks: [hotRow, lockRow(THERE, { took: [[1, 1_000_000]] })], parts: [part(hotRow, 'holder', HOLDER, { sleeps: 3 })] });
const HUNG = split({ waits: [mutexWait(PID + 2, HERE, HOLDER, { began: 'before', lastRan: 1e9, clockNow: 61e9 }), mutexWait(PID, HERE, HOLDER)] });
const IDLE = split({ locks: [bitsetRow(HERE + 40n, 0, conditionMemory(0, { references: [2, 0] }), { took: [[2, 1e9]] })] });
const NOTHING = split({});
const CYCLE: Deadlock = {
  links: [1, 2].map((tid) => ({ tgid: PID, tid, comm: `t${tid}`, lock: 'server+0x8100', address: HERE, kind: 'mutex', idleNs: 3e9 })), behind: 0, timed: false,
};

t.test('the hottest lock, its part of the waiting, and who held it', (t) => {
  t.strictSame(finding(HOT), ['75 % of the waiting for locks (3.00ms of 4.00ms) is for server+0x8100, held by keeper (4243) in 3 of 4 sleeps.']);
  t.match(next(HOT), [/^strace -r -p 4243 /]);
  t.notMatch(next(HOT, [], () => false).join(), /strace/, 'a holder that is gone cannot be looked at');
  t.end();
});

t.test('without a known holder the releaser is named, and that it released', (t) => {
  const row = lockRow(HERE, { took: [[4, 750_000]], memory: null });
  const released = split({ locks: [row], parts: [part(row, 'releaser', HOLDER, { sleeps: 4, comm: 'keeper' })] });
  t.strictSame(finding(released), ['100 % of the waiting for locks (3.00ms of 3.00ms) is for server+0x8100, released most often by keeper (4243).']);
  t.match(next(released), [/^ktrace futex -p 4242 .*--events/]);
  t.end();
});

t.test('a lock that nobody got is told with its holder, before any other', (t) => {
  t.match(finding(HUNG), [/^2 threads have been waiting for server\+0x8100 for up to 1m00s, and none got it; held by keeper \(4243\)\.$/]);
  const both: Split = { contended: [...HUNG.contended, ...split({ locks: [lockRow(THERE, { took: [[1, 1000]] })] }).contended], designed: [] };
  t.match(finding(both)[0], /and none got it/);
  t.match(next(both), [/4243/], 'and the next command is about the same lock');
  t.match(finding(split({ waits: [mutexWait(PID + 2, HERE, 0)] })), [/who holds it is not known\.$/]);
  t.end();
});

t.test('a deadlock is told first, with all of its threads, and whether it ends', (t) => {
  t.strictSame(finding(NOTHING, [CYCLE]), ['Deadlock: t1 (1), t2 (2) wait for each other and will not go on by themselves.']);
  t.match(finding(HOT, [{ ...CYCLE, timed: true }]), [/^Deadlock: .*, some with a time-out\.$/, /^75 % of the waiting/]);
  t.match(finding(NOTHING, [{ ...CYCLE, links: CYCLE.links.slice(0, 1) }]), [/^Deadlock: t1 \(1\) waits for a lock that it holds itself/]);
  t.match(next(HOT, [CYCLE]), [/^gdb -p 4242 -batch -ex 'thread apply all bt'/]);
  t.notMatch(finding(HUNG, [CYCLE]).join(), /none got it/, 'the deadlock is the reason already');
  t.end();
});

t.test('idle is not a finding against anybody, and nothing is nothing', (t) => {
  t.strictSame(finding(IDLE), ['No thread waited for a lock; the waits seen are idle by design.']);
  t.strictSame(finding(NOTHING), ['No thread waited for a lock.']);
  t.strictSame(next(NOTHING), []);
  t.end();
});

t.test('a semaphore that its own waiters release is a suspect, one that others release is not', (t) => {
  const row = bitsetRow(HERE + 40n, 0, conditionMemory(0, { references: [2, 0] }), { took: [[20, 1e6]] });
  const waiters = [part(row, 'waiter', 1, { sleeps: 10 }), part(row, 'waiter', 2, { sleeps: 10 })];
  const by = (...tids: readonly number[]): string[] => finding(split({ locks: [row], parts: [...waiters, ...tids.map((tid) => part(row, 'releaser', tid, { sleeps: 10 }))] }));
  t.match(by(1, 2)[1], /^The condition variable server\+0x8100 is released by the threads that wait for it/);
  t.equal(by(3, 4).length, 1);
  t.equal(by(1, 3).length, 1, 'half is not most');
  const few = { key: row.key, value: { ...row.value, sleeps: 4 } };
  t.equal(finding(split({ locks: [few], parts: [...waiters, part(row, 'releaser', 1, { sleeps: 4 })] })).length, 1, 'four times is not often');
  t.end();
});

t.test('parts of a whole are never rounded to none or to all', (t) => {
  t.strictSame([0, 0.5, 0.75, 1].map(percent), ['0 %', '50 %', '75 %', '100 %']);
  t.equal(percent(0.996), '99.6 %');
  for (const ratio of [0.9991, 0.9996, 0.99999]) t.notMatch(percent(ratio), /^100/, String(ratio));
  for (const ratio of [0.004, 0.0004]) t.notMatch(percent(ratio), /^0 %/, String(ratio));
  t.end();
});

t.test('every command to run next is one that can be run', (t) => {
  const commands = [HOT, HUNG, IDLE, NOTHING, split({ locks: [lockRow(HERE, { took: [[4, 1000]], memory: null })] })].flatMap((each) => next(each)).concat(next(HOT, [CYCLE]));
  t.ok(commands.length >= 4);
  for (const command of commands) {
    const [bare = ''] = command.split(' # ');
    t.notMatch(bare, /[…<>]/, bare);
    const words = bare.trim().split(/\s+/);
    if (words[0] === 'ktrace') t.doesNotThrow(() => buildCommand(futexCli, undefined, () => undefined).parse(words.slice(2), { from: 'user' }), bare);
  }
  t.end();
});

t.test('a name in a command cannot become a command', (t) => {
  for (const comm of ['a; reboot', '$(reboot)', '`reboot`', "x'; reboot #", 'a\nreboot']) {
    const row = lockRow(HERE, { took: [[1, 1000]] });
    const hostile = split({ threads: threads([HOLDER, comm]), locks: [row], parts: [part(row, 'holder', HOLDER)] });
    for (const command of [...next(hostile), ...next(hostile, [{ ...CYCLE, links: CYCLE.links.map((link) => ({ ...link, comm })) }])]) t.notMatch(command.split(' # ')[0], /reboot/);
  }
  t.end();
});
