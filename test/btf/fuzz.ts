/** Hostile variations of real bytes, and the one rule for what may come of them. */
import fc from 'fast-check';
import { LayoutError } from '../../src/btf/error.js';

/** The seed cut off, with bytes or 32-bit words overwritten; now and then something unrelated. */
export function damaged(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  const position = fc.nat({ max: seed.length - 1 });
  const word = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, seed.length));
  const edits = fc.array(fc.tuple(position, word, fc.constantFrom(1, 2, 4)), { maxLength: 6 });
  const length = fc.oneof({ weight: 4, arbitrary: fc.constant(seed.length) }, { weight: 1, arbitrary: position });
  const variation = fc.tuple(edits, length).map(([list, kept]) => edit(seed, list).subarray(0, kept));
  return fc.oneof({ weight: 9, arbitrary: variation }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 512 }) });
}

/** A value or a LayoutError; anything else fails the property. */
export function valueOrLayoutError(read: () => unknown): boolean {
  try {
    read();
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
  }
  return true;
}

/** At least 10,000 runs, and an end to them all: what hangs fails. */
export const RUNS = { numRuns: 10_000, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true } as const;

function edit(seed: Uint8Array, edits: readonly (readonly [number, number, number])[]): Uint8Array {
  const bytes = Uint8Array.from(seed);
  for (const [at, value, size] of edits) {
    for (let i = 0; i < size && at + i < bytes.length; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
  }
  return bytes;
}
