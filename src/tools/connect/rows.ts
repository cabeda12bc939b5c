/** What became of attempts, by destination, process, cgroup or port. Pure: no clock, no I/O. */
import { bucketOf } from '../../report/buckets.js';
import { count, less, OTHERS, type Counts } from '../../report/counts.js';
import { endOf } from './records.js';
import type { By, CloseRecord, ConnectEventRecord, ConnectRecord, Outcome } from './model.js';
import { endpointText } from './nets.js';

const SLOTS = 200; // buckets up to 2^50 ns
const MOST_CAUSES = 400; // more than there are: some 130 errors with three outcomes each

export interface ConnectTotals {
  readonly key: string;
  readonly attempts: number;
  readonly outcomes: Counts;
  /** Errors of attempts that failed: `OUTCOME ERROR`, as in `unsent EADDRNOTAVAIL`. */
  readonly causes: Counts;
  /** Processes; by process, destinations. */
  readonly others: Counts;
  readonly retransmits: number;
  readonly longestNs: number;
  /** Of attempts that connected, by bucket + 1. */
  readonly latencies: readonly number[];
  /** Of those that gave up, the longest time until then. */
  readonly gaveUpNs: number;
  /** Both maxima since the last interval. */
  readonly recent: Maxima;
  /** Of connections that are over: how they ended, and what was in them. */
  readonly ends: Counts;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

type Maxima = Readonly<Record<'longestNs' | 'gaveUpNs', number>>;

interface Mutable {
  recent: Record<keyof Maxima, number>;
  attempts: number;
  readonly outcomes: Map<string, number>;
  readonly causes: Map<string, number>;
  readonly others: Map<string, number>;
  retransmits: number;
  longestNs: number;
  readonly latencies: number[];
  gaveUpNs: number;
  readonly ends: Map<string, number>;
  sentBytes: number;
  receivedBytes: number;
}

type Who = Pick<ConnectRecord, 'pid' | 'process' | 'cgroup' | 'address' | 'port'>;

export function keyOf(by: By, { pid, process, cgroup, address, port }: Who): string {
  switch (by) {
    case 'dest': return endpointText({ address, port });
    case 'process': return `${process} (${pid})`;
    case 'cgroup': return cgroup;
    case 'port': return `port ${port}`;
  }
}

export class Rows {
  readonly #rows = new Map<string, Mutable>();
  /** Attempts in no row: the table is full. */
  full = 0;
  aggregated = 0;

  constructor(
    private readonly by: By,
    private readonly most: number,
  ) {}

  add(record: ConnectEventRecord): void {
    const row = this.#of(keyOf(this.by, record));
    if (record.type === 'close') return row && addClose(row, record);
    if (!row) return void this.full++;
    const { outcome, error, retransmits, tookNs, beforeTracing } = record;
    this.aggregated++;
    row.attempts++;
    row.retransmits += retransmits;
    count(row.outcomes, outcome);
    if (outcome !== 'connected' && error !== null) count(row.causes, `${outcome} ${error}`, 1, MOST_CAUSES);
    count(row.others, this.by === 'process' ? keyOf('dest', record) : keyOf('process', record));
    if (beforeTracing) return;
    if (outcome === 'gaveUp') raise(row, 'gaveUpNs', tookNs);
    if (outcome !== 'connected') return;
    raise(row, 'longestNs', tookNs);
    const slot = Math.min(SLOTS - 1, bucketOf(tookNs) + 1);
    row.latencies[slot] = (row.latencies[slot] ?? 0) + 1;
  }

  #of(key: string): Mutable | undefined {
    const known = this.#rows.get(key);
    if (known || this.#rows.size >= this.most) return known;
    const made: Mutable = { attempts: 0, outcomes: new Map(), causes: new Map(), others: new Map(), retransmits: 0, longestNs: 0, latencies: Array<number>(SLOTS).fill(0), gaveUpNs: 0, recent: { longestNs: 0, gaveUpNs: 0 }, ends: new Map(), sentBytes: 0, receivedBytes: 0 };
    this.#rows.set(key, made);
    return made;
  }

  /** What comes from now on is of the next interval. */
  nextInterval(): void {
    for (const row of this.#rows.values()) row.recent = { longestNs: 0, gaveUpNs: 0 };
  }

  /** A copy. */
  snapshot(): ConnectTotals[] {
    return [...this.#rows].map(([key, { outcomes, causes, others, ends, latencies, recent, ...rest }]) => ({ key, ...rest, recent: { ...recent }, outcomes: new Map(outcomes), causes: new Map(causes), others: new Map(others), ends: new Map(ends), latencies: [...latencies] }));
  }
}

function raise(row: Mutable, which: keyof Maxima, ns: number): void {
  row[which] = Math.max(row[which], ns);
  row.recent[which] = Math.max(row.recent[which], ns);
}

function addClose(row: Mutable, record: CloseRecord): void {
  row.sentBytes += record.sentBytes;
  row.receivedBytes += record.receivedBytes;
  count(row.ends, endOf(record));
}

/** What came between two snapshots, of which the first was followed by nextInterval(). */
export function since(before: readonly ConnectTotals[], now: readonly ConnectTotals[]): ConnectTotals[] {
  const earlier = new Map(before.map((totals) => [totals.key, totals]));
  return now.map((totals) => minus(totals, earlier.get(totals.key))).filter(({ attempts, ends }) => attempts > 0 || ends.size > 0);
}

function minus(now: ConnectTotals, before: ConnectTotals | undefined): ConnectTotals {
  if (!before) return now;
  return {
    key: now.key,
    attempts: now.attempts - before.attempts,
    retransmits: now.retransmits - before.retransmits,
    ...now.recent,
    recent: now.recent,
    outcomes: less(now.outcomes, before.outcomes),
    causes: less(now.causes, before.causes),
    others: less(now.others, before.others),
    ends: less(now.ends, before.ends),
    sentBytes: now.sentBytes - before.sentBytes,
    receivedBytes: now.receivedBytes - before.receivedBytes,
    latencies: now.latencies.map((n, i) => n - (before.latencies[i] ?? 0)),
  };
}

/** Attempts that neither connected nor are still on their way. */
export const failedOf = ({ attempts, outcomes }: Pick<ConnectTotals, 'attempts' | 'outcomes'>): number => attempts - (outcomes.get('connected') ?? 0);

/** Causes by error alone. */
export function errorsOf(causes: Counts): Counts {
  const errors = new Map<string, number>();
  for (const [cause, times] of causes) count(errors, cause === OTHERS ? OTHERS : cause.slice(cause.indexOf(' ') + 1), times);
  return errors;
}

/** How many of them belong to each row. */
export const countBy = (by: By, pending: readonly Who[]): Counts => {
  const counts = new Map<string, number>();
  for (const each of pending) counts.set(keyOf(by, each), (counts.get(keyOf(by, each)) ?? 0) + 1);
  return counts;
};

export const OUTCOME_NAMES: Readonly<Record<Outcome, string>> = { connected: 'connected', refused: 'refused', timedOut: 'timed out', unreachable: 'unreachable', gaveUp: 'gave up', unsent: 'failed before the first packet', failed: 'failed' };
