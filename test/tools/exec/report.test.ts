import t from 'tap';
import { golden, plainTable } from '../../render/plain.js';
import { ExecKind, type ExecEvent } from '../../../src/generated/exec.js';
import type { ReportOptions, Tables } from '../../../src/tools/contract.js';
import { Lives } from '../../../src/tools/exec/lives.js';
import { ExecLook } from '../../../src/tools/exec/look.js';
import { Programs, since, type ProgramTotals } from '../../../src/tools/exec/programs.js';
import { execReport, type ExecSnapshot } from '../../../src/tools/exec/report.js';
import { event, MS, processes, textOf } from './events.js';

const OPTIONS: ReportOptions = {
  rows: 10, sort: 'execs', all: false, verbose: false, until: 1e9, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0,
  header: { version: '1', startedAt: '2026-01-01T00:00:00Z', durationNs: 1e9, target: 'all processes', filters: [], variant: 'fentry', attempts: [], limits: [], kernel: '6.12', settled: true },
};
const COUNTS = { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, lostExecs: 0, lostEnds: 0, lostText: 0, programsFull: 0, stateless: 0, targetsFull: 0 };

/** `git` ends with 128 after 5 ms, `count` times. */
function loopOf(count: number, status = 128 << 8, first = 0): ExecEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const process = { tgid: 100 + first + i, processBegan: first + i };
    return [event({ ...process, time: i * MS, bytes: textOf() }), event({ ...process, kind: ExecKind.EXEC_FREED, began: i * MS, time: (i + 5) * MS, status, cpu: 2 * MS, peak: 8 << 20 })];
  }).flat();
}

function tried(count: number): ExecEvent[] {
  return Array.from({ length: count }, (_, i) => event({ kind: ExecKind.EXEC_FAILED, error: 2, tgid: 7000, time: i, bytes: textOf({ path: `/opt/${i % 3}/curl`, interpreter: '', argv: ['curl'] }) }));
}

function totalsOf(events: readonly ExecEvent[], most = 100): Programs {
  const programs = new Programs(most);
  add(programs, events);
  return programs;
}

function add(programs: Programs, events: readonly ExecEvent[]): void {
  for (const news of new Lives(processes()).take(events, true)) programs.add(news);
}

function snapshot(programs: readonly ProgramTotals[], changes: Partial<ExecSnapshot> = {}): ExecSnapshot {
  return { programs, alerts: [], running: new Map(), durationNs: 1e9, counts: COUNTS, ...changes };
}

t.test('programs by what became of them', (t) => {
  const programs = totalsOf([...loopOf(96), ...loopOf(4, 0, 1000), ...tried(9)]);
  t.equal(programs.aggregated, 109);
  const report = execReport(snapshot(programs.snapshot()), OPTIONS, false);
  t.match(report.sections[1]?.rows[0], { program: '/usr/bin/git', started: 100, rate: 100, failed: 0, ended: 100, cpu: 200 * MS, peak: 8 << 20, ends: [{ name: 'exit 128', count: 96 }, { name: 'exit 0', count: 4 }], parents: [{ name: 'worker.js (50)', count: 100 }] });
  t.match(report.sections[1]?.rows[1], { program: 'curl (along PATH)', started: 0, failed: 9, errors: [{ name: 'ENOENT', count: 9 }], p50: null, cpu: null });
  t.strictSame(report.finding, ['/usr/bin/git 100 times a second from worker.js (50), 96 % exit 128.']);
  t.strictSame(report.next, ['sudo ktrace exec -f -p 50 --failed -d 10s']);
  t.end();
});

t.test('a crash loop that is no storm', (t) => {
  const report = execReport(snapshot(totalsOf([...loopOf(6), ...loopOf(1, 0, 1000)]).snapshot(), { durationNs: 60e9 }), OPTIONS, false);
  t.match(report.finding, [/^\/usr\/bin\/git is in a crash loop: 6 of 7 ended badly \(exit 128\) within 1m00s, none lived longer than 5\.00ms; worker\.js \(50\) starts it\.$/]);
  t.strictSame(execReport(snapshot(totalsOf(loopOf(4)).snapshot(), { durationNs: 60e9 }), OPTIONS, false).finding, [], 'four are none');
  t.strictSame(execReport(snapshot(totalsOf(loopOf(7, 0)).snapshot(), { durationNs: 60e9 }), OPTIONS, false).finding, [], 'nor are ends that are well');
  t.end();
});

t.test('what came between two snapshots, with the longest life and the most memory of that time', (t) => {
  const programs = totalsOf([event({ time: 0, bytes: textOf() }), event({ kind: ExecKind.EXEC_FREED, began: 0, time: 900 * MS, peak: 64 << 20 })]);
  const before = programs.snapshot();
  programs.nextInterval();
  add(programs, loopOf(7));
  const now = programs.snapshot();
  const between = since(before, now);
  t.match(between, [{ started: 7, ended: 7, unwell: 7, cpuNs: 14 * MS, ends: new Map([['exit 128', 7]]), longestNs: 5 * MS, peakBytes: 8 << 20 }]);
  t.match(execReport(snapshot(between), OPTIONS, true).sections[1]?.rows, [{ p99: 5 * MS, longest: 5 * MS, peak: 8 << 20 }]);
  t.match(now, [{ longestNs: 900 * MS, peakBytes: 64 << 20 }], 'and of all the time');
  t.strictSame(since(now, now), []);
  t.end();
});

t.test('a session begins an interval with each report', (t) => {
  const queue = [[event({ time: 0, bytes: textOf() }), event({ kind: ExecKind.EXEC_FREED, began: 0, time: 900 * MS, peak: 64 << 20 })], loopOf(7)];
  const tables: Tables = { rows: () => [], counters: () => [], iterate: () => [], drain: <T>() => ({ events: (queue.shift() ?? []) as T[], full: false }) };
  const look = new ExecLook(tables, processes(), { rules: [], wants: () => true, narrows: false, sends: () => true, mostPrograms: 100 });
  look.begin();
  const rows = [1, 2, 3].map(() => {
    look.events(false);
    return look.report(OPTIONS, true).sections[1]?.rows.map(({ started, longest, peak }) => [started, longest, peak]);
  });
  t.strictSame(rows, [[[1, 900 * MS, 64 << 20]], [[7, 5 * MS, 8 << 20]], []]);
  t.end();
});

t.test('a table that is full counts what it has no room for', (t) => {
  const programs = totalsOf([...loopOf(2), ...tried(5)], 1);
  t.strictSame([programs.snapshot().length, programs.full, programs.aggregated], [1, 5, 2]);
  t.end();
});

t.test('a report of 80 columns', (t) => {
  const alerts = [{ rule: 'exec-from-tmp', count: 3, pid: 4711, what: '/tmp/x --listen', by: 'sh (50)' }];
  const lost = { ...COUNTS, lostExecs: 2, lostEnds: 1 };
  const report = execReport(snapshot(totalsOf([...loopOf(96), ...loopOf(4, 9, 1000), ...tried(9)]).snapshot(), { alerts, counts: lost, running: new Map([['/usr/bin/git', 3]]) }), OPTIONS, false);
  t.equal(plainTable(report), golden('exec.txt', plainTable(report)));
  const nothing = plainTable(execReport(snapshot([]), OPTIONS, false));
  t.equal(nothing, golden('exec-nothing.txt', nothing));
  t.end();
});

t.test('losses have their reasons, in the order of the page', (t) => {
  const { losses } = execReport(snapshot([], { counts: { ...COUNTS, lostText: 4 } }), { ...OPTIONS, backlogDropped: 5 }, false);
  t.strictSame(losses.filter(({ count }) => count > 0).map(({ reason, count }) => [reason, count]), [['text-lost', 4], ['backlog-full', 5]]);
  t.end();
});
