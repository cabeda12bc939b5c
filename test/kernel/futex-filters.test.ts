/** What is traced and for how long: the filters of the command line. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMount, newCgroup } from './cgroups.js';
import { callsOf, only, outcomes, people, sameDuel, sameTotal } from './compare.js';
import type { CallRow, FutexReport, LockRow, Truth } from './futex-model.js';
import { accounts, alike } from './losses.js';
import { EMULATED, N } from './machine.js';
import { inTurn, workload } from './processes.js';
import { suite } from './suite.js';
import { ktrace, parseReport, traced, tracing } from './tracer.js';

const lockOf = (report: FutexReport, { pid }: Truth): LockRow | undefined => report.sections.locks.rows.find(({ pids }) => pids === String(pid));

suite(3, (test) => {
  test('several processes: those and no other', async (t) => {
    const [a, b, other] = [await workload(t, 'mutex'), await workload(t, 'mutex_heap'), await workload(t, 'mutex')];
    const tracer = await tracing(t, ['-p', `${a.pid},${b.pid}`]);
    const truths = await inTurn(a, b, other);
    const report = await tracer.report(t);
    t.strictSame(report.sections.locks.rows.map(({ pids }) => Number(pids)).sort(), [a.pid, b.pid].sort());
    for (const truth of truths.slice(0, 2)) sameDuel(t, lockOf(report, truth) as LockRow, truth);
    t.strictSame(callsOf(report, 'FUTEX_WAIT'), { calls: 2 * N, woken: 2 * N });
    t.strictSame(report.sections.processes.rows.map(({ pid, sleeps }) => [pid, sleeps]).sort(), [[a.pid, N], [b.pid, N]].sort());
  });

  test('one thread: its waits, and nobody else\'s', async (t) => {
    const target = await workload(t, 'inflight');
    const comms = readThreads(target.pid);
    const tid = comms.get('waiter') ?? 0;
    const tracer = await tracing(t, ['-t', String(tid)]);
    const [truth] = await inTurn(target);
    const report = await tracer.report(t);
    const row = only(t, report.sections.locks.rows, 'lock');
    t.strictSame(people(row.waiters), [['waiter', tid, 1]]);
    t.match(row.kind, /^mutex\??$/);
    t.strictSame(people(row.releasers), [['holder', truth?.holder ?? 0, 1]]);
    t.strictSame(report.sections.inFlight.rows, [], 'the idler is not told');
    t.strictSame(callsOf(report, 'FUTEX_WAIT'), { calls: 1, woken: 1 });
  });

  test('one name: the threads that bear it', async (t) => {
    const { report, truth } = await traced(t, 'mutex_timed', [], ['--comm', 'impatient']);
    const row = only(t, report.sections.locks.rows, 'lock');
    t.strictSame([row.acquisitions, outcomes(row)], [N, { 'timed out': N }]);
    t.strictSame(people(row.waiters), [['impatient', truth.impatient, N]]);
    t.strictSame(people(row.holders), [['mutex_timed', truth.pid, N]], 'the holder is named although it is not traced');
  });

  test('the beginning of a name', async (t) => {
    const { report, truth } = await traced(t, 'mutex_timed', [], ['--comm', 'imp*']);
    const row = only(t, report.sections.locks.rows, 'lock');
    t.strictSame(people(row.waiters), [['impatient', truth.impatient, N]]);
  });

  test('a cgroup and those below it', async (t) => {
    const mount = cgroupMount();
    if (mount === undefined) return void t.pass('no cgroup v2', { skip: 'no cgroup v2 is mounted' });
    const outer = newCgroup(t, mount, 'outer');
    mkdirSync(`${outer}/inner`);
    t.teardown(() => sleep(100).then(() => rmdirSync(`${outer}/inner`)).catch(() => undefined));
    const [inside, below, outside] = [await workload(t, 'mutex'), await workload(t, 'mutex_heap'), await workload(t, 'mutex')];
    writeFileSync(`${outer}/cgroup.procs`, String(inside.pid));
    writeFileSync(`${outer}/inner/cgroup.procs`, String(below.pid));
    const tracer = await tracing(t, ['-c', outer]);
    const narrow = await tracing(t, ['--cgroup', `${outer}/inner`.slice(mount.length)]);
    const truths = await inTurn(inside, below, outside);
    const report = await tracer.report(t);
    t.strictSame(report.sections.locks.rows.map(({ pids }) => Number(pids)).sort(), [inside.pid, below.pid].sort());
    for (const truth of truths.slice(0, 2)) sameDuel(t, lockOf(report, truth) as LockRow, truth);
    sameDuel(t, only(t, (await narrow.report(t)).sections.locks.rows, 'lock'), truths[1] as Truth);
    for (const each of [inside, below, outside]) {
      each.closeInput();
      await each.exit();
    }
  });

  test('no such cgroup', async (t) => {
    if (cgroupMount() === undefined) return void t.pass('no cgroup v2', { skip: 'no cgroup v2 is mounted' });
    const tracer = ktrace(t, ['-c', '/nowhere']);
    t.strictSame(await tracer.exit(), { code: 1, signal: null });
    t.match(tracer.stderr, /^ktrace: There is no cgroup \/nowhere below \S+; give a path [^\n]*\n$/);
  });

  test('--min-wait leaves out the shorter, and says how many', async (t) => {
    const all = await traced(t, 'mutex', [], ['--min-wait', '10s']);
    t.strictSame(all.report.sections.locks.rows, []);
    t.equal(all.report.header.accounting.filtered, N);
    t.match(all.report.header.filters, ['10000 ms or more']);
    const none = await traced(t, 'mutex', [], ['--min-wait', '1ms']);
    t.equal(none.report.header.accounting.filtered, 0);
    sameDuel(t, only(t, none.report.sections.locks.rows, 'lock'), none.truth);
  });

  test('--min-wait in the middle of a mixture', async (t) => {
    const { report, truth } = await traced(t, 'mutex_many', [], ['--min-wait', '1ms']);
    const row = only(t, report.sections.locks.rows, 'lock');
    const { filtered } = report.header.accounting;
    t.ok(filtered > 0 && row.acquisitions > 0, `${filtered} filtered, ${row.acquisitions} left`);
    t.equal(row.histogram.counts.reduce((sum, n) => sum + n, 0), row.acquisitions);
    t.ok(row.total >= 1e6 * row.acquisitions && row.total <= truth.totalNs);
    t.ok(2 ** ((row.histogram.offset + 1) / 4) >= 1e6, 'no bucket below');
  });

  test('-d ends by itself', async (t) => {
    const target = await workload(t, 'inflight');
    const tracer = await tracing(t, ['-p', String(target.pid), '-d', '300ms']);
    t.match(tracer.stderr, /for 0\.3 s/);
    const report = await tracer.report(t, { signal: null });
    t.ok(report.header.durationNs >= 300e6);
    t.equal(report.header.accounting.inFlight, 2);
  });

  test('ends with the last of its targets', async (t) => {
    const [a, b] = [await workload(t, 'mutex', ['-n', '3'], false), await workload(t, 'mutex', [], false)];
    const tracer = await tracing(t, ['-p', String(a.pid), '-p', String(b.pid)]);
    a.line();
    await a.exit();
    await sleep(1200);
    t.equal(tracer.ended, false, 'while one lives it goes on');
    b.line();
    const truth = await b.truth();
    const report = await tracer.report(t, { signal: null });
    sameDuel(t, lockOf(report, truth) as LockRow, truth);
  });

  test('-i: the sums of the intervals are what the program saw', async (t) => {
    const target = await workload(t, 'mutex', ['-n', '101']);
    const tracer = await tracing(t, ['-p', String(target.pid), '-i', '100ms', '-o', 'ndjson']);
    target.line();
    const truth = await target.truth();
    const output = await tracer.finish(t);
    const reports = output.trimEnd().split('\n').map((line) => JSON.parse(line) as FutexReport);
    t.ok(reports.length > (EMULATED ? 1 : 3) && reports.every(({ type }) => type === 'report'), `${reports.length} reports`);
    const rows = reports.flatMap(({ sections }) => sections.locks.rows);
    const sum = (pick: (row: LockRow) => number): number => rows.reduce((total, row) => total + pick(row), 0);
    t.strictSame([sum((row) => row.acquisitions), sum((row) => row.sleeps)], [101, 101]);
    t.equal(sum(({ histogram }) => histogram.counts.reduce((total, n) => total + n, 0)), 101);
    t.equal(sum((row) => outcomes(row).woken ?? 0), 101);
    for (const role of ['waiters', 'holders', 'releasers'] as const) t.equal(sum((row) => row[role].reduce((total, { count }) => total + count, 0)), 101, role);
    sameTotal(t, sum((row) => row.total), truth.totalNs);
    t.equal(Math.max(...rows.map(({ max }) => max ?? 0)) <= truth.maxNs, true);
    const calls = (op: string, key: keyof Omit<CallRow, 'op'>): number => reports.reduce((total, report) => total + (callsOf(report, op)[key] ?? 0), 0);
    for (const [op, what, count] of [['FUTEX_WAIT', 'calls', 101], ['FUTEX_WAIT', 'woken', 101], ['FUTEX_WAKE', 'calls', 202], ['FUTEX_WAKE', 'woken', 101]] as const) {
      alike(t, reports, calls(op, what), count, `${op} ${what}`);
    }
    accounts(t, reports.at(-1) as FutexReport);
    const [first, ...later] = reports.map(({ header }) => header);
    t.equal(first?.intervalNs, null, 'the first is since the start');
    t.equal(later.reduce((total, { intervalNs }) => total + (intervalNs ?? NaN), first?.durationNs ?? 0) <= (later.at(-1)?.durationNs ?? 0) + 1e6, true, 'intervals do not overlap');
    t.strictSame(reports.map(({ header }) => header.settled), reports.map((_, i) => i === reports.length - 1), 'only the last one is of a tracing that is over');
  });

  test('an interval and a count as arguments', async (t) => {
    const target = await workload(t, 'inflight');
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', '100ms', '3']);
    const output = await tracer.finish(t, null);
    const reports = output.trimEnd().split('\n').map(parseReport);
    t.equal(reports.length, 3);
    for (const report of reports) t.match(report.sections.inFlight.rows.map(({ thread }) => thread).sort(), ['idler', 'waiter']);
  });
});

/** Ids of the threads of a process by their names. */
function readThreads(pid: number): Map<string, number> {
  const tids = readdirSync(`/proc/${pid}/task`);
  return new Map(tids.map((tid) => [readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trimEnd(), Number(tid)]));
}
