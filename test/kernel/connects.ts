/** `ktrace connect` in tests: its events and reports, and a program that knows what became of its attempts. */
import type { Test } from 'tap';
import type { Loss, Tally } from '../../src/report/model.js';
import { isKept } from '../../src/source/targets.js';
import type { FutexReport } from './futex-model.js';
import { accounts, loss, onceMore } from './losses.js';
import { workload, type Workload } from './processes.js';
import { ktrace, type Tracer } from './tracer.js';

export interface ConnectLine {
  readonly type: 'connect' | 'close';
  readonly time: number;
  readonly pid: number;
  readonly tid: number;
  readonly uid: number;
  readonly thread: string;
  readonly cgroup: string;
  readonly address: string;
  readonly port: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly retransmits: number;
  readonly error: string | null;
  readonly outcome?: string;
  readonly tookNs?: number;
  readonly beforeTracing?: boolean;
  readonly closedBy?: string;
  readonly reset?: string | null;
  readonly durationNs?: number;
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  readonly rttNs?: number | null;
}

export interface DestinationRow {
  readonly key: string;
  readonly attempts: number;
  readonly failed: number;
  readonly p50: number | null;
  readonly longest: number | null;
  readonly outcomes: readonly Tally[];
  readonly errors: readonly Tally[];
  readonly others: readonly Tally[];
  readonly pending: number;
  readonly open: number | null;
  readonly sentBytes: number | null;
  readonly ends: readonly Tally[];
  readonly histogram: { readonly counts: readonly number[] };
}

export interface ConnectReport {
  readonly header: FutexReport['header'];
  readonly losses: readonly Loss[];
  readonly sections: { readonly attempts: { readonly rows: readonly DestinationRow[] }; readonly pending: { readonly rows: readonly { readonly pid: number; readonly dest: string; readonly age: number; readonly beforeTracing: string }[] } };
  readonly finding: readonly string[];
}

/** What connect(2) said, or poll(2); `error` a number. `rttNs`: between the SYN and its answer as TCP_INFO has it, to the microsecond; 0 if it has none. */
export interface AttemptTruth {
  readonly kind: string;
  readonly port: number;
  readonly error: number;
  readonly tookNs: number;
  readonly rttNs: number;
  readonly retransmits: number;
}

export interface Attempts {
  readonly attempts: readonly AttemptTruth[];
  readonly tookNs: number;
  readonly open: number;
  readonly open6: number;
  readonly full: number;
}

export const tracing = (t: Test, args: readonly string[]): Promise<Tracer> => ktrace(t, args, { tool: 'connect' }).tracing();

/**
 * `unseen`: attempts without an end. Attempts end in softirqs; a kernel that keeps process 1 from being traced runs no BPF programs above its
 * threads either, and does not count that as skipped: there, once more.
 */
function seesAll(t: Test, unseen: number): void {
  if (unseen > 0 && isKept(1)) onceMore(t, `${unseen} ends unseen, and this kernel runs no programs above process 1`);
}

/** A report alone. */
export function reportOf(t: Test, text: string, losses: readonly string[] = []): ConnectReport {
  const report = JSON.parse(text) as ConnectReport;
  if (!losses.includes('stale')) seesAll(t, loss(report, 'stale'));
  accounts(t, report, losses);
  return report;
}

/** Lines of JSON: events, and the report after them, of attempts that are all over. */
export function linesOf(t: Test, text: string, losses: readonly string[] = []): { report: ConnectReport; events: readonly ConnectLine[] } {
  const lines = text.trimEnd().split('\n');
  seesAll(t, (JSON.parse(lines.at(-1) ?? '') as ConnectReport).header.accounting.inFlight);
  const report = reportOf(t, lines.pop() ?? '', losses);
  return { report, events: lines.map((line) => JSON.parse(line) as ConnectLine) };
}

/** How often there is each. */
export function outcomesOf<T>(all: readonly T[], name: (each: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of all) counts[name(each)] = (counts[name(each)] ?? 0) + 1;
  return counts;
}

/** A run of test/workloads/attempts.c under `ktrace connect -o ndjson`. */
export async function tracedAttempts(t: Test, args: readonly string[], options: readonly string[] = []): Promise<{ report: ConnectReport; events: readonly ConnectLine[]; truth: Attempts; target: Workload }> {
  const target = await workload(t, 'attempts', args);
  const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', ...options]);
  target.line();
  const truth = await target.truth<Attempts>();
  return { ...linesOf(t, await tracer.finish(t)), truth, target };
}
