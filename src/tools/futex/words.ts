import type { Evidence } from './model.js';

/** Reads 32-bit words at signed byte distances from the futex word; undefined outside of what was captured. */
export type Words = (distance: number) => number | undefined;

export function wordsOf({ bytes, before }: Evidence): Words {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (distance) => {
    const at = before + distance;
    return at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : undefined;
  };
}
