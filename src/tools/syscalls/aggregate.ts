/** From rows of the kernel's tables to totals, and what came between two snapshots. Pure: no clock, no I/O. */
import type { SyscallsError, SyscallsKey, SyscallsRow } from '../../generated/syscalls.js';
import type { By, CallTotals, ErrorCount, SyscallsSnapshot } from './model.js';

interface TableRow<K, V> {
  readonly key: K;
  readonly values: readonly V[];
}

const idOf = (key: SyscallsKey, by: By): bigint => (by === 'syscall' ? 0n : key.id);
const textOf = ({ id, nr, compat }: Pick<CallTotals, 'id' | 'nr' | 'compat'>, more: number | boolean): string => `${id} ${nr} ${compat} ${more}`;

/** By syscall each CPU has a row of its own: they are added up. */
export function totalsOf(rows: readonly TableRow<SyscallsKey, SyscallsRow>[], by: By): CallTotals[] {
  const totals = new Map<string, CallTotals>();
  for (const { key, values: [value] } of rows) {
    const call = { ...(value as SyscallsRow), nr: key.nr, compat: key.compat !== 0, waits: key.waits !== 0, id: idOf(key, by) };
    const text = textOf(call, call.waits);
    const other = totals.get(text);
    totals.set(text, other ? add(other, call) : call);
  }
  return [...totals.values()];
}

function add(a: CallTotals, b: CallTotals): CallTotals {
  return {
    ...a,
    calls: a.calls + b.calls,
    errors: a.errors + b.errors,
    died: a.died + b.died,
    totalNs: a.totalNs + b.totalNs,
    maxNs: Math.max(a.maxNs, b.maxNs),
    histogram: a.histogram.map((count, i) => count + (b.histogram[i] ?? 0)),
  };
}

export function errorsOf(rows: readonly TableRow<SyscallsError, { readonly value: number }>[], by: By): ErrorCount[] {
  const counts = new Map<string, ErrorCount>();
  for (const { key: { key, error }, values: [count] } of rows) {
    const call = { nr: key.nr, compat: key.compat !== 0, id: idOf(key, by), error };
    const text = textOf(call, error);
    counts.set(text, { ...call, count: (counts.get(text)?.count ?? 0) + (count?.value ?? 0) });
  }
  return [...counts.values()];
}

/** Exact differences: nothing is deleted in between. A maximum that did not grow is not known for the interval: 0. */
export function since(before: SyscallsSnapshot, now: SyscallsSnapshot): SyscallsSnapshot {
  const calls = new Map(before.calls.map((call) => [textOf(call, call.waits), call]));
  const errors = new Map(before.errors.map((error) => [textOf(error, error.error), error.count]));
  return {
    ...now,
    whole: now,
    startedAt: before.takenAt,
    calls: now.calls.map((call) => minus(call, calls.get(textOf(call, call.waits)))).filter((call) => call.calls > 0),
    errors: now.errors.map((error) => ({ ...error, count: error.count - (errors.get(textOf(error, error.error)) ?? 0) })).filter(({ count }) => count > 0),
  };
}

function minus(now: CallTotals, before: CallTotals | undefined): CallTotals {
  if (!before) return now;
  return {
    ...now,
    calls: now.calls - before.calls,
    errors: now.errors - before.errors,
    died: now.died - before.died,
    totalNs: now.totalNs - before.totalNs,
    maxNs: now.maxNs > before.maxNs ? now.maxNs : 0,
    histogram: now.histogram.map((count, i) => count - (before.histogram[i] ?? 0)),
  };
}
