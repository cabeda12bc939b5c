import t from 'tap';
import fc from 'fast-check';
import { bucketOf, fromSlots } from '../../src/report/buckets.js';
import { count, merge, quantile } from '../../src/report/histogram.js';
import type { Histogram } from '../../src/report/model.js';

const EMPTY: Histogram = { scale: 2, offset: 0, counts: [] };

function histogramOf(values: readonly number[]): Histogram {
  const slots = new Array<number>(214).fill(0);
  for (const v of values) slots[bucketOf(v) + 1] = (slots[bucketOf(v) + 1] ?? 0) + 1;
  return fromSlots(slots);
}

const durations = fc.array(fc.oneof(fc.nat(100), fc.nat(1e9), fc.maxSafeNat()), { minLength: 1, maxLength: 200 });

t.test('a quantile is within 10 % or 1 ns of the exact nearest-rank value', (t) => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? NaN;
      const found = quantile(histogramOf(values), q, { min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 }) ?? NaN;
      return Number.isSafeInteger(found) && Math.abs(found - exact) <= Math.max(1, exact / 10);
    }),
    { numRuns: 2000 },
  );
  t.end();
});

t.test('a quantile never lies outside the exact minimum and maximum', (t) => {
  const h = histogramOf([1000]);
  t.equal(quantile(h, 0.5, { max: 1000, min: 1000 }), 1000);
  t.equal(quantile(h, 0.99, { max: 900 }), 900);
  t.equal(quantile(h, 0, { min: 990 }), 990);
  const short = fromSlots([5, 0, 1], 32);
  t.strictSame([0.5, 0.99].map((q) => quantile(short, q, { first: 32 })), [304, 395], 'of the first bucket only the edge is known');
  t.equal(quantile(short, 0.5, { first: 32, max: 120 }), 120);
  t.end();
});

t.test('an empty histogram has no quantile and counts nothing', (t) => {
  t.equal(quantile(EMPTY, 0.5), null);
  t.equal(quantile({ scale: 2, offset: 40, counts: [0, 0] }, 0.5), null);
  t.equal(count(EMPTY), 0);
  t.end();
});

t.test('merging histograms is the same as counting both populations together', (t) => {
  fc.assert(
    fc.property(durations, durations, (a, b) => {
      t.same(merge(histogramOf(a), histogramOf(b)), histogramOf([...a, ...b]));
      return count(merge(histogramOf(a), histogramOf(b))) === a.length + b.length;
    }),
    { numRuns: 50 },
  );
  t.end();
});

t.test('merging with an empty histogram gives the other one', (t) => {
  const h = histogramOf([5, 500]);
  t.equal(merge(EMPTY, h), h);
  t.equal(merge(h, EMPTY), h);
  t.end();
});
