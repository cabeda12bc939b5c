import t from 'tap';
import { History } from '../../../src/tools/oom/history.js';
import type { MachineMemory } from '../../../src/tools/oom/state.js';

const S = 1e9;
const LONG_AGO = -1000 * S;
const NOTHING: MachineMemory = { available: null, swapFree: null, swapTotal: null, promised: null, total: null, overcommit: null, pressure: null };

/** A machine whose clock is set, and whose reading takes so long. */
class Fake {
  time = 0;
  looks = 0;
  resident = new Map<number, number>();
  constructor(readonly costNs = 0) {}

  now(): number {
    return this.time;
  }

  residentMemory(): ReadonlyMap<number, number> {
    this.looks++;
    this.time += this.costNs;
    return new Map(this.resident);
  }

  machineMemory(): MachineMemory {
    return { ...NOTHING, available: this.time };
  }
}

/** Ticks once a second. */
function watched(seconds: number, rssAt: (second: number) => ReadonlyMap<number, number>, fake = new Fake()): History {
  const history = new History(fake);
  for (let i = 0; i <= seconds; i++) {
    fake.time = Math.max(fake.time, i * S);
    fake.resident = new Map(rssAt(i));
    history.tick();
  }
  return history;
}

t.test('a sample every five seconds; of a long time few points, the first and the last among them', (t) => {
  const fake = new Fake();
  const history = watched(100, (i) => new Map([[7, 1000 + i]]), fake);
  t.equal(fake.looks, 21);
  const points = history.of(7, LONG_AGO, 102 * S);
  t.equal(points.length, 8);
  t.strictSame([points[0], points.at(-1)], [{ agoNs: 102 * S, rss: 1000 }, { agoNs: 2 * S, rss: 1100 }]);
  t.strictSame(history.of(7, LONG_AGO, 12 * S), [0, 5, 10].map((at) => ({ agoNs: (12 - at) * S, rss: 1000 + at })), 'nothing of after the kill');
  t.strictSame(history.machineBefore(12 * S), { ...NOTHING, available: 10 * S, agoNs: 2 * S });
  t.equal(history.machineBefore(-1), null);
  t.end();
});

t.test('at most ten minutes are kept', (t) => {
  const points = watched(1000, () => new Map([[7, 1]])).of(7, LONG_AGO, 1000 * S);
  t.equal(points[0]?.agoNs, 600 * S);
  t.end();
});

t.test('an id that was used before is of another process', (t) => {
  const history = watched(100, (i) => new Map([[7, i]]));
  t.strictSame(history.of(7, 81 * S, 101 * S).map(({ rss }) => rss), [95, 100]);
  t.strictSame(history.of(7, 92 * S, 101 * S), [], 'it has just begun');
  t.strictSame(history.of(7, Infinity, 101 * S), [], 'when it began is not known');
  t.strictSame(history.minuteBefore(7, 91 * S, 101 * S), { agoNs: 6 * S, rss: 95 }, 'as long as it has been there');
  t.equal(history.minuteBefore(8, 0, 101 * S), null);
  t.strictSame(history.minuteBefore(7, 0, 101 * S), { agoNs: 61 * S, rss: 40 });
  t.end();
});

t.test('who has ended is known a little longer', (t) => {
  const until = (end: number, seconds: number): number => watched(seconds, (i) => (i <= end ? new Map([[7, 1]]) : new Map())).of(7, LONG_AGO, 1000 * S).length;
  t.equal(until(52, 56), 8, 'its kill may not have been told yet');
  t.equal(until(52, 66), 0);
  t.end();
});

t.test('where a sample takes long there are fewer', (t) => {
  const fake = new Fake(0.1 * S);
  watched(100, () => new Map([[7, 1]]), fake);
  t.equal(fake.looks, 6, 'a tenth of a second every twenty');
  t.end();
});
