/** From rows of the kernel's tables to totals, and what came between two snapshots. Pure: no clock, no I/O. */
import type { SyscallsError, SyscallsKey, SyscallsRow, SyscallsSlots } from '../../generated/syscalls.js';
import type { CallTotals, ErrorCount, SyscallsSnapshot } from './model.js';

interface TableRow<K, V> {
  readonly key: K;
  readonly values: readonly V[];
}

type Call = Omit<CallTotals, 'calls'> & SyscallsRow;

type Which = Pick<CallTotals, 'id' | 'nr' | 'compat' | 'waits'>;

/** The same for what is counted in one row of a report. */
export const rowOf = ({ id, nr, compat, waits }: Which): string => `${id} ${nr} ${compat} ${waits}`;
const errorOf = (count: ErrorCount): string => `${rowOf(count)} ${count.error}`;

const CALLS_PER_ABI = 512; // as in bpf/syscalls.bpf.h

/** The rows that each CPU has for itself, with what they are of. */
export function cpuCalls(slots: readonly SyscallsSlots[], rows: readonly TableRow<unknown, SyscallsRow>[]): Call[] {
  return slots.flatMap(({ kindOf, taken }, cpu) =>
    rows.slice(0, taken).map(({ values }, slot) => {
      const kind = kindOf[slot] ?? 0;
      const flags = Math.floor(kind / CALLS_PER_ABI);
      return { ...(values[cpu] as SyscallsRow), nr: kind % CALLS_PER_ABI, compat: (flags & 1) !== 0, waits: (flags & 2) !== 0, id: 0n };
    }),
  );
}

/** Errors that are counted in such a row, and not in the table of errors. */
export function firstErrors(calls: readonly Call[]): ErrorCount[] {
  return calls.filter(({ firstErrors: count }) => count > 0).map(({ nr, compat, waits, id, firstError: error, firstErrors: count }) => ({ nr, compat, waits, id, error, count }));
}

export function sharedCalls(rows: readonly TableRow<SyscallsKey, SyscallsRow>[]): Call[] {
  return rows.map(({ key: { nr, compat, waits, id }, values: [value] }) => ({ ...(value as SyscallsRow), nr, compat: compat !== 0, waits: waits !== 0, id }));
}

/** One for each call that rows are kept by; rows without a call are those of CPUs that made none. */
export function totalsOf(calls: readonly Call[]): CallTotals[] {
  const totals = new Map<string, CallTotals>();
  for (const each of calls) {
    const { firstError, firstErrors: counted, ...rest } = each;
    const call = { ...rest, calls: each.histogram.reduce((sum, count) => sum + count, 0) };
    const text = rowOf(call);
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
    preexisting: a.preexisting + b.preexisting,
    totalNs: a.totalNs + b.totalNs,
    maxNs: Math.max(a.maxNs, b.maxNs),
    histogram: a.histogram.map((count, i) => count + (b.histogram[i] ?? 0)),
  };
}

export function sharedErrors(rows: readonly TableRow<SyscallsError, { readonly value: number }>[]): ErrorCount[] {
  return rows.map(({ key: { key: { nr, compat, waits, id }, error }, values: [count] }) => ({ nr, compat: compat !== 0, waits: waits !== 0, id, error, count: count?.value ?? 0 }));
}

/** One for each call and error. */
export function errorsOf(counts: readonly ErrorCount[]): ErrorCount[] {
  const sums = new Map<string, ErrorCount>();
  for (const each of counts) {
    const text = errorOf(each);
    sums.set(text, { ...each, count: each.count + (sums.get(text)?.count ?? 0) });
  }
  return [...sums.values()];
}

/** Exact differences: nothing is deleted in between. A maximum that did not grow is not known for the interval: 0. */
export function since(before: SyscallsSnapshot, now: SyscallsSnapshot): SyscallsSnapshot {
  const calls = new Map(before.calls.map((call) => [rowOf(call), call]));
  const errors = new Map(before.errors.map((error) => [errorOf(error), error.count]));
  return {
    ...now,
    whole: now,
    startedAt: before.takenAt,
    calls: now.calls.map((call) => minus(call, calls.get(rowOf(call)))).filter((call) => call.calls > 0),
    errors: now.errors.map((error) => ({ ...error, count: error.count - (errors.get(errorOf(error)) ?? 0) })).filter(({ count }) => count > 0),
  };
}

function minus(now: CallTotals, before: CallTotals | undefined): CallTotals {
  if (!before) return now;
  return {
    ...now,
    calls: now.calls - before.calls,
    errors: now.errors - before.errors,
    died: now.died - before.died,
    preexisting: now.preexisting - before.preexisting,
    totalNs: now.totalNs - before.totalNs,
    maxNs: now.maxNs > before.maxNs ? now.maxNs : 0,
    histogram: now.histogram.map((count, i) => count - (before.histogram[i] ?? 0)),
  };
}
