/** From what became of attempts to the report. */
import { fromSlots } from '../../report/buckets.js';
import { tallyOf } from '../../report/counts.js';
import { quantile } from '../../report/histogram.js';
import type { Histogram, Loss, Report, Row, Section } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { backlogFull, skipped, targetsFull } from '../losses.js';
import { PENDING_COLUMNS, rowColumns } from './columns.js';
import { findingOf } from './finding.js';
import type { By, Outcome, Pending } from './model.js';
import { endpointText } from './nets.js';
import { countBy, errorsOf, failedOf, OUTCOME_NAMES, type ConnectTotals } from './rows.js';

export const CONNECT_SORTS = ['failed', 'attempts', 'p50', 'p99'] as const;
type ConnectSort = (typeof CONNECT_SORTS)[number];

const FIRST_LATENCY = -1; // slot s is bucket s - 1

export interface ConnectSnapshot {
  readonly by: By;
  readonly rows: readonly ConnectTotals[];
  /** The oldest first. */
  readonly pending: readonly Pending[];
  /** With --lifetime: connections that are still there. */
  readonly open: readonly Pending[] | undefined;
  readonly durationNs: number;
  /** Names by address. */
  readonly names: (key: string) => string | null;
  readonly counts: {
    readonly hits: number;
    readonly aggregated: number;
    readonly inFlight: number;
    readonly filtered: number;
    readonly lost: number;
    readonly closesLost: number;
    readonly stale: number;
    readonly attemptsFull: number;
    readonly callless: number;
    readonly rowsFull: number;
    readonly targetsFull: number;
  };
}

export function connectReport(snapshot: ConnectSnapshot, options: ReportOptions, interval: boolean): Report {
  const { by, rows, pending, counts, durationNs } = snapshot;
  const { hits, aggregated, inFlight, filtered, lost, stale, attemptsFull, rowsFull } = counts;
  const sorted = [...rows].sort(order(options.sort as ConnectSort));
  return {
    schemaVersion: 1,
    header: { tool: 'connect', ...options.header, ...(interval ? { intervalNs: durationNs } : {}), accounting: { hits, aggregated, inFlight, filtered, dropped: lost + stale + attemptsFull + rowsFull } },
    losses: lossesOf(snapshot, options),
    sections: [pendingSection(pending, options), rowSection(sorted, snapshot, options)],
    finding: findingOf([...rows].sort(order('failed')), pending, by),
    next: [],
  };
}

export function lossesOf({ counts }: Pick<ConnectSnapshot, 'counts'>, { backlogDropped, skippedRuns }: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns'>): Loss[] {
  return [
    { reason: 'ring-full', count: counts.lost, meaning: 'attempts in no row: the ring was full (raise --ring-size)' },
    { reason: 'closes-lost', count: counts.closesLost, meaning: 'connections whose end is not told: the ring was full' },
    { reason: 'attempts-full', count: counts.attemptsFull, meaning: 'attempts that are not followed: too many at once (raise --max-connections)' },
    { reason: 'no-memory', count: counts.callless, meaning: 'calls whose failure before the first packet would be missing: the kernel had no memory for their state' },
    { reason: 'rows-full', count: counts.rowsFull, meaning: 'attempts in no row: the table is full (raise --max-rows)' },
    { reason: 'stale', count: counts.stale, meaning: 'attempts in no row: their end was not seen' },
    targetsFull(counts.targetsFull),
    backlogFull(backlogDropped, 'lines'),
    skipped(skippedRuns, 'attempts'),
  ];
}

const histogramOf = ({ latencies }: ConnectTotals): Histogram => fromSlots(latencies, FIRST_LATENCY);
const quantileOf = (totals: ConnectTotals, q: number): number | null => quantile(histogramOf(totals), q, totals.longestNs > 0 ? { max: totals.longestNs } : {});

const KEYS: Readonly<Record<ConnectSort, (totals: ConnectTotals) => number>> = {
  failed: failedOf,
  attempts: ({ attempts }) => attempts,
  p50: (totals) => quantileOf(totals, 0.5) ?? 0,
  p99: (totals) => quantileOf(totals, 0.99) ?? 0,
};

function order(sort: ConnectSort): (a: ConnectTotals, b: ConnectTotals) => number {
  const key = KEYS[sort];
  return (a, b) => key(b) - key(a) || (quantileOf(b, 0.95) ?? 0) - (quantileOf(a, 0.95) ?? 0) || (a.key < b.key ? -1 : 1);
}

function pendingSection(pending: readonly Pending[], { rows }: ReportOptions): Section {
  const shown = pending.slice(0, rows).map((each): Row => ({ thread: each.thread, pid: each.pid, dest: endpointText(each), age: each.ageNs, tid: each.tid, beforeTracing: each.beforeTracing ? 'yes' : 'no' }));
  return { id: 'pending', title: 'Still connecting', columns: PENDING_COLUMNS, rows: shown, hiddenRows: pending.length - shown.length };
}

function rowSection(sorted: readonly ConnectTotals[], { by, pending, open, durationNs, names }: ConnectSnapshot, { rows }: ReportOptions): Section {
  const waiting = countBy(by, pending);
  const there = open && countBy(by, open);
  const shown = sorted.slice(0, rows).map((totals): Row => ({
    key: totals.key,
    attempts: totals.attempts,
    failed: failedOf(totals),
    rate: totals.attempts / Math.max(durationNs / 1e9, 1e-9),
    p50: quantileOf(totals, 0.5),
    p95: quantileOf(totals, 0.95),
    p99: quantileOf(totals, 0.99),
    longest: totals.longestNs > 0 ? totals.longestNs : null,
    outcomes: tallyOf(totals.outcomes).map(({ name, count }) => ({ name: OUTCOME_NAMES[name as Outcome], count })),
    errors: tallyOf(errorsOf(totals.causes)),
    others: tallyOf(totals.others),
    name: names(totals.key),
    ends: tallyOf(totals.ends),
    open: there?.get(totals.key) ?? null,
    sentBytes: totals.ends.size > 0 ? totals.sentBytes : null,
    receivedBytes: totals.ends.size > 0 ? totals.receivedBytes : null,
    histogram: histogramOf(totals),
    retransmits: totals.retransmits,
    pending: waiting.get(totals.key) ?? 0,
  }));
  const empty = sorted.length === 0 ? { empty: pending.length > 0 ? 'No attempt is over.' : 'Nobody tried to connect, or the filters match nothing.' } : {};
  return { id: 'attempts', title: 'Attempts to connect', columns: rowColumns(by), rows: shown, hiddenRows: sorted.length - shown.length, ...empty };
}
