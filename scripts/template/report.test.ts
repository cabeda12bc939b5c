import t from 'tap';
import { snapshotOf } from '../../../src/tools/sample/aggregate.js';
import { sampleReport } from '../../../src/tools/sample/report.js';
import type { ReportOptions } from '../../../src/tools/contract.js';

const header = {
  version: '0.0.0', startedAt: '2026-01-01T00:00:00Z', durationNs: 1e9, target: 'all processes', filters: [], variant: 'tracepoint',
  attempts: [], limits: [], kernel: '6.1.0', settled: true,
};
const options: ReportOptions = { rows: 10, sort: 'calls', all: false, verbose: false, until: 1e9, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0, header };
const row = (tgid: number, calls: number) => ({ key: { tgid }, values: [{ calls, comm: 'worker' }] });

t.test('processes come by their calls, and the calls add up', (t) => {
  const report = sampleReport(snapshotOf([row(5, 2), row(7, 23)], [26], [1]), options);
  t.strictSame(report.sections[0]?.rows.map(({ pid, calls }) => [pid, calls]), [[7, 23], [5, 2]]);
  t.strictSame(report.header.accounting, { hits: 26, aggregated: 25, inFlight: 0, filtered: 0, dropped: 1 });
  t.strictSame(report.finding, ['worker (7) made 23 of 25 calls.']);
  t.end();
});

t.test('rows that do not fit are counted', (t) => {
  const [section] = sampleReport(snapshotOf([row(5, 2), row(7, 23)], [25], [0]), { ...options, rows: 1, sort: 'pid' }).sections;
  t.strictSame([section?.rows.map(({ pid }) => pid), section?.hiddenRows], [[5], 1]);
  t.end();
});

t.test('an empty report says why', (t) => {
  const report = sampleReport(snapshotOf([], [0], [0]), options);
  t.match(report.sections[0]?.empty, /No process called/);
  t.strictSame(report.finding, []);
  t.end();
});
