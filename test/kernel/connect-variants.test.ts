/** `ktrace connect`, each variant that this kernel takes: every outcome, against what the program itself was told and measured. */
import type { Test } from 'tap';
import { schema } from '../../src/generated/connect.js';
import { kernelFacts } from '../../src/source/facts.js';
import { planAttach, variantsOf } from '../../src/source/plan.js';
import { errnoName } from '../../src/tools/errno.js';
import { LATE_NS } from './compare.js';
import { tracedAttempts, type AttemptTruth, type ConnectLine } from './connects.js';
import { EMULATED, N as ROUNDS } from './machine.js';
import { onceMore } from './losses.js';
import { suite } from './suite.js';
import { lacking } from './tracer.js';

const N = EMULATED ? 7 : ROUNDS;

/** Outcome by kind of test/workloads/attempts.c; connected, if it is none of these. */
const OUTCOMES: Readonly<Record<string, string>> = { refused: 'refused', refused6: 'refused', refusedLater: 'refused', gaveUp: 'gaveUp', timedOut: 'timedOut', noRoute: 'unsent', noRoute6: 'unsent', noPort: 'unsent' };
const ADDRESSES: Readonly<Record<string, string>> = { accepted6: '::1', refused6: '::1', noRoute: '198.51.100.1', noRoute6: '2001:db8::1' };
/** Whose times the program did not measure, or not from the same moment. */
const UNTIMED: readonly string[] = ['first', 'noPort', 'noRoute', 'noRoute6', 'timedOut', 'fastOpen', 'multipath'];

const wanted = ({ kind, port, error, retransmits }: AttemptTruth): unknown[] => {
  const outcome = OUTCOMES[kind] ?? 'connected';
  return [outcome, ADDRESSES[kind] ?? '127.0.0.1', port, outcome === 'connected' || outcome === 'gaveUp' ? null : errnoName(error), retransmits];
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * Never more than the program measured around it, nor less than the kernel measured of a SYN that was answered; and in the median not much less than
 * the program measured, for it may be held up between its clock and its call: an emulated one by any ktrace that wakes up, at each.
 */
function sameTimes(t: Test, truth: readonly AttemptTruth[], events: readonly ConnectLine[]): void {
  for (const kind of new Set(truth.map((attempt) => attempt.kind).filter((each) => !UNTIMED.includes(each)))) {
    const pairs = truth.flatMap((attempt, i) => (attempt.kind === kind ? [[events[i]?.tookNs ?? 0, attempt.tookNs, attempt.rttNs] as const] : []));
    t.strictSame(pairs.filter(([took, measured]) => took > measured), [], `${kind}: none took longer than the program measured`);
    if (!(kind in OUTCOMES)) {
      t.strictSame(pairs.filter(([took, , rtt]) => rtt <= 0 || took <= rtt - 1000), [], `${kind}: none took less than the round trip that the kernel measured`);
      if (EMULATED) continue;
    }
    const [took, measured] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))];
    const isNear = took >= Math.max(EMULATED ? measured / 10 : 0, measured - Math.max(EMULATED ? LATE_NS : 50e3, 0.05 * measured));
    if (!isNear) onceMore(t, `${kind}: the program was held up`);
    t.ok(isNear, `${kind}: ${took} ns, the program measured ${measured}`);
  }
}

suite(1, (test) => {
  const facts = kernelFacts();
  for (const variant of variantsOf(schema.programs)) {
    test(`${variant}: each outcome, ${N} times, is what the program was told`, async (t) => {
      const [plan] = planAttach(schema.programs, facts, { only: variant, optional: [] });
      const why = plan?.refused ? `${plan.refused.stage}: ${plan.refused.code}` : lacking(variant, 'connect');
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const { report, events, truth, target } = await tracedAttempts(t, ['-n', String(N)], ['--variant', variant]);
      const byTime = [...events].sort((a, b) => a.time - b.time);
      t.strictSame(byTime.map(({ outcome, address, port, error, retransmits }) => [outcome, address, port, error, retransmits]), truth.attempts.map(wanted));
      sameTimes(t, truth.attempts, byTime);
      t.strictSame([...new Set(events.map(({ pid, tid, thread }) => `${pid} ${tid} ${thread}`))], [`${target.pid} ${target.pid} attempts`], 'whoever ran when the answer came');
      t.strictSame(byTime.filter(({ outcome, localPort }) => outcome !== 'unsent' && localPort === 0), [], 'each packet came from a port');
      t.ok(byTime.filter(({ outcome }) => outcome === 'timedOut').every(({ tookNs = 0 }) => tookNs > 2.5e9), 'after two SYNs');
      const failed = truth.attempts.filter(({ kind }) => kind in OUTCOMES).length;
      t.strictSame(report.header.accounting, { hits: truth.attempts.length, aggregated: truth.attempts.length, inFlight: 0, filtered: 0, dropped: 0 });
      t.equal(report.sections.attempts.rows.reduce((sum, row) => sum + row.failed, 0), failed);
      t.equal(report.sections.attempts.rows.reduce((sum, row) => sum + row.attempts, 0), truth.attempts.length);
      t.strictSame(truth.attempts.length, (truth.attempts.some(({ kind }) => kind === 'multipath') ? 15 : 14) * N);
    });
  }
});
