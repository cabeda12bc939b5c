/** From a snapshot to the report: what is stuck, what is slow, and what waits by design. */
import type { SyscallsTask } from '../../generated/syscalls.js';
import { FIRST_BUCKET, fromSlots } from '../../report/buckets.js';
import { quantile } from '../../report/histogram.js';
import type { Histogram, Report, Row, Section } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { rowOf } from './aggregate.js';
import { accountingOf, lossesOf } from './accounting.js';
import { argumentsOf, mainArgument, type Meaning } from './arguments.js';
import { callColumns, INSIDE_COLUMNS } from './columns.js';
import { errnoName } from '../errno.js';
import { findingOf, hangs, isHanging, nextOf } from './finding.js';
import type { CallTotals, ErrorCount, SyscallsSnapshot } from './model.js';
import type { CallNames } from '../call-names.js';

export const SYSCALLS_SORTS = ['total', 'calls', 'errors', 'mean', 'p99', 'max'] as const;
export type SyscallsSort = (typeof SYSCALLS_SORTS)[number];

/** A thread in a call, and since when. */
export interface Inside extends SyscallsTask {
  readonly name: string;
  readonly age: number;
}

/** What the report asks of the world: names of what numbers stand for. */
export interface World {
  /** For the process of this id. */
  meaning(pid: number, compat: boolean): Meaning;
  cgroup(id: bigint): string | undefined;
  /** Say by which rule a call waits by design. */
  readonly explain: boolean;
}

const RULE: readonly string[] = [
  'These calls are there to wait: epoll_wait, poll, select, nanosleep, accept, wait4, pause, rt_sigtimedwait, futex_wait and their kin, whatever their arguments;',
  'futex with an operation that waits, such as FUTEX_WAIT (FUTEX_WAKE is work);',
  'reads (read, readv, recvfrom, recvmsg and the like) of a pipe, a socket, a terminal, or what notifies (eventfd, timerfd, inotify), which took a millisecond or more.',
  'All other time is work, also that of a read of a file, of a lock on a file, of fsync and of a write to a full pipe.',
];

/** With the arguments of its call as text; undefined where its registers are of another call by now. */
export interface Described extends Inside {
  readonly texts: readonly string[] | undefined;
}

export function syscallsReport(snapshot: SyscallsSnapshot, before: SyscallsSnapshot | undefined, names: CallNames, options: ReportOptions, world: World): Report {
  const calls = [...snapshot.calls].sort(by(options.sort as SyscallsSort));
  const [work, waiting] = [calls.filter(({ waits }) => !waits), calls.filter(({ waits }) => waits)];
  const inside = insideOf(snapshot, names);
  const quiet = calls.length === 0 && inside.every(({ waits }) => waits !== 0); // then those who wait are all there is to see
  const isShown = ({ waits }: Inside): boolean => options.all || quiet || waits === 0;
  const stuck = inside.filter(isShown);
  const described = stuck.slice(0, options.rows).map((task) => describe(task, names, world));
  const oldest = stuck.filter(({ waits }) => quiet || waits === 0).slice(0, 1).map((task) => describe(task, names, world));
  const section = (id: 'work' | 'waiting', title: string, of: readonly CallTotals[]): Section => callSection(id, title, of, snapshot, names, options, world);
  const nothing = calls.length === 0 ? { empty: inside.length > 0 ? 'No system call has ended.' : 'No system call, or the filters match nothing.' } : {};
  const story = world.explain ? { story: RULE } : {};
  const interval = snapshot.whole ? { intervalNs: Math.max(0, snapshot.takenAt - snapshot.startedAt) } : {};
  return {
    schemaVersion: 1,
    header: { tool: 'syscalls', ...options.header, ...interval, accounting: accountingOf(snapshot) },
    losses: lossesOf(snapshot, before, options),
    sections: [
      insideSection(described, stuck.length, inside.filter((task) => !isShown(task)), names, options),
      { ...section('work', 'System calls', work), ...nothing },
      { ...section('waiting', 'Waiting by design', waiting), ...story },
    ],
    finding: findingOf(oldest, work, snapshot, names),
    next: nextOf(oldest, inside, work, snapshot, names, options.header.target),
  };
}

function describe(task: Inside, names: CallNames, world: World): Described {
  const compat = task.state.compat !== 0;
  return { ...task, texts: task.nr === task.state.nr ? argumentsOf(names.name(task.nr, compat), task.args, world.meaning(task.tgid, compat)) : undefined };
}

const MOST_HANGING = 5;

/** One sentence for each thread that has been in work for long already, the oldest first. */
export function hangingNow(inside: readonly SyscallsTask[], now: number, names: CallNames, world: World): string[] {
  const hanging = insideOf({ inside, takenAt: now }, names).filter(isHanging);
  const rest = hanging.length - MOST_HANGING;
  return [...hanging.slice(0, MOST_HANGING).map((task) => hangs(describe(task, names, world))), ...(rest > 0 ? [`${rest} more threads have been in a call for more than a second.`] : [])];
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
  return (a, b) => key(b) - key(a) || b.totalNs - a.totalNs || Number(a.compat) - Number(b.compat) || a.nr - b.nr || Number(a.id - b.id);
}

const histogramOf = ({ histogram }: CallTotals): Histogram => fromSlots(histogram, FIRST_BUCKET);
const quantileOf = (call: CallTotals, q: number): number | null => quantile(histogramOf(call), q, { first: FIRST_BUCKET, ...(call.maxNs > 0 ? { max: call.maxNs } : {}) });

export function nameOf(names: CallNames, nr: number, compat: boolean): string {
  return compat ? `${names.name(nr, true)} (32 bit)` : names.name(nr, false);
}

function callSection(id: string, title: string, calls: readonly CallTotals[], snapshot: SyscallsSnapshot, names: CallNames, { rows }: ReportOptions, world: World): Section {
  const errors = new Map<string, ErrorCount[]>();
  for (const error of snapshot.errors) errors.set(rowOf(error), [...(errors.get(rowOf(error)) ?? []), error]);
  const shown = calls.slice(0, rows).map((call) => callRow(call, errors, snapshot, names, world));
  return { id, title, columns: callColumns(snapshot.by), rows: shown, hiddenRows: calls.length - shown.length };
}

function callRow(call: CallTotals, errors: ReadonlyMap<string, ErrorCount[]>, snapshot: SyscallsSnapshot, names: CallNames, world: World): Row {
  const { nr, compat, id } = call;
  return {
    ...(snapshot.by === 'syscall' ? {} : { who: whoIs(snapshot, id, world) }),
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
    errnos: (errors.get(rowOf(call)) ?? []).sort((a, b) => b.count - a.count).map(({ error, count }) => ({ name: errnoName(error), count })),
    longer: call.preexisting === 0 ? [] : [{ name: 'tracing', count: call.preexisting }],
    histogram: histogramOf(call),
    nr,
    compat: compat ? 'yes' : 'no',
    died: call.died,
  };
}

function whoIs({ by: kind, threads }: SyscallsSnapshot, id: bigint, world: World): string {
  if (kind === 'cgroup') return world.cgroup(id) ?? `cgroup ${id}`;
  const name = threads.get(Number(id))?.comm;
  return name === undefined ? String(id) : `${name} (${id})`;
}

/** The oldest first. */
function insideOf({ inside, takenAt }: Pick<SyscallsSnapshot, 'inside' | 'takenAt'>, names: CallNames): Inside[] {
  const age = ({ state, now, sleeping, clockNow, lastRan }: SyscallsTask): number => {
    const known = Math.max(0, Math.min(now, takenAt) - state.begin);
    return state.preexisting && sleeping && lastRan > 0 ? Math.max(known, clockNow - lastRan) : known;
  };
  const found = inside.map((task) => ({ ...task, name: nameOf(names, task.state.nr, task.state.compat !== 0), age: age(task) }));
  return found.sort((a, b) => b.age - a.age || a.tid - b.tid);
}

const MOST_NAMES = 5;

/** `futex 12, epoll_wait 3, …` */
function tally(inside: readonly Inside[]): string {
  const counts = new Map<string, number>();
  for (const { name } of inside) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
  return [...sorted.slice(0, MOST_NAMES), ...(sorted.length > MOST_NAMES ? ['…'] : [])].join(', ');
}

function insideSection(stuck: readonly Described[], count: number, hidden: readonly Inside[], names: CallNames, { rows }: ReportOptions): Section {
  const shown = stuck.slice(0, rows).map(
    (task): Row => ({
      thread: task.comm,
      tid: task.tid,
      pid: task.tgid,
      syscall: task.name,
      age: task.age,
      argument: task.texts ? mainArgument(names.name(task.nr, task.state.compat !== 0), task.texts) : '',
      beforeTracing: task.state.preexisting ? 'yes' : 'no',
      designed: task.waits ? 'yes' : 'no',
      args: task.texts?.join(', ') ?? '',
    }),
  );
  const section = { id: 'inFlight', title: 'In a call now', columns: INSIDE_COLUMNS, rows: shown, hiddenRows: count - shown.length };
  return hidden.length === 0 ? section : { ...section, story: [`${hidden.length} wait by design (--all shows them): ${tally(hidden)}`] };
}
