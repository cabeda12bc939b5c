/**
 * The bucket arithmetic that the BPF side and this side share: exact, in integers, upper-inclusive.
 *
 * Slot s of a BPF array holds the durations v with s = ceil(4 * log2(v)), that is 2^((s-1)/4) < v <= 2^(s/4) ns; slot 0 holds 0 and 1 ns.
 * Slot s is bucket i = s - 1 of the report's histogram. Inside the octave (2^k, 2^(k+1)] the three inner edges are floor(2^(k + q/4)), q = 1..3,
 * each one right shift of a constant floor(2^(63 + q/4)): no edge but a power of two is an integer, so `v > floor(edge)` is `v > edge`,
 * and one flooring on top of another changes nothing. Exact for every 64-bit v. In C:
 *
 *     #define KTRACE_ROOT1 0x9837f0518db8a96fULL // floor(2^63.25)
 *     #define KTRACE_ROOT2 0xb504f333f9de6484ULL // floor(2^63.50)
 *     #define KTRACE_ROOT3 0xd744fccad69d6af4ULL // floor(2^63.75)
 *
 *     static __always_inline __u32 ktrace_slot(__u64 v)
 *     {
 *             if (v <= 1)
 *                     return 0;
 *             __u64 w = v - 1; // moves 2^(k+1), the inclusive upper edge, into octave k
 *             __u32 k = 0;
 *
 *             if (w >> 32) { k += 32; w >>= 32; }
 *             if (w >> 16) { k += 16; w >>= 16; }
 *             if (w >> 8)  { k += 8;  w >>= 8; }
 *             if (w >> 4)  { k += 4;  w >>= 4; }
 *             if (w >> 2)  { k += 2;  w >>= 2; }
 *             if (w >> 1)  k += 1;
 *             __u32 down = (63 - k) & 63; // the mask is for the verifier
 *             return 4 * k + 1 + (v > KTRACE_ROOT1 >> down) + (v > KTRACE_ROOT2 >> down) + (v > KTRACE_ROOT3 >> down);
 *     }
 *
 * The result is at most 256. An array of 4 * K + 1 slots is enough for durations up to 2^K ns; clamp above it:
 * K = 42 (73 minutes, 169 slots) suits most tools.
 */
import type { Histogram } from './model.js';

const ROOTS = [0x9837f0518db8a96fn, 0xb504f333f9de6484n, 0xd744fccad69d6af4n] as const;
const OCTAVES = 53;

/** EDGES[s] = floor(2^(s/4)), the largest integer of slot s, up to the largest safe integer. */
const EDGES: readonly number[] = Array.from({ length: 4 * OCTAVES }, (_, slot) => edge(slot >> 2, slot & 3));

function edge(octave: number, quarter: number): number {
  const root = ROOTS[quarter - 1];
  return root === undefined ? 2 ** octave : Number(root >> BigInt(63 - octave));
}

/** floor(log2(value)) of a positive safe integer. */
function log2(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value);
}

/** The bucket of a duration in whole nanoseconds: 2^(i/4) < ns <= 2^((i+1)/4). 0 and 1 ns share bucket -1. */
export function bucketOf(ns: number): number {
  if (!Number.isSafeInteger(ns) || ns < 0) throw new RangeError(`${ns} is not a duration in whole nanoseconds`);
  if (ns <= 1) return -1;
  const first = 4 * log2(ns - 1);
  let bucket = first;
  for (let q = 1; q < 4; q++) if (ns > (EDGES[first + q] ?? Infinity)) bucket++;
  return bucket;
}

/** The inclusive upper edge of bucket i in nanoseconds: 2^((i+1)/4), exact where that is a power of two. */
export function upperEdge(bucket: number): number {
  return 2 ** ((bucket + 1) / 4);
}

/** The geometric middle of the whole nanoseconds of bucket i: within 10 %, or 1 ns, of each of them (of the edges instead, 17 ns would stand for 19). */
export function middle(bucket: number): number {
  const least = (EDGES[bucket] ?? 0) + 1;
  const most = EDGES[bucket + 1] ?? Number.MAX_SAFE_INTEGER;
  return Math.round(Math.sqrt(least) * Math.sqrt(most));
}

/** The bucket of the first slot of the kernel's arrays, which holds all that is shorter, too: up to 76 ns (HISTOGRAM_OFFSET in totals.bpf.h). */
export const FIRST_BUCKET = 24;

/** A histogram from the slots of a BPF array, the first of which is bucket `first`; trimmed of empty slots at both ends. */
export function fromSlots(slots: ArrayLike<number | bigint>, first = -1): Histogram {
  const counts = Array.from(slots, Number);
  const from = counts.findIndex((count) => count !== 0);
  if (from < 0) return { scale: 2, offset: 0, counts: [] };
  return { scale: 2, offset: from + first, counts: counts.slice(from, counts.findLastIndex((count) => count !== 0) + 1) };
}
