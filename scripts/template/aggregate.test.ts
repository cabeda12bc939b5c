import t from 'tap';
import { since, snapshotOf } from '../../../src/tools/sample/aggregate.js';

const row = (tgid: number, calls: number) => ({ key: { tgid }, values: [{ calls, comm: 'worker' }] });

t.test('a snapshot holds every row, and the counters', (t) => {
  const { processes, hits, lost } = snapshotOf([row(7, 23), row(5, 2)], [30], [5]);
  t.strictSame([...processes], [[7, { name: 'worker', calls: 23 }], [5, { name: 'worker', calls: 2 }]]);
  t.strictSame([hits, lost], [30, 5]);
  t.end();
});

t.test('an interval holds what came since the last one', (t) => {
  const before = snapshotOf([row(5, 2), row(7, 20)], [22], [0]);
  const now = snapshotOf([row(5, 2), row(7, 23), row(9, 1)], [26], [0]);
  const { processes, hits } = since(before, now);
  t.strictSame([...processes].map(([pid, { calls }]) => [pid, calls]), [[7, 3], [9, 1]]);
  t.equal(hits, 4);
  t.end();
});
