import t from 'tap';
import fc from 'fast-check';
import { bucketOf, fromSlots, middle, upperEdge } from '../../src/report/buckets.js';

/** The definition itself, in exact arithmetic: the smallest slot s with v <= 2^(s/4), that is v^4 <= 2^s. */
function exactSlot(v: bigint): number {
  let slot = 0;
  while (v ** 4n > 2n ** BigInt(slot)) slot++;
  return slot;
}

const ROOTS = [0x9837f0518db8a96fn, 0xb504f333f9de6484n, 0xd744fccad69d6af4n];

/** The C of buckets.ts, line by line, on 64-bit unsigned integers. */
function slotInC(v: bigint): number {
  if (v <= 1n) return 0;
  let w = v - 1n;
  let k = 0n;
  for (const step of [32n, 16n, 8n, 4n, 2n]) {
    if (w >> step) {
      k += step;
      w >>= step;
    }
  }
  if (w >> 1n) k += 1n;
  const down = (63n - k) & 63n;
  return Number(4n * k) + 1 + ROOTS.filter((root) => v > root >> down).length;
}

/** Each boundary of octave k, one below and one above. */
function aroundTheBoundaries(k: bigint): bigint[] {
  const edges = [1n << k, ...ROOTS.map((root) => root >> (63n - k))];
  return edges.flatMap((edge) => [edge - 1n, edge, edge + 1n]).filter((v) => v >= 0n && v < 1n << 64n);
}

t.test('the constants are floor(2^(63 + q/4))', (t) => {
  ROOTS.forEach((root, i) => {
    const power = 2n ** BigInt(4 * 63 + i + 1);
    t.ok(root ** 4n < power && (root + 1n) ** 4n > power, `root ${i + 1}`);
    t.ok(root < 1n << 64n, 'fits 64 bits');
  });
  t.end();
});

t.test('the integer algorithm is exact at every boundary of octaves 0 to 63, one below and one above', (t) => {
  let checked = 0;
  for (let k = 0n; k < 64n; k++) {
    for (const v of aroundTheBoundaries(k)) {
      if (slotInC(v) !== exactSlot(v)) t.fail(`slot of ${v} is ${slotInC(v)}, expected ${exactSlot(v)}`);
      checked++;
    }
  }
  t.ok(checked > 700, `${checked} values`);
  t.equal(slotInC((1n << 64n) - 1n), 256, 'the largest 64-bit value is in slot 256');
  t.end();
});

t.test('bucketOf agrees with exact arithmetic at every boundary of octaves 0 to 40 and beyond', (t) => {
  for (let k = 0n; k <= 52n; k++) {
    for (const v of aroundTheBoundaries(k)) {
      if (bucketOf(Number(v)) !== exactSlot(v) - 1) t.fail(`bucket of ${v} is ${bucketOf(Number(v))}, expected ${exactSlot(v) - 1}`);
    }
  }
  t.equal(bucketOf(Number.MAX_SAFE_INTEGER), 211);
  t.end();
});

t.test('the middle of a bucket is within 10 % or 1 ns of its least and its greatest value, in every bucket', (t) => {
  const values = [0, 1, Number.MAX_SAFE_INTEGER];
  for (let k = 0n; k <= 52n; k++) values.push(...aroundTheBoundaries(k).map(Number));
  for (const v of values) {
    const found = middle(bucketOf(v));
    if (!Number.isSafeInteger(found) || Math.abs(found - v) > Math.max(1, v / 10)) t.fail(`${found} stands for ${v}`);
  }
  t.equal(middle(bucketOf(19)), 18, 'of 17, 18 and 19 the middle, though the edges are 16 and 19.03');
  t.end();
});

t.test('bucketOf agrees with exact arithmetic on any duration', (t) => {
  fc.assert(fc.property(fc.maxSafeNat(), (v) => bucketOf(v) === exactSlot(BigInt(v)) - 1));
  t.end();
});

t.test('a power of two is the inclusive upper edge of its bucket', (t) => {
  for (let k = 0; k <= 40; k++) {
    t.equal(upperEdge(bucketOf(2 ** k)), 2 ** k);
    t.ok(bucketOf(2 ** k + 1) === bucketOf(2 ** k) + 1 || k < 3, `2^${k} + 1 is in the next bucket`);
  }
  t.end();
});

t.test('0 and 1 ns share the lowest bucket, and what is no duration is refused', (t) => {
  t.equal(bucketOf(0), -1);
  t.equal(bucketOf(1), -1);
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 53]) t.throws(() => bucketOf(wrong), RangeError);
  t.end();
});

t.test('the slots of a BPF array become a histogram without empty ends', (t) => {
  t.same(fromSlots([0, 0, 3n, 0, 2, 0]), { scale: 2, offset: 1, counts: [3, 0, 2] });
  t.same(fromSlots(new BigUint64Array([7n])), { scale: 2, offset: -1, counts: [7] });
  t.same(fromSlots(new Float64Array(5)), { scale: 2, offset: 0, counts: [] });
  t.end();
});
