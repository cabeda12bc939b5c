/** How much a tool keeps in the kernel. */
export interface Limits {
  /** Rows of the table of locks (or what the tool counts). */
  readonly maxKeys: number;
  /** Bytes of the ring, a power of two. */
  readonly ringBytes: number;
}

export const DEFAULT_KEYS = 4096;
const MOST_KEYS = 1 << 20;
const DEFAULT_RING_BYTES = 4 << 20;
const LEAST_RING_BYTES = 4096;
const MOST_RING_BYTES = 1 << 30;

/** Of positive integers, those that the kernel takes: a ring's size is rounded up to a power of two of at least a page. */
export function limits(maxKeys = DEFAULT_KEYS, ringBytes = DEFAULT_RING_BYTES): Limits {
  return {
    maxKeys: Math.min(MOST_KEYS, maxKeys),
    ringBytes: Math.min(MOST_RING_BYTES, Math.max(LEAST_RING_BYTES, 2 ** Math.ceil(Math.log2(ringBytes)))),
  };
}
