/** `ktrace syscalls`: full rings and tables, slow readers, floods of deaths, two of a kind, and its own calls. What is lost is counted. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { syscalls } from '../../src/index.js';
import type { Report } from '../../src/report/model.js';
import { counts, eventsOf, reportOf, rows, tracing, type CallEvent, type CallRow, type InsideRow, type Storm, type SyscallsReport } from './calls.js';
import type { Truth } from './futex-model.js';
import { accounts, asMany, loss, tolerant, whole } from './losses.js';
import { EMULATED, N } from './machine.js';
import { blockUntil, run, threadsOf, workload } from './processes.js';
import { WITH_TRACEFS } from './rights.js';
import { killed } from './sudden-end.js';
import { suite } from './suite.js';
import { ktrace } from './tracer.js';

const callsOf = ({ sections }: Report): number => sections.filter(({ id }) => id !== 'inFlight').flatMap(({ rows: of }) => of).reduce((sum, { calls }) => sum + Number(calls), 0);

const COUNT = 101;
/** openat, nanosleep, tgkill, rt_sigreturn: of no 32-bit program, and no library makes more of them. */
const NR: readonly number[] = process.arch === 'arm64' ? [56, 101, 131, 139] : [257, 35, 234, 15];
const OPENAT = process.arch === 'arm64' ? 56 : 257;

suite(1, (test) => {
  test('a full ring: calls received and calls counted as lost are all there were', async (t) => {
    const target = await workload(t, 'storm', ['-n', '5000']);
    await using session = await syscalls({ pid: target.pid, trace: 'getppid,dup', events: true, ringSize: 4096 });
    target.line();
    blockUntil(() => threadsOf(target.pid) > 1);
    blockUntil(() => threadsOf(target.pid) === 1);
    const report = session.stop();
    let received = 0;
    for await (const { syscall } of session.events()) received += syscall === 'getppid' || syscall === 'dup' ? 1 : 0;
    const { rounds } = await target.truth<Storm>();
    t.ok(loss(report, 'ring-full') > 0 && received > 0, `${received} received, ${loss(report, 'ring-full')} lost`);
    asMany(t, report, received + loss(report, 'ring-full'), 2 * rounds);
    asMany(t, report, callsOf(report), 2 * rounds, 'the totals are not affected');
  });

  test('a gap says how many calls are missing there', async (t) => {
    const target = await workload(t, 'storm', ['-n', '20000']);
    spawnSync('taskset', ['-pc', '0', String(target.pid)]); // each CPU tells of its own losses
    await using session = await syscalls({ pid: target.pid, trace: 'getppid,dup,exit_group', events: true, ringSize: 4096 });
    target.line();
    blockUntil(() => threadsOf(target.pid) > 1);
    blockUntil(() => threadsOf(target.pid) === 1);
    const { rounds } = await target.truth<Storm>();
    await setTimeout(200); // the ring is read
    target.closeInput();
    await target.exit();
    const report = session.stop();
    let [received, missing] = [0, 0];
    for await (const { lostBefore } of session.events()) [received, missing] = [received + 1, missing + lostBefore];
    asMany(t, report, missing, loss(report, 'ring-full'));
    asMany(t, report, received + missing, 2 * rounds + 1);
    t.ok(missing > 0);
  });

  test('a reader that never reads: the backlog is bounded, and what it drops is counted', async (t) => {
    const target = await workload(t, 'storm', ['-n', '2000']);
    await using session = await syscalls({ pid: target.pid, trace: 'getppid,dup', events: true, backlog: 100 });
    target.line();
    const { rounds } = await target.truth<Storm>();
    const report = session.stop();
    t.ok(session.stats().backlog <= 100);
    let received = 0;
    for await (const { type } of session.events()) received += type === 'syscall' ? 1 : 0;
    t.equal(received, 100);
    asMany(t, report, received + loss(report, 'backlog-full') + loss(report, 'ring-full'), 2 * rounds);
  });

  test('a full table: calls in rows and calls counted as lost are all there were; --fail-on-loss', async (t) => {
    tolerant(t);
    const target = await workload(t, 'storm', ['--threads', '64', '-n', '100']);
    const options = ['-p', String(target.pid), '-e', 'getppid', '--by', 'thread', '--max-rows', '16'];
    const tracer = await tracing(t, options);
    const failing = await tracing(t, [...options, '--fail-on-loss']);
    target.line();
    const { rounds } = await target.truth<Storm>();
    const report = JSON.parse(await tracer.finish(t)) as SyscallsReport;
    accounts(t, report, ['rows-full']);
    t.equal(rows<CallRow>(report, 'work').length, 16);
    asMany(t, report, rows<CallRow>(report, 'work').reduce((sum, { calls }) => sum + calls, 0) + loss(report, 'rows-full'), rounds);
    t.equal(report.header.accounting.dropped, loss(report, 'rows-full') + loss(report, 'stale'), 'stale: a skipped run saw no end');
    failing.kill('SIGINT');
    t.strictSame(await failing.exit(), { code: 3, signal: null });
  });

  test('5,000 threads killed in their call leave nothing', async (t) => {
    const figures = (report: SyscallsReport): unknown => [...rows<CallRow>(report, 'work'), ...rows<CallRow>(report, 'waiting')].filter(({ syscall }) => syscall === 'futex').map(({ calls, died }) => [calls, died]);
    const killings = EMULATED ? '1' : '10';
    const run = async (): Promise<{ report: SyscallsReport; truth: Truth }> => {
      const target = await workload(t, 'dying', ['--killed', killings, '-n', '500']);
      const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-e', 'futex']);
      target.line();
      const truth = await target.truth();
      return { report: await reportOf(t, tracer), truth };
    };
    const wanted = ({ waitsBegun }: Truth): unknown => [[waitsBegun, waitsBegun]];
    const { report, truth } = await whole(t, run, (found) => isDeepStrictEqual(figures(found.report), wanted(found.truth)));
    t.equal(truth.waitsBegun, 500 * Number(killings));
    t.strictSame(figures(report), wanted(truth));
    t.strictSame([report.header.accounting.inFlight, report.header.accounting.dropped], [0, 0]);
  });

  test('children are followed however many there are, for as long as the last of them lives', async (t) => {
    const count = EMULATED ? 500 : 12_000; // more than the table has places
    const run = async (...words: string[]): Promise<{ report: SyscallsReport }> => {
      const target = await workload(t, 'children', words, false);
      const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-e', 'getsid']);
      target.line();
      return { report: await reportOf(t, tracer, null) };
    };
    const many = await whole(t, () => run('-n', String(count)));
    asMany(t, many.report, counts(many.report, 'work', 'getsid')?.[0] ?? 0, count);
    const orphan = await whole(t, () => run('--orphan'));
    asMany(t, orphan.report, counts(orphan.report, 'work', 'getsid')?.[0] ?? 0, 2 * N);
  });

  test('a chain of processes, none of which lives for long, is followed to its end', async (t) => {
    const run = async (): Promise<{ report: SyscallsReport; count: number }> => {
      const target = await workload(t, 'children', ['--chain'], false);
      const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-e', 'getsid']);
      target.line();
      const { count } = await target.truth<{ count: number }>();
      return { report: await reportOf(t, tracer, null), count };
    };
    const { report, count } = await whole(t, run);
    t.ok(count > 50, `${count} generations`);
    asMany(t, report, counts(report, 'work', 'getsid')?.[0] ?? 0, count);
  });

  test('a command is traced until it ends; with -f until its last child has', async (t) => {
    const command = ['sh', '-c', 'sleep 0.1 & (sleep 1.5; exec setsid -w true) & exit 3'];
    const calls = async (...words: string[]): Promise<number | undefined> => {
      const tracer = ktrace(t, ['-q', '-o', 'json', '-e', 'setsid', ...words, '--', ...command], { tool: 'syscalls' });
      t.strictSame(await tracer.exit(), { code: 3, signal: null });
      const report = JSON.parse(tracer.stdout) as SyscallsReport;
      return counts(report, 'work', 'setsid')?.[0];
    };
    t.equal(await calls(), undefined);
    t.equal(await calls('-f'), 1);
  });

  test('where nothing but waiting by design is to be seen, it is shown', async (t) => {
    const waiting = spawn('sleep', ['60']);
    t.teardown(() => waiting.kill('SIGKILL'));
    await setTimeout(1500);
    const report = (await reportOf(t, await tracing(t, ['-p', String(waiting.pid)]))) as SyscallsReport & Pick<Report, 'finding'>;
    t.match(rows<InsideRow>(report, 'inFlight'), [{ tid: waiting.pid, syscall: 'clock_nanosleep', designed: 'yes' }]);
    t.match(report.finding, [/^sleep \(\d+\) has been in clock_nanosleep\(CLOCK_REALTIME, 0, \{tv_sec=60, tv_nsec=0\}, \S+\) for about/]);
  });

  test('a process that is stopped is said to be', async (t) => {
    const target = await workload(t, 'storm', ['--seconds', '5']);
    target.kill('SIGSTOP');
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    const report = (await reportOf(t, tracer)) as SyscallsReport & Pick<Report, 'finding' | 'next'>;
    t.match(report.finding[0], `Process ${target.pid} is stopped by a signal`);
    t.equal(report.next[0], `sudo kill -CONT ${target.pid}`);
    target.kill('SIGCONT');
    const other = await tracing(t, ['-p', String(target.pid)]);
    t.notMatch(((await reportOf(t, other)) as SyscallsReport & Pick<Report, 'finding'>).finding.join(' '), /stopped/);
  });

  test('a thread is traced until it ends', async (t) => {
    const target = await workload(t, 'storm', ['--seconds', EMULATED ? '40' : '5', '--threads', '1']);
    target.line();
    blockUntil(() => threadsOf(target.pid) > 1);
    const [tid] = readdirSync(`/proc/${target.pid}/task`).filter((each) => each !== String(target.pid));
    const tracer = await tracing(t, ['-t', String(tid), '--by', 'thread', '-e', 'getppid']);
    const report = await reportOf(t, tracer, null);
    t.equal(report.header.target, `thread ${tid}`);
    t.strictSame(rows<CallRow>(report, 'work').map(({ who }) => who), [`storm (${tid})`]);
    t.notOk(target.ended, 'its process lives on');
  });

  test('its own calls are never traced, not even when everything is: lines make no lines', async (t) => {
    const target = await workload(t, 'storm', ['-n', '200']);
    const tracer = await ktrace(t, ['-o', 'ndjson', '--strace', '-e', 'write,getppid'], { tool: 'syscalls' }).tracing();
    target.line();
    const { rounds } = await target.truth<Storm>();
    const { report, events } = eventsOf(await tracer.finish(t));
    t.strictSame(events.filter(({ pid }) => pid === tracer.pid), []);
    const lost = loss(report, 'ring-full') + loss(report, 'backlog-full'); // whose, nobody knows
    const shown = events.filter(({ pid, syscall }) => pid === target.pid && syscall === 'getppid').length;
    if (lost === 0) asMany(t, report, shown, rounds);
    else t.ok(shown <= rounds && shown + lost >= rounds, `${shown} of ${rounds}, ${lost} lost`);
    t.strictSame(rows<InsideRow>(report, 'inFlight').filter(({ tid }) => tid === tracer.pid), []);
  });

  test('two at once count the same', async (t) => {
    const run = async (): Promise<{ report: SyscallsReport; other: SyscallsReport }> => {
      const target = await workload(t, 'calls');
      const both = await Promise.all([tracing(t, ['-p', String(target.pid)]), tracing(t, ['-p', String(target.pid)])]);
      target.line();
      await target.truth();
      const [report, other] = [await reportOf(t, both[0]), await reportOf(t, both[1])];
      return { report, other };
    };
    const both = await whole(t, run);
    for (const report of [both.report, both.other]) {
      asMany(t, report, counts(report, 'work', 'getppid')?.[0] ?? 0, N);
      asMany(t, report, counts(report, 'work', 'openat')?.[1]['ENOENT'] ?? 0, N);
      asMany(t, report, counts(report, 'waiting', 'nanosleep')?.[0] ?? 0, N);
    }
  });

  test('beside bpftrace(8), both count the same', async (t) => {
    if (spawnSync('bpftrace', ['--version']).error) return void t.pass('skipped', { skip: 'no bpftrace(8)' });
    const target = await workload(t, 'calls');
    const [file = '', ...words] = WITH_TRACEFS;
    const other = run(t, file, [...words, 'bpftrace', '-e', `tracepoint:raw_syscalls:sys_enter /pid == ${target.pid}/ { @calls[args->id] = count(); }`]);
    await other.says(/Attaching/);
    await setTimeout(EMULATED ? 10_000 : 1000); // it says so before it has, by perf events, which /proc does not tell of
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    target.line();
    await target.truth();
    const report = await reportOf(t, tracer);
    other.kill('SIGINT');
    await other.exit();
    const seen = new Map([...other.stdout.matchAll(/^@calls\[(\d+)\]: (\d+)$/gm)].map(([, nr, count]) => [Number(nr), Number(count)]));
    const known = [...rows<CallRow & { nr: number; compat: string }>(report, 'work'), ...rows<CallRow & { nr: number; compat: string }>(report, 'waiting')].filter(({ compat }) => compat === 'no');
    const sums = new Map<number, number>();
    for (const { nr, calls } of known) if (NR.includes(nr)) sums.set(nr, (sums.get(nr) ?? 0) + calls);
    t.strictSame([...sums].sort(), [...seen].filter(([nr]) => NR.includes(nr)).sort());
    t.equal(sums.size, NR.length);
  });

  test('killed at any moment, it leaves nothing', async (t) => {
    for (const delay of EMULATED ? [200] : [0, 50, 150]) {
      const target = await workload(t, 'storm', ['--seconds', '3']);
      const tracer = await tracing(t, ['-p', String(target.pid), '--strace', '-o', 'ndjson']);
      target.line();
      const due = Date.now() + delay;
      await killed(t, tracer, `after ${delay} ms of a storm`, () => Date.now() >= due);
      target.kill('SIGKILL');
    }
  });

  test('lines are in the file of -O as they come, and stay there when it is killed', async (t) => {
    const file = join(t.testdir({}), 'lines');
    const target = await workload(t, 'storm', ['--seconds', '3']);
    const tracer = await tracing(t, ['-p', String(target.pid), '--strace', '-e', 'getppid', '-o', 'ndjson', '-O', file]);
    target.line();
    while (statSync(file).size < 100_000) await setTimeout(10);
    tracer.kill('SIGKILL');
    await tracer.exit();
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as CallEvent);
    t.ok(lines.length > 100);
    t.strictSame([...new Set(lines.map(({ syscall, pid }) => `${syscall} ${pid}`))], [`getppid ${target.pid}`]);
  });

  test('intervals add up to what the program did', async (t) => {
    const target = await workload(t, 'calls', ['-n', String(COUNT)]);
    const tracer = await tracing(t, ['-p', String(target.pid), '-e', 'getppid,nanosleep,openat', '-i', '100ms', '-o', 'ndjson']);
    target.line();
    await target.truth();
    const reports = (await tracer.finish(t)).trimEnd().split('\n').map((line) => JSON.parse(line) as SyscallsReport);
    const sum = (section: 'work' | 'waiting', name: string, of: (row: CallRow) => number): number => reports.flatMap((report) => rows<CallRow>(report, section)).filter(({ syscall }) => syscall === name).reduce((total, row) => total + of(row), 0);
    t.ok(reports.length > 1, `${reports.length} reports`);
    asMany(t, reports, sum('work', 'getppid', ({ calls }) => calls), COUNT);
    asMany(t, reports, sum('waiting', 'nanosleep', ({ calls }) => calls), COUNT);
    asMany(t, reports, sum('waiting', 'nanosleep', ({ histogram }) => histogram.counts.reduce((total, count) => total + count, 0)), COUNT);
    asMany(t, reports, sum('work', 'openat', ({ errnos }) => errnos.find(({ name }) => name === 'ENOENT')?.count ?? 0), COUNT);
    const negative = reports.flatMap((report) => [...rows<CallRow>(report, 'work'), ...rows<CallRow>(report, 'waiting')]).filter(({ calls, errors, total }) => calls < 0 || errors < 0 || total < 0);
    t.strictSame(negative, []);
  });

  test('a process that hangs in one call is the first line, and the finding', async (t) => {
    const fifo = join(t.testdir({}), 'a fifo');
    spawnSync('mkfifo', [fifo]);
    const stuck = spawn('cat', [fifo]);
    t.teardown(() => stuck.kill('SIGKILL'));
    while (!readFileSync(`/proc/${stuck.pid}/syscall`, 'utf8').startsWith(String(OPENAT))) await setTimeout(10);
    await setTimeout(1000);
    const table = ktrace(t, ['-p', String(stuck.pid), '-d', '2s'], { tool: 'syscalls' });
    const told = new RegExp(`^cat \\(${stuck.pid}\\) has been in openat\\(AT_FDCWD, ${JSON.stringify(fifo)}, O_RDONLY\\) for about \\S+s\\.$`, 'm');
    await table.says(told, 'stderr'); // not at the end, but at once
    t.notOk(table.ended);
    const json = ktrace(t, ['-p', String(stuck.pid), '-d', '300ms', '-o', 'json'], { tool: 'syscalls' });
    await Promise.all([table.exit(), json.exit()]);
    const [row] = rows<InsideRow & { argument: string }>(JSON.parse(json.stdout) as SyscallsReport, 'inFlight');
    t.match(row, { thread: 'cat', tid: stuck.pid, syscall: 'openat', beforeTracing: 'yes', designed: 'no', argument: JSON.stringify(fifo) });
    t.ok((row?.age ?? 0) >= 1e9, `${row?.age} ns`);
    const lines = table.stdout.split('\n');
    const [first, , hung] = lines.slice(lines.indexOf('') + 1); // the header may say that runs were skipped
    t.match(first, /^In a call now/);
    t.match(hung, new RegExp(`^ *cat +${stuck.pid} +${stuck.pid} +openat `));
    t.match(table.stdout.replaceAll('\n', ' '), new RegExp(`cat \\(${stuck.pid}\\) has been in openat`), 'the finding names it');
    t.ok(lines.every((line) => line.length <= 80), 'at 80 columns');
  });
});
