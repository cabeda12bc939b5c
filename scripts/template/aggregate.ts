/** From rows of the totals map to what the report needs. Pure: no clock, no I/O. */
import type { SampleKey, SampleTotals } from '../../generated/sample.js';

export interface SampleSnapshot {
  /** By process id. */
  readonly processes: ReadonlyMap<number, { readonly name: string; readonly calls: number }>;
  readonly hits: number;
  /** Calls without a row: the map was full. */
  readonly lost: number;
}

export function snapshotOf(
  rows: readonly { readonly key: SampleKey; readonly values: readonly SampleTotals[] }[],
  hits: readonly number[],
  lost: readonly number[],
): SampleSnapshot {
  const entries = rows.flatMap(({ key, values }) => values.map(({ comm, calls }) => [key.tgid, { name: comm, calls }] as const));
  return { processes: new Map(entries), hits: hits[0] ?? 0, lost: lost[0] ?? 0 };
}

/** What came between two snapshots; processes without a call are left out. */
export function since(before: SampleSnapshot, now: SampleSnapshot): SampleSnapshot {
  const entries = [...now.processes].map(([pid, { name, calls }]) => [pid, { name, calls: calls - (before.processes.get(pid)?.calls ?? 0) }] as const);
  return { processes: new Map(entries.filter(([, { calls }]) => calls > 0)), hits: now.hits - before.hits, lost: now.lost - before.lost };
}
