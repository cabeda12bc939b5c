/** A run of a test that is heard only when it counts. */
import t, { Test } from 'tap';
import { placeOf, surely, Trial } from '../kernel/trial.js';

/** What it says goes nowhere. */
function unheard(): Test {
  const real = new Test({ name: 'real' }) as unknown as Test;
  real.resume();
  return real;
}

t.test('what holds and what does not is known at once, and told when asked for, in its order', async (t) => {
  const real = unheard();
  const trial = new Trial(real);
  t.equal(trial.t.equal(1, 1, 'one'), true);
  t.equal(trial.t.name, 'real');
  t.equal(trial.wrong, undefined);
  await trial.t.rejects(Promise.reject(new Error('no')), /no/);
  t.equal(trial.wrong, undefined);
  t.equal(trial.t.strictSame([1], [2]), false);
  t.match(trial.wrong, /^strictSame at (\S+ \()?test\/vm\/trial\.test\.[jt]s:\d+:\d+\)?$/);
  t.match(real.counts, { total: 0 }, 'nothing is told yet');
  trial.tell();
  real.end(); // tap counts the last assertion then
  t.match(real.counts, { total: 3, pass: 2, fail: 1 });
});

t.test('an assertion that calls something calls it once', (t) => {
  const real = unheard();
  const trial = new Trial(real);
  let calls = 0;
  trial.t.throws(() => {
    calls++;
    throw new Error('x');
  }, /x/);
  trial.t.throws(() => calls++, /x/);
  trial.tell();
  real.end(); // tap counts the last assertion then
  t.equal(calls, 2);
  t.match(real.counts, { total: 2, pass: 1, fail: 1 });
  t.end();
});

t.test('what changes between judging and telling is no success, and what nobody knows is no assertion', (t) => {
  const real = unheard();
  const trial = new Trial(real);
  const found = [1];
  t.equal(trial.t.strictSame(found, [2]), false);
  found[0] = 2;
  trial.tell();
  real.end();
  t.match(real.counts, { total: 2, pass: 1, fail: 1 });
  t.throws(() => trial.t.hasProp({}, 'x'), /is hasProp an assertion/);
  t.end();
});

t.test('what is true of every run is told at once, and not excused', (t) => {
  const real = unheard();
  const trial = new Trial(real);
  surely(trial.t).equal(1, 2);
  t.equal(trial.wrong, undefined);
  real.end();
  t.match(real.counts, { total: 1, fail: 1 });
  t.equal(surely(t), t, 'a test that is no trial');
  t.end();
});

t.test('where something was thrown is told without its message, and without the place of the checkout', (t) => {
  const thrown = new TypeError('process 7 of /home/somebody is gone');
  t.match(placeOf(thrown), /^TypeError at .*\(?test\/vm\/trial\.test\.ts:\d+:\d+\)?$/);
  t.notMatch(placeOf(thrown), 'somebody');
  thrown.stack = 'TypeError: x\n    at of (node:internal:1:2)';
  t.strictSame([placeOf(thrown), placeOf('a word')], ['TypeError', 'a word']);
  t.end();
});
