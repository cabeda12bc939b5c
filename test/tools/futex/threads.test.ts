import t from 'tap';
import { indexThreads, threadTime } from '../../../src/tools/futex/threads.js';
import { PID, mutexWait, snapshot, thread, threads } from './snapshots.js';

t.test('a thread is found by the id that ktrace sees, and by the one it has in its own pid namespace', (t) => {
  const index = indexThreads({ threads: new Map([[100, thread('worker', { ownTid: 7 })], [200, thread('other', { tgid: 9, ownTid: 8 })]]), waits: [] });
  t.match(index.byTid(100), { tid: 100, comm: 'worker' });
  t.match(index.byOwnTid(PID, 7), { tid: 100 });
  t.equal(index.byOwnTid(PID, 100), undefined, 'the ids of two namespaces are not mixed up');
  t.equal(index.byOwnTid(PID, 8), undefined, 'nor threads of two processes');
  t.match(index.byOwnTid(0, 8), { tid: 200 }, 'anywhere');
  t.equal(index.byTid(7), undefined);
  t.end();
});

t.test('a thread that only its wait knows is known', (t) => {
  const index = indexThreads({ threads: threads([1, 'renamed']), waits: [mutexWait(1, 8n, 2, { comm: 'old name' }), mutexWait(3, 8n, 2, { ownTid: 33 })] });
  t.equal(index.byTid(1)?.comm, 'renamed', 'the map of threads knows better');
  t.match(index.byTid(3), { tid: 3, ownTid: 33, tgid: PID, comm: 'thread-3' });
  t.match(index.byOwnTid(PID, 33), { tid: 3 });
  t.end();
});

t.test('an id that threads of two pid namespaces have names neither of them', (t) => {
  const twins = new Map([[100, thread('a', { tgid: 1, ownTid: 7 })], [200, thread('b', { tgid: 2, ownTid: 7 })]]);
  const index = indexThreads({ threads: twins, waits: [] });
  t.equal(index.byOwnTid(0, 7), undefined);
  t.equal(index.byOwnTid(2, 7)?.tid, 200, 'within a process it is clear');
  t.end();
});

t.test('thread time is what threads lived while traced, the dead ones too', (t) => {
  const living = threads([1, 'a', { since: 2e9 }], [2, 'b', { since: 4e9 }], [3, 'dead', { since: 0, exited: 5e9 }], [9, 'stranger', { tgid: 5, since: 0 }]);
  const taken = snapshot({ takenAt: 10e9, threads: living, processes: new Map([[PID, { exitedThreadNs: 5e9, threads: 3 }]]) });
  t.equal(threadTime(taken, PID), 8e9 + 6e9 + 5e9);
  t.equal(threadTime(taken, 5), 10e9, 'a process without a row');
  t.equal(threadTime(taken, 6), 0);
  t.equal(threadTime(snapshot({ takenAt: 1e9, threads: living, processes: new Map() }), PID), 0, 'never negative');
  t.end();
});
