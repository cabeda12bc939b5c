/** From a snapshot to the report. */
import type { Column, Report } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { skipped } from '../losses.js';
import type { SampleSnapshot } from './aggregate.js';

export const SAMPLE_SORTS = ['calls', 'pid'] as const;

const COLUMNS: readonly Column[] = [
  { key: 'name', title: 'PROCESS', unit: 'text', description: 'name of the thread that called last' },
  { key: 'pid', title: 'PID', unit: 'pid', description: 'process id' },
  { key: 'calls', title: 'CALLS', unit: 'count', description: 'calls of getppid(2)' },
];

export function sampleReport(snapshot: SampleSnapshot, options: ReportOptions): Report {
  const { hits, lost } = snapshot;
  const rows = [...snapshot.processes].map(([pid, { name, calls }]) => ({ name, pid, calls }));
  rows.sort((a, b) => (options.sort === 'pid' ? 0 : b.calls - a.calls) || a.pid - b.pid);
  const aggregated = rows.reduce((sum, { calls }) => sum + calls, 0);
  const shown = rows.slice(0, options.rows);
  const empty = rows.length === 0 ? { empty: 'No process called getppid(2), or the filters match nothing.' } : {};
  return {
    schemaVersion: 1,
    header: { tool: 'sample', ...options.header, accounting: { hits, aggregated, inFlight: 0, filtered: 0, dropped: lost } },
    losses: [
      { reason: 'totals-full', count: lost, meaning: 'calls are in no row: the table of processes is full' },
      skipped(options.skippedRuns, 'calls'),
    ],
    sections: [{ id: 'processes', title: 'Calls of getppid(2)', columns: COLUMNS, rows: shown, hiddenRows: rows.length - shown.length, ...empty }],
    finding: findingOf(rows[0], aggregated),
    next: [],
  };
}

function findingOf(first: { readonly name: string; readonly pid: number; readonly calls: number } | undefined, all: number): string[] {
  if (!first) return [];
  return [`${first.name} (${first.pid}) made ${first.calls} of ${all} calls.`];
}
