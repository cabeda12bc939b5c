import t from 'tap';
import fc from 'fast-check';
import { Backlog } from '../../src/source/backlog.js';
import type { ToolEvent } from '../../src/tools/contract.js';

interface Numbered extends ToolEvent {
  readonly n: number;
}

const events = (...numbers: readonly number[]): Numbered[] => numbers.map((n) => ({ n, lostBefore: 0 }));

async function take(from: AsyncIterable<Numbered>, most = Infinity): Promise<number[]> {
  const taken: number[] = [];
  if (most === 0) return taken;
  for await (const { n } of from) {
    taken.push(n);
    if (taken.length >= most) break;
  }
  return taken;
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Its value, or undefined when it is still waiting after so many turns of the event loop. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  const late = async (): Promise<undefined> => {
    for (let i = 0; i < 1000; i++) await turn();
    return undefined;
  };
  return Promise.race([promise, late()]);
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const many = (n: number): Numbered[] => events(...upTo(n));

t.test('events come in the order in which they were pushed, and the iteration ends', async (t) => {
  const backlog = new Backlog<Numbered>(100);
  const reading = take(backlog.iterate());
  backlog.push(events(1, 2));
  await turn();
  backlog.push(events());
  backlog.push(events(3));
  backlog.end();
  t.strictSame(await reading, [1, 2, 3]);
  t.strictSame([backlog.size, backlog.dropped], [0, 0]);
});

t.test('what was pushed before the end is read after it', async (t) => {
  const backlog = new Backlog<Numbered>(100);
  backlog.push(events(1, 2));
  backlog.end();
  t.strictSame(await take(backlog.iterate()), [1, 2]);
  t.strictSame(await take(backlog.iterate()), [], 'and once');
});

t.test('a reader that waits is woken by an event and by the end', async (t) => {
  const backlog = new Backlog<Numbered>(100);
  const reading = take(backlog.iterate());
  await turn();
  backlog.push(events(1));
  await turn();
  backlog.end();
  t.strictSame(await reading, [1]);
  const idle = new Backlog<Numbered>(1);
  const waiting = take(idle.iterate());
  await turn();
  idle.end();
  t.strictSame(await waiting, []);
});

t.test('no more is kept than the limit, and each event that does not fit is counted', (t) => {
  const backlog = new Backlog<Numbered>(10);
  backlog.push(many(7));
  t.strictSame([backlog.size, backlog.dropped], [7, 0]);
  backlog.push(many(7));
  t.strictSame([backlog.size, backlog.dropped], [10, 4], 'the part that fits is kept');
  backlog.push(many(100_000));
  t.strictSame([backlog.size, backlog.dropped], [10, 100_004]);
  t.end();
});

t.test('an event says how many were lost before it, here and in the ring', async (t) => {
  const backlog = new Backlog<Numbered>(2);
  backlog.push([{ n: 1, lostBefore: 3 }, { n: 2, lostBefore: 0 }, { n: 3, lostBefore: 5 }, { n: 4, lostBefore: 0 }]);
  const reader = backlog.iterate();
  t.strictSame([(await reader.next()).value, (await reader.next()).value], [{ n: 1, lostBefore: 3 }, { n: 2, lostBefore: 0 }]);
  backlog.push([{ n: 5, lostBefore: 7 }, { n: 6, lostBefore: 0 }]);
  backlog.end();
  t.strictSame([(await reader.next()).value, (await reader.next()).value], [{ n: 5, lostBefore: 14 }, { n: 6, lostBefore: 0 }], 'two were dropped, and five and seven before them');
  t.equal(backlog.dropped, 2);
});

t.test('a slow reader holds no more than the limit either', async (t) => {
  const backlog = new Backlog<Numbered>(10);
  backlog.push(many(10));
  const reader = backlog.iterate();
  await reader.next();
  for (let i = 0; i < 5; i++) backlog.push(many(10));
  t.ok(backlog.size <= 10);
  t.equal(backlog.dropped, 49, 'one event was read, so one more fits');
});

t.test('a limit of nothing keeps nothing, and counts all', async (t) => {
  const backlog = new Backlog<Numbered>(0);
  backlog.push(events(1, 2, 3));
  backlog.end();
  t.strictSame([await take(backlog.iterate()), backlog.dropped], [[], 3]);
});

t.test('a reader that leaves takes only what it has read', async (t) => {
  const backlog = new Backlog<Numbered>(10);
  backlog.push(events(1, 2, 3, 4));
  t.strictSame(await take(backlog.iterate(), 1), [1]);
  backlog.end();
  t.strictSame(await take(backlog.iterate()), [2, 3, 4], 'the next one gets the rest');
});

t.test('two readers share the events, and both end', async (t) => {
  const backlog = new Backlog<Numbered>(100);
  const readers = [take(backlog.iterate()), take(backlog.iterate())];
  for (let i = 0; i < 10; i++) {
    backlog.push(events(i));
    await turn();
  }
  backlog.end();
  const ends = await soon(Promise.all(readers));
  t.ok(ends, 'both ended');
  t.strictSame(ends?.flat().sort((a, b) => a - b), upTo(10), 'each event came to one of them');
});

t.test('a reader that comes while another waits does not put it to sleep for ever', async (t) => {
  const backlog = new Backlog<Numbered>(100);
  const first = backlog.iterate().next();
  await turn();
  const second = backlog.iterate().next();
  await turn();
  backlog.push(events(1, 2));
  const both = await soon(Promise.all([first, second]));
  t.strictSame(both?.map(({ value }) => value?.n).sort(), [1, 2]);
});

t.test('whatever happens in whatever order, read + dropped + kept = pushed', async (t) => {
  const step = fc.oneof(fc.record({ push: fc.nat(20) }), fc.record({ read: fc.nat(15) }));
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(25), async (steps, limit) => {
    const backlog = new Backlog<Numbered>(limit);
    let [pushed, read] = [0, 0];
    for (const each of steps) {
      if ('push' in each) {
        backlog.push(many(each.push));
        pushed += each.push;
      } else {
        read += (await take(backlog.iterate(), Math.min(each.read, backlog.size))).length;
      }
      if (read + backlog.dropped + backlog.size !== pushed || backlog.size > limit) return false;
    }
    backlog.end();
    read += (await take(backlog.iterate())).length;
    return read + backlog.dropped === pushed && backlog.size === 0;
  }));
  t.pass('no counterexample');
});
