/** When a kernel test begins again, and when it fails or is skipped, where the kernel skips runs of programs. */
import t, { Test } from 'tap';
import { accounts, comparesWaits, onceMore, repeating, tolerant } from '../kernel/losses.js';

const PREEMPTIBLE = { preemptible: true };
const EXACT = { preemptible: false };
const reportWith = (skipped: number): Parameters<typeof accounts>[1] => ({
  header: { target: 'process 1', accounting: { hits: 3, aggregated: 3, inFlight: 0, filtered: 0, dropped: 0 } },
  losses: [{ reason: 'skipped', count: skipped, meaning: '' }, { reason: 'stale', count: 0, meaning: '' }],
});

/** How often the body ran, and what the test came to. */
async function outcome(facts: typeof EXACT, body: (own: Test, run: number) => void): Promise<{ runs: number; pass: number; fail: number; skip: number; error: string | null }> {
  const real = new Test({ name: 'real' }) as unknown as Test;
  real.resume(); // what it says goes nowhere
  let runs = 0;
  const error = await repeating(real, (own) => Promise.resolve().then(() => body(own, ++runs)), facts).then(() => null, (thrown: unknown) => String(thrown));
  real.end();
  const { pass, fail, skip } = real.counts;
  return { runs, pass, fail, skip, error };
}

t.test('a run in doubt counts if all of it is right', async (t) => {
  const right = (own: Test): void => (accounts(own, reportWith(1)), void own.equal(1, 1));
  t.match(await outcome(PREEMPTIBLE, right), { runs: 1, pass: 3, fail: 0, skip: 0, error: null });
});

t.test('else the test begins again, until a run is right', async (t) => {
  const third = (own: Test, run: number): void => (accounts(own, reportWith(1)), void own.equal(run, 3));
  t.match(await outcome(PREEMPTIBLE, third), { runs: 3, pass: 3, fail: 0, skip: 0, error: null });
  const without = (own: Test, run: number): void => (accounts(own, reportWith(run === 1 ? 2 : 0)), void own.equal(1, run === 1 ? 2 : 1));
  t.match(await outcome(PREEMPTIBLE, without), { runs: 2, pass: 3, fail: 0, skip: 0, error: null });
});

t.test('wrong at the same place in each of eight tries is no chance', async (t) => {
  t.match(await outcome(PREEMPTIBLE, (own) => (accounts(own, reportWith(1)), void own.equal(1, 2))), { runs: 8, pass: 0, fail: 1, skip: 0, error: null });
  const throws = (own: Test, run: number): void => {
    accounts(own, reportWith(1));
    throw new Error(`process ${run} is broken`);
  };
  t.match(await outcome(PREEMPTIBLE, throws), { runs: 8, fail: 1, skip: 0 });
});

t.test('wrong here and there is bad luck, and a skip with its reason', async (t) => {
  const mixed = (own: Test, run: number): void => {
    accounts(own, reportWith(1));
    if (run % 2 === 0) own.equal(1, 2);
    else own.equal(1, 3);
  };
  t.match(await outcome(PREEMPTIBLE, mixed), { runs: 8, fail: 0, skip: 1, error: null });
});

t.test('where a test compares waits alone, a skipped run may have taken ends of wakes along, and nothing else', async (t) => {
  const lost = (skipped: number, reason: string) => (own: Test): void => {
    comparesWaits(own);
    const report = reportWith(skipped);
    accounts(own, { ...report, losses: [...report.losses, { reason, count: 1, meaning: '' }] });
  };
  t.match(await outcome(PREEMPTIBLE, lost(1, 'wakes-unseen')), { runs: 1, fail: 0, skip: 0 });
  t.match(await outcome(PREEMPTIBLE, lost(1, 'stale')), { runs: 8, fail: 1, skip: 0 });
  t.match(await outcome(PREEMPTIBLE, lost(0, 'wakes-unseen')), { runs: 1, fail: 1, skip: 0 });
  t.match(await outcome(EXACT, lost(0, 'wakes-unseen')), { runs: 1, fail: 1, skip: 0 });
});

t.test('without a skipped run nothing is excused', async (t) => {
  const wrong = (own: Test): void => (accounts(own, reportWith(0)), void own.equal(1, 2));
  for (const facts of [PREEMPTIBLE, EXACT]) t.match(await outcome(facts, wrong), { runs: 1, fail: 1, skip: 0, error: null });
});

t.test('a kernel that preempts no programs has to tell why it skipped some in each try', async (t) => {
  const skipping = (own: Test): void => accounts(own, reportWith(1));
  t.match(await outcome(EXACT, skipping), { runs: 8, fail: 0, error: /1 runs skipped by the kernel: once more, though this kernel preempts no programs/ });
});

t.test('a test that copes with skipped runs is heard at its first', async (t) => {
  const copes = (own: Test): void => (tolerant(own), accounts(own, reportWith(5)), void own.equal(1, 2));
  for (const facts of [PREEMPTIBLE, EXACT]) t.match(await outcome(facts, copes), { runs: 1, fail: 1, skip: 0, error: null });
});

t.test('what a busy machine spoilt is tried twice more; the third try holds', async (t) => {
  const spoilt = (own: Test, run: number): void => (onceMore(own, 'busy'), void own.equal(run, 3));
  for (const facts of [PREEMPTIBLE, EXACT]) t.match(await outcome(facts, spoilt), { runs: 3, pass: 1, fail: 0, skip: 0, error: null });
  const wrong = (own: Test): void => (onceMore(own, 'busy'), void own.equal(1, 2));
  for (const facts of [PREEMPTIBLE, EXACT]) t.match(await outcome(facts, wrong), { runs: 3, pass: 0, fail: 1, skip: 0, error: null });
});
