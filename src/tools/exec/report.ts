/** From what happened to the report: programs, and rules that held. */
import { fromSlots } from '../../report/buckets.js';
import { tallyOf, type Counts } from '../../report/counts.js';
import { quantile } from '../../report/histogram.js';
import type { Histogram, Loss, Report, Row, Section } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { backlogFull, skipped, targetsFull } from '../losses.js';
import { ALERT_COLUMNS, PROGRAM_COLUMNS } from './columns.js';
import { findingOf, nextOf } from './finding.js';
import { FIRST_LIFETIME, REPLACED, type ProgramTotals } from './programs.js';

export const EXEC_SORTS = ['execs', 'failed', 'cpu', 'p99', 'peak'] as const;
type ExecSort = (typeof EXEC_SORTS)[number];

/** A rule, and the last process that it held of. */
export interface Alert {
  readonly rule: string;
  readonly count: number;
  readonly pid: number;
  readonly what: string;
  readonly by: string;
}

export interface ExecSnapshot {
  readonly programs: readonly ProgramTotals[];
  readonly alerts: readonly Alert[];
  /** Programs that run, by name. */
  readonly running: Counts;
  readonly durationNs: number;
  readonly counts: {
    /** Execs in the kernel: those that succeeded, and those that failed. */
    readonly hits: number;
    readonly aggregated: number;
    readonly inFlight: number;
    readonly filtered: number;
    /** Execs that the ring had no room for, and ends. */
    readonly lostExecs: number;
    readonly lostEnds: number;
    readonly lostText: number;
    readonly programsFull: number;
    readonly stateless: number;
    readonly targetsFull: number;
  };
}

export function execReport(snapshot: ExecSnapshot, options: ReportOptions, interval: boolean): Report {
  const { counts, programs, alerts, durationNs } = snapshot;
  const { hits, aggregated, inFlight, filtered, lostExecs, programsFull } = counts;
  const held = alerts.reduce((sum, { count }) => sum + count, 0);
  return {
    schemaVersion: 1,
    header: { tool: 'exec', ...options.header, ...(interval ? { intervalNs: durationNs } : {}), accounting: { hits, aggregated, inFlight, filtered, dropped: lostExecs + programsFull } },
    losses: lossesOf(snapshot, options),
    sections: [alertSection(alerts, options), programSection(snapshot, options)],
    finding: findingOf(programs, durationNs, held),
    next: nextOf(programs, durationNs),
  };
}

export function lossesOf({ counts }: ExecSnapshot, { backlogDropped, skippedRuns }: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns'>): Loss[] {
  return [
    { reason: 'ring-full', count: counts.lostExecs, meaning: 'execs in no row: the ring was full (raise --ring-size)' },
    { reason: 'ends-lost', count: counts.lostEnds, meaning: 'ends that were not seen: the ring was full; their CPU time and how they ended are missing' },
    { reason: 'text-lost', count: counts.lostText, meaning: 'pieces of long arguments lost: the ring was full; what is missing is marked with ...' },
    { reason: 'programs-full', count: counts.programsFull, meaning: 'execs in no row: the table is full (raise --max-rows)' },
    targetsFull(counts.targetsFull),
    { reason: 'no-memory', count: counts.stateless, meaning: 'processes whose end is not told: the kernel had no memory for their state' },
    backlogFull(backlogDropped, 'lines'),
    skipped(skippedRuns, 'execs or ends'),
  ];
}

function alertSection(alerts: readonly Alert[], { rows }: ReportOptions): Section {
  const shown = alerts.slice(0, rows);
  return { id: 'alerts', title: 'ALERTS', columns: ALERT_COLUMNS, rows: shown.map((alert): Row => ({ ...alert })), hiddenRows: alerts.length - shown.length };
}

const KEYS: Readonly<Record<ExecSort, (totals: ProgramTotals) => number>> = {
  execs: ({ started }) => started,
  failed: ({ failed }) => failed,
  cpu: ({ cpuNs }) => cpuNs,
  p99: (totals) => quantileOf(totals, 0.99) ?? 0,
  peak: ({ peakBytes }) => peakBytes,
};

const histogramOf = ({ lifetimes }: ProgramTotals): Histogram => fromSlots(lifetimes, FIRST_LIFETIME);
const quantileOf = (totals: ProgramTotals, q: number): number | null => quantile(histogramOf(totals), q, totals.longestNs > 0 ? { max: totals.longestNs } : {});

function programSection({ programs, running, durationNs }: ExecSnapshot, { rows, sort }: ReportOptions): Section {
  const key = KEYS[sort as ExecSort];
  const sorted = [...programs].sort((a, b) => key(b) - key(a) || b.failed - a.failed || (a.program < b.program ? -1 : 1));
  const shown = sorted.slice(0, rows).map((totals): Row => ({
    program: totals.program,
    started: totals.started,
    rate: totals.started / Math.max(durationNs / 1e9, 1e-9),
    failed: totals.failed,
    p50: quantileOf(totals, 0.5),
    p99: quantileOf(totals, 0.99),
    longest: totals.longestNs > 0 ? totals.longestNs : null,
    cpu: totals.ended === (totals.ends.get(REPLACED) ?? 0) ? null : totals.cpuNs,
    peak: totals.peakBytes > 0 ? totals.peakBytes : null,
    ends: tallyOf(totals.ends),
    errors: tallyOf(totals.errors),
    parents: tallyOf(totals.parents),
    triedBy: tallyOf(totals.triedBy),
    partial: totals.partial > 0 ? `at least: ${totals.partial} had not been freed` : null,
    histogram: histogramOf(totals),
    ended: totals.ended,
    running: running.get(totals.program) ?? 0,
  }));
  const empty = programs.length === 0 ? { empty: 'No program was executed, or the filters match nothing.' } : {};
  return { id: 'programs', title: 'Programs', columns: PROGRAM_COLUMNS, rows: shown, hiddenRows: programs.length - shown.length, ...empty };
}
