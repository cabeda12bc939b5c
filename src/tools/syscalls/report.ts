/** From a snapshot to the report: what is stuck, what is slow, and what waits by design. */
import type { SyscallsTask } from '../../generated/syscalls.js';
import { quantile } from '../../report/histogram.js';
import type { Report, Row, Section } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { accountingOf, lossesOf } from './accounting.js';
import { callColumns, INSIDE_COLUMNS } from './columns.js';
import { errnoName } from './errno.js';
import { findingOf, nextOf } from './finding.js';
import type { CallTotals, SyscallsSnapshot } from './model.js';
import type { CallNames } from './names.js';

export const SYSCALLS_SORTS = ['total', 'calls', 'errors', 'mean', 'p99', 'max'] as const;
export type SyscallsSort = (typeof SYSCALLS_SORTS)[number];

const HISTOGRAM_OFFSET = 32; // as in bpf/include/ktrace/totals.bpf.h

/** A thread in a call, and since when. */
export interface Inside extends SyscallsTask {
  readonly name: string;
  readonly age: number;
}

export function syscallsReport(snapshot: SyscallsSnapshot, before: SyscallsSnapshot | undefined, names: CallNames, options: ReportOptions): Report {
  const calls = [...snapshot.calls].sort(by(options.sort as SyscallsSort));
  const [work, waiting] = [calls.filter(({ waits }) => !waits), calls.filter(({ waits }) => waits)];
  const inside = insideOf(snapshot, names);
  const stuck = inside.filter(({ waits }) => options.all || waits === 0);
  const interval = snapshot.whole ? { intervalNs: Math.max(0, snapshot.takenAt - snapshot.startedAt) } : {};
  return {
    schemaVersion: 1,
    header: { tool: 'syscalls', ...options.header, ...interval, accounting: accountingOf(snapshot) },
    losses: lossesOf(snapshot, before, options),
    sections: [
      insideSection(stuck, inside.length - stuck.length, options),
      callSection('work', 'System calls', work, snapshot, names, options, work.length + waiting.length === 0 ? 'No system call, or the filters match nothing.' : undefined),
      callSection('waiting', 'Waiting by design', waiting, snapshot, names, options),
    ],
    finding: findingOf(stuck, work, snapshot, names),
    next: nextOf(stuck, work, names),
  };
}

const SORT_KEYS: Readonly<Record<SyscallsSort, (call: CallTotals) => number>> = {
  total: ({ totalNs }) => totalNs,
  calls: ({ calls }) => calls,
  errors: ({ errors }) => errors,
  mean: ({ totalNs, calls }) => totalNs / Math.max(1, calls),
  p99: (call) => quantileOf(call, 0.99) ?? 0,
  max: ({ maxNs }) => maxNs,
};

function by(sort: SyscallsSort): (a: CallTotals, b: CallTotals) => number {
  const key = SORT_KEYS[sort];
  return (a, b) => key(b) - key(a) || Number(a.compat) - Number(b.compat) || a.nr - b.nr || Number(a.id - b.id);
}

const histogramOf = ({ histogram }: CallTotals) => ({ scale: 2 as const, offset: HISTOGRAM_OFFSET, counts: histogram });
const quantileOf = (call: CallTotals, q: number): number | null => quantile(histogramOf(call), q, call.maxNs > 0 ? { max: call.maxNs } : {});

export function nameOf(names: CallNames, nr: number, compat: boolean): string {
  return compat ? `${names.name(nr, true)} (32 bit)` : names.name(nr, false);
}

function callSection(id: string, title: string, calls: readonly CallTotals[], snapshot: SyscallsSnapshot, names: CallNames, { rows }: ReportOptions, empty?: string): Section {
  const shown = calls.slice(0, rows).map((call) => callRow(call, snapshot, names));
  const section = { id, title, columns: callColumns(snapshot.by), rows: shown, hiddenRows: calls.length - shown.length };
  return empty === undefined ? section : { ...section, empty };
}

function callRow(call: CallTotals, snapshot: SyscallsSnapshot, names: CallNames): Row {
  const { nr, compat, id } = call;
  const errors = snapshot.errors.filter((error) => error.nr === nr && error.compat === compat && error.id === id);
  return {
    ...(snapshot.by === 'syscall' ? {} : { who: whoIs(snapshot, id) }),
    syscall: nameOf(names, nr, compat),
    calls: call.calls,
    errors: call.errors,
    total: call.totalNs,
    share: call.totalNs / Math.max(1, snapshot.takenAt - snapshot.startedAt),
    mean: Math.round(call.totalNs / call.calls),
    p50: quantileOf(call, 0.5),
    p95: quantileOf(call, 0.95),
    p99: quantileOf(call, 0.99),
    max: call.maxNs > 0 ? call.maxNs : null,
    errnos: call.errors === 0 ? [] : errors.sort((a, b) => b.count - a.count).map(({ error, count }) => ({ name: errnoName(error), count })),
    histogram: histogramOf(call),
    nr,
    compat: compat ? 'yes' : 'no',
    died: call.died,
  };
}

function whoIs({ by: kind, threads }: SyscallsSnapshot, id: bigint): string {
  if (kind === 'cgroup') return `cgroup ${id}`;
  const name = threads.get(Number(id))?.comm;
  return name === undefined ? String(id) : `${name} (${id})`;
}

/** The oldest first. */
function insideOf({ inside, takenAt }: SyscallsSnapshot, names: CallNames): Inside[] {
  const age = ({ state, now, sleeping, clockNow, lastRan }: SyscallsTask): number => {
    const known = Math.max(0, Math.min(now, takenAt) - state.begin);
    return state.preexisting && sleeping && lastRan > 0 ? Math.max(known, clockNow - lastRan) : known;
  };
  const found = inside.map((task) => ({ ...task, name: nameOf(names, task.state.nr, task.state.compat !== 0), age: age(task) }));
  return found.sort((a, b) => b.age - a.age || a.tid - b.tid);
}

function insideSection(stuck: readonly Inside[], hidden: number, { rows }: ReportOptions): Section {
  const shown = stuck.slice(0, rows).map(
    (task): Row => ({
      thread: task.comm,
      tid: task.tid,
      pid: task.tgid,
      syscall: task.name,
      age: task.age,
      argument: task.nr === task.state.nr ? hex(task.args[0] ?? 0) : '',
      beforeTracing: task.state.preexisting ? 'yes' : 'no',
      designed: task.waits ? 'yes' : 'no',
      args: task.nr === task.state.nr ? task.args.map(hex).join(', ') : '',
    }),
  );
  const title = hidden > 0 ? `In a call now (${hidden} more wait by design: --all)` : 'In a call now';
  return { id: 'inFlight', title, columns: INSIDE_COLUMNS, rows: shown, hiddenRows: stuck.length - shown.length };
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
