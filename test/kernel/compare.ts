/** A report of `ktrace futex` held against what the program saw itself. */
import type { Test } from 'tap';
import type { Share } from '../../src/report/model.js';
import type { CallRow, DuelTruth, FutexReport, LockRow, Times } from './futex-model.js';
import { alike, loss, onceMore, slack } from './losses.js';
import { EMULATED } from './machine.js';

/** A duration of ours may miss the time between the program's clock and the system call: this part of the whole. */
const TOLERANCE = EMULATED ? 0.9 : 0.02;
/** And of one call no more than this where the processor is emulated. */
export const LATE_NS = 20e6;
/** One bucket of the histogram. */
export const BUCKET = 2 ** 0.25;

export function only<T>(t: Test, rows: readonly T[], what = 'row'): T {
  t.equal(rows.length, 1, `one ${what}`);
  const [row] = rows;
  if (!row) throw new Error(`no ${what}`);
  return row;
}

export function lockAt(report: FutexReport, address: string, section: 'locks' | 'idle' = 'locks'): LockRow {
  const found = report.sections[section].rows.find((row) => row.address === address);
  if (!found) throw new Error(`no row for ${address} among ${JSON.stringify(report.sections[section].rows.map(({ address: at, kind, place }) => [at, kind, place]))}`);
  return found;
}

/** Outcomes by name, zeros left out. */
export function outcomes(row: LockRow): Record<string, number> {
  return Object.fromEntries(row.outcomes.filter(({ count }) => count > 0).map(({ name, count }) => [name, count]));
}

/** The row of one operation without zeros, `{}` when it never happened. */
export function callsOf(report: FutexReport, op: string): Partial<Omit<CallRow, 'op'>> {
  const row = report.sections.calls.rows.find((each) => each.op === op);
  return Object.fromEntries(Object.entries(row ?? {}).filter(([key, value]) => key !== 'op' && value !== 0));
}

/** Wakes that had begun when tracing ended, as far as the report has them as hits. */
export function wakesUnderWay(report: FutexReport): number {
  const { calls = 0, ...ended } = callsOf(report, 'FUTEX_WAKE');
  return calls - (['woken', 'timedOut', 'neverSlept', 'interrupted', 'errors'] as const).reduce((sum, outcome) => sum + (ended[outcome] ?? 0), 0) - loss(report, 'wakes-unseen');
}

/** Counts exact; times not above what the program saw, and hardly below. */
export function sameTimes(t: Test, row: LockRow, { waits, totalNs, maxNs, p99Ns }: Times, what = 'the program'): void {
  t.equal(row.acquisitions, waits, `as many waits as ${what} counted`);
  t.equal(row.histogram.counts.reduce((sum, n) => sum + n, 0), waits, 'all of them in the histogram');
  sameTotal(t, row.total, totalNs, what, waits);
  t.ok((row.max ?? Infinity) <= maxNs, `longest: ${row.max} ns, not above ${maxNs} ns`);
  const ratio = (row.p99 ?? 0) / p99Ns;
  const isBelow = EMULATED && p99Ns < 10 * LATE_NS ? ratio <= 0 : ratio < 1 / BUCKET;
  if (isBelow) onceMore(t, OFF_CPU);
  t.ok(ratio <= BUCKET && !isBelow, `99th percentile: ${row.p99} ns, within a bucket of ${p99Ns} ns`);
}

/** What makes a duration of the program's longer than the call. */
const OFF_CPU = 'the program was off its CPU between its clock and its call';

/** `waits`: of how many it is the total, where it is known. */
export function sameTotal(t: Test, total: number, totalNs: number, what = 'the program', waits = Infinity): void {
  const missed = Math.min(TOLERANCE * totalNs, EMULATED ? waits * LATE_NS : Infinity);
  const isBelow = total < totalNs - missed;
  if (isBelow) onceMore(t, OFF_CPU);
  t.ok(total <= totalNs && !isBelow, `total: ${total} ns, at most ${missed} ns below ${totalNs} ns of ${what}`);
}

/** `[[name, tid, count], …]` of shares whose parts add up to the whole. */
export function people(shares: readonly Share[]): [string, number, number][] {
  return shares.map(({ name, tid, count }) => [name, tid, count]);
}

/** A lock that one thread held and another waited for, as most workloads have it. */
export function sameDuel(t: Test, row: LockRow, truth: Times & Pick<DuelTruth, 'threads' | 'holder'>, sleeps = truth.waits): void {
  sameTimes(t, row, truth);
  t.equal(row.sleeps, sleeps, 'one sleep each');
  const name = (tid: number): string => truth.threads.find((thread) => thread.tid === tid)?.name ?? '';
  const waiters = truth.threads.filter(({ waits }) => waits > 0);
  t.strictSame(people(row.waiters).sort(), waiters.map(({ name, tid, waits }) => [name, tid, waits]).sort(), 'who waited');
  t.strictSame(people(row.holders), [[name(truth.holder), truth.holder, sleeps]], 'who held it');
  t.strictSame(people(row.releasers), [[name(truth.holder), truth.holder, sleeps]], 'who released it');
  t.equal(row.holders[0]?.share, 1);
}

/** The row of FUTEX_WAKE; where ends of wakes were not seen, what they did is not known. */
export function sameWakes(t: Test, report: FutexReport, expected: Partial<Omit<CallRow, 'op'>>, what = 'wakes'): void {
  const found = callsOf(report, 'FUTEX_WAKE');
  if (slack(t, report) === 0) t.strictSame(found, expected, what);
  else for (const key of ['calls', 'woken', 'neverSlept', 'threads'] as const) alike(t, report, found[key] ?? 0, expected[key] ?? 0, `${what} ${key}`);
}
