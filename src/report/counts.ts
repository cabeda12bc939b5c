/** Counts by name: of what nobody knows the names before. */
import type { Tally } from './model.js';

export type Counts = ReadonlyMap<string, number>;

/** The rest, where there are too many names. */
export const OTHERS = 'others';
const MOST_NAMES = 20; // in one row of a report; the others are one

export function count(counts: Map<string, number>, name: string, times = 1, most = MOST_NAMES): void {
  const key = counts.has(name) || counts.size < most ? name : OTHERS;
  counts.set(key, (counts.get(key) ?? 0) + times);
}

/** What came since `before`. */
export function less(now: Counts, before: Counts): Counts {
  return new Map([...now].map(([name, n]) => [name, n - (before.get(name) ?? 0)] as const).filter(([, n]) => n > 0));
}

/** The most frequent first, and `others` last. */
export function tallyOf(counts: Counts): Tally[] {
  return [...counts].sort(([a, m], [b, n]) => Number(a === OTHERS) - Number(b === OTHERS) || n - m || (a < b ? -1 : 1)).map(([name, count]) => ({ name, count }));
}
