/** `ktrace exec` in tests: its events and reports, and a program that knows what became of its children. */
import type { Test } from 'tap';
import type { Loss, Tally } from '../../src/report/model.js';
import type { FutexReport } from './futex-model.js';
import { accounts } from './losses.js';
import { workload, type Workload } from './processes.js';
import { ktrace, type Tracer } from './tracer.js';

export interface ExecLine {
  readonly type: 'exec' | 'failed' | 'exit';
  readonly time: number;
  readonly at: string;
  readonly pid: number;
  readonly tid: number;
  readonly uid: number | null;
  readonly comm: string;
  readonly program: string;
  readonly path: string;
  readonly file: string | null;
  readonly interpreter: string | null;
  readonly directory: string;
  readonly argv: readonly string[];
  readonly argvCut: boolean;
  readonly argvUnread: boolean;
  readonly cgroup: string;
  readonly container: string | null;
  readonly deleted: boolean;
  readonly ancestorPids: readonly number[];
  readonly ancestors: readonly string[];
  readonly alerts: readonly string[];
  readonly error?: string;
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly oom?: boolean;
  readonly lifetimeNs?: number;
  readonly cpuNs?: number;
  readonly cpuIsWhole?: boolean;
  readonly isZombie?: boolean;
  readonly peakBytes?: number;
  readonly beforeTracing?: boolean;
  readonly lostBefore: number;
}

export interface ProgramRow {
  readonly program: string;
  readonly started: number;
  readonly rate: number;
  readonly failed: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly longest: number | null;
  readonly cpu: number | null;
  readonly ends: readonly Tally[];
  readonly errors: readonly Tally[];
  readonly parents: readonly Tally[];
  readonly ended: number;
  readonly running: number;
}

export interface AlertRow {
  readonly rule: string;
  readonly count: number;
  readonly pid: number;
}

export interface ExecReport {
  readonly header: FutexReport['header'];
  readonly losses: readonly Loss[];
  readonly sections: { readonly programs: { readonly rows: readonly ProgramRow[] }; readonly alerts: { readonly rows: readonly AlertRow[] } };
  readonly finding: readonly string[];
}

/** What wait4(2) said of one child. */
export interface LifeTruth {
  readonly kind: string;
  readonly pid: number;
  readonly status: number;
  readonly begun: number;
  readonly ended: number;
  readonly cpuNs: number;
  readonly peakBytes: number;
}

export interface Lives {
  readonly pid: number;
  readonly self: string;
  readonly script: string;
  readonly tookNs: number;
  readonly lives: readonly LifeTruth[];
}

export const tracing = (t: Test, args: readonly string[]): Promise<Tracer> => ktrace(t, args, { tool: 'exec' }).tracing();

/** Lines of JSON: events, and the report after them. */
export function linesOf(t: Test, text: string, losses: readonly string[] = []): { report: ExecReport; events: readonly ExecLine[] } {
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
  const report = lines.pop() as ExecReport;
  accounts(t, report, losses);
  return { report, events: lines as ExecLine[] };
}

/** A run of test/workloads/execs.c under `ktrace exec -f -o ndjson --failed`. */
export async function tracedLives(t: Test, args: readonly string[], options: readonly string[] = []): Promise<{ report: ExecReport; events: readonly ExecLine[]; truth: Lives; target: Workload }> {
  const target = await workload(t, 'execs', args);
  const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-o', 'ndjson', '--failed', ...options]);
  target.line();
  const truth = await target.truth<Lives>();
  const found = linesOf(t, await tracer.finish(t));
  return { ...found, truth, target };
}

export const tallied = (tallies: readonly Tally[]): Record<string, number> => Object.fromEntries(tallies.map(({ name, count }) => [name, count]));
