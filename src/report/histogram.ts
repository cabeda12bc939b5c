/** Sums and quantiles of the report's exponential histograms; `buckets.ts` defines the buckets. */
import { middle, upperEdge } from './buckets.js';
import type { Histogram } from './model.js';

/** What is known exactly beside the histogram, in nanoseconds: a quantile never lies outside. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** The bucket that holds all that is shorter, too. */
  readonly first?: number;
}

/** How many durations the histogram holds. */
export function count(histogram: Histogram): number {
  return histogram.counts.reduce((sum, n) => sum + n, 0);
}

/** The histogram of both populations together, exact: all histograms share their edges. */
export function merge(a: Histogram, b: Histogram): Histogram {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length);
  const at = (h: Histogram, bucket: number): number => h.counts[bucket - h.offset] ?? 0;
  return { scale: 2, offset, counts: Array.from({ length: end - offset }, (_, i) => at(a, offset + i) + at(b, offset + i)) };
}

/**
 * The q-quantile (0..1, nearest rank) in whole nanoseconds; null when the histogram is empty.
 * It is the middle of the bucket that holds the exact value, so it is wrong by at most 10 % (or 1 ns, if that is more);
 * of bucket `first` it is the upper edge, since that is all that is known.
 */
export function quantile(histogram: Histogram, q: number, bounds: Bounds = {}): number | null {
  const total = count(histogram);
  if (total === 0) return null;
  const bucket = bucketOfRank(histogram, Math.max(1, Math.ceil(q * total)));
  const known = bucket === bounds.first ? Math.floor(upperEdge(bucket)) : middle(bucket);
  return Math.max(bounds.min ?? 0, Math.min(bounds.max ?? Infinity, known));
}

function bucketOfRank(histogram: Histogram, rank: number): number {
  let seen = 0;
  const index = histogram.counts.findIndex((n) => (seen += n) >= rank);
  return histogram.offset + (index < 0 ? histogram.counts.length - 1 : index);
}
