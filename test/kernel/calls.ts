/** `ktrace syscalls` in tests: its reports, and programs that know what they called. */
import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import type { Loss, Tally } from '../../src/report/model.js';
import type { FutexReport } from './futex-model.js';
import { accounts, whole } from './losses.js';
import { workload } from './processes.js';
import { ktrace, type Tracer } from './tracer.js';

export interface CallRow {
  readonly who?: string;
  readonly syscall: string;
  readonly calls: number;
  readonly errors: number;
  readonly total: number;
  readonly max: number;
  readonly died: number;
  readonly errnos: readonly Tally[];
  readonly histogram: { readonly counts: readonly number[] };
}

export interface InsideRow {
  readonly thread: string;
  readonly tid: number;
  readonly syscall: string;
  readonly age: number;
  readonly beforeTracing: string;
  readonly designed: string;
}

export interface SyscallsReport {
  readonly header: FutexReport['header'];
  readonly losses: readonly Loss[];
  readonly sections: Readonly<Record<'inFlight' | 'work' | 'waiting', { readonly rows: readonly (CallRow | InsideRow)[] }>>;
}

export interface Storm {
  readonly rounds: number;
}

export interface CallEvent {
  readonly pid: number;
  readonly tid: number;
  readonly syscall: string;
  readonly arguments: readonly string[] | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly tookNs: number;
}

export interface Classes {
  readonly calls: readonly { readonly class: string; readonly name: string; readonly failed: number }[];
}

/** Calls of a second class. */
export const ALSO: Readonly<Record<string, readonly string[]>> = { file: ['execve'], signal: ['kill'], memory: ['shmdt'], desc: ['openat', 'faccessat', 'fchmodat'] };

export interface Calls {
  readonly count: number;
  readonly pid: number;
  readonly stays: number;
  readonly sleepsNs: number;
}

export const rows = <T extends CallRow | InsideRow>({ sections }: SyscallsReport, id: keyof SyscallsReport['sections']): readonly T[] => sections[id].rows as readonly T[];
export const tracing = (t: Test, args: readonly string[]): Promise<Tracer> => ktrace(t, ['-o', 'json', ...args], { tool: 'syscalls' }).tracing();

/** The program `name` under ktrace; `figures` of the report have to be `wanted`, which depends on what the program saw of itself. */
export async function counted<T = Calls>(t: Test, options: readonly string[], figures: (report: SyscallsReport) => unknown, wanted: (truth: T) => unknown, name = 'calls'): Promise<{ report: SyscallsReport; truth: T }> {
  const run = async (): Promise<{ report: SyscallsReport; truth: T }> => {
    const target = await workload(t, name);
    const tracer = await tracing(t, ['-p', String(target.pid), ...options]);
    target.line();
    const truth = await target.truth<T>();
    return { report: await reportOf(t, tracer), truth };
  };
  const found = await whole(t, run, ({ report, truth }) => isDeepStrictEqual(figures(report), wanted(truth)));
  t.strictSame(figures(found.report), wanted(found.truth), options.join(' '));
  return found;
}

export async function reportOf(t: Test, tracer: Tracer, signal: NodeJS.Signals | null = 'SIGINT'): Promise<SyscallsReport> {
  const report = JSON.parse(await tracer.finish(t, signal)) as SyscallsReport;
  accounts(t, report);
  return report;
}

/** Lines of JSON: events, and the report after them. */
export function eventsOf(text: string): { report: SyscallsReport; events: readonly CallEvent[] } {
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
  return { report: lines.pop() as SyscallsReport, events: lines as CallEvent[] };
}

/** `[calls, errors by name]` of a call; undefined when it was never made. */
export function counts(report: SyscallsReport, section: 'work' | 'waiting', syscall: string): [number, Record<string, number>] | undefined {
  const row = rows<CallRow>(report, section).find((each) => each.syscall === syscall);
  return row && [row.calls, Object.fromEntries(row.errnos.map(({ name, count }) => [name, count]))];
}
