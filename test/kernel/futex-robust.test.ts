/** Full rings and tables, floods, sudden ends, two of a kind, and hostile surroundings: what is lost is counted, and nothing stays behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FutexEventRecord, Report } from '../../src/index.js';
import { heldIds, leftOf } from './bpf-objects.js';
import { callsOf, lockAt, only, sameDuel } from './compare.js';
import type { FutexReport, LockRow, Truth } from './futex-model.js';
import { accounts, alike, asMany, loss, tolerant, tolerantOfPreemption, unseenEnds } from './losses.js';
import { EMULATED, ENV, N, ROOT } from './machine.js';
import { blockUntil, program, run, threadsOf, workload } from './processes.js';
import { killed } from './sudden-end.js';
import { suite } from './suite.js';
import { futex, FUTEX, ktrace, parseReport, tracing } from './tracer.js';

/** Rows of one section of the library's report. */
function rowsOf(report: Report, section: string): readonly LockRow[] {
  return (report.sections.find(({ id }) => id === section)?.rows ?? []) as unknown as LockRow[];
}

async function ndjson(child: { exit(): Promise<unknown>; stdout: string }): Promise<Record<string, unknown>[]> {
  await child.exit();
  return child.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

suite(2, (test) => {
  test('a full ring: events received and events counted as lost are all there were', async (t) => {
    const target = await workload(t, 'pingpong', ['-n', '2500']);
    const session = await futex({ pid: target.pid, events: true, ringSize: 4096 });
    target.line();
    blockUntil(() => threadsOf(target.pid) > 1);
    blockUntil(() => threadsOf(target.pid) === 1);
    const report = session.stop();
    let received = 0;
    for await (const event of session.events()) received += event.outcome === 'woken' ? 1 : 0;
    session.close();
    const { waits } = await target.truth();
    const lost = loss(report, 'ring-full');
    t.ok(lost > 0 && received > 0, `${received} received, ${lost} lost`);
    asMany(t, report, received + lost, waits);
    asMany(t, report, rowsOf(report, 'idle').reduce((sum, { sleeps }) => sum + sleeps, 0), waits, 'the totals are not affected');
    const { hits, aggregated, inFlight } = report.header.accounting;
    alike(t, report, aggregated + inFlight, hits, 'calls');
  });

  test('a reader that never reads: the backlog is bounded, and what it drops is counted', async (t) => {
    const target = await workload(t, 'pingpong', ['-n', '5000']);
    const session = await futex({ pid: target.pid, events: true, backlog: 100 });
    target.line();
    const { waits } = await target.truth();
    const first = session.report({ interval: true });
    const second = session.report({ interval: true });
    const report = session.stop();
    t.ok(session.stats().backlog <= 100);
    const [one, two, all] = [first, second, report].map((each) => loss(each, 'backlog-full')) as [number, number, number];
    t.ok(one + two <= all && one >= two, `what an interval dropped is told in its report alone: ${one}, ${two}, in all ${all}`);
    let received = 0;
    for await (const { type } of session.events()) received += type === 'wait' ? 1 : 0;
    session.close();
    asMany(t, report, received + loss(report, 'backlog-full') + loss(report, 'ring-full'), waits);
    t.equal(received, 100);
  });

  test('a full table of locks: waits in rows and waits counted as lost are all there were', async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'manylocks', ['-n', '2']);
    const tracer = await tracing(t, ['-p', String(target.pid), '--max-locks', '16']);
    const failing = await tracing(t, ['-p', String(target.pid), '--max-locks', '16', '--fail-on-loss']);
    target.line();
    const truth = await target.truth();
    t.equal(truth.waits, 400);
    const report = await tracer.report(t, { losses: ['locks-full', 'parts-full'] });
    const counted = report.sections.locks.rows.reduce((sum, { acquisitions }) => sum + acquisitions, 0);
    t.equal(report.sections.locks.rows.length, 16);
    asMany(t, report, counted + loss(report, 'locks-full'), 400);
    t.equal(report.header.accounting.dropped, loss(report, 'locks-full') + unseenEnds(report), 'dropped');
    t.match(report.losses.find(({ reason }) => reason === 'locks-full')?.meaning, /--max-locks/);
    failing.kill('SIGINT');
    t.strictSame(await failing.exit(), { code: 3, signal: null }, '--fail-on-loss');
  });

  test('a flood of events: the event loop turns, and the reader gets them all', async (t) => {
    const target = await workload(t, 'pingpong', ['-n', '50000']);
    const session = await futex({ pid: target.pid, events: true, backlog: 1_000_000, ringSize: 1 << 24 });
    const ended = target.truth().then(() => session.stop());
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    target.line();
    let received = 0;
    let [turnsBefore, stuck] = [0, 0];
    for await (const event of session.events()) {
      received += event.outcome === 'woken' ? 1 : 0;
      if (received % 10_000 !== 0) continue;
      await sleep(11); // a reader that takes its time: timers get their turn between batches
      if (turns === turnsBefore) stuck++;
      turnsBefore = turns;
    }
    clearInterval(timer);
    delay.disable();
    const report = await ended;
    session.close();
    const { waits } = await target.truth();
    t.ok(turns > 0, `${turns} turns of a timer`);
    t.equal(stuck, 0, 'some in each batch');
    t.comment(`longest turn of the event loop: ${(delay.max / 1e6).toFixed(0)} ms`);
    asMany(t, report, received + loss(report, 'ring-full') + loss(report, 'backlog-full'), waits);
  });

  test('an iterator that stops early, an abort and a second close are harmless', async (t) => {
    const target = await workload(t, 'mutex', ['-n', '50']);
    const abort = new AbortController();
    const session = await futex({ pid: target.pid, events: true, signal: abort.signal });
    const held = heldIds(process.pid);
    t.ok(held.prog.length > 0);
    target.line();
    const first: FutexEventRecord[] = [];
    for await (const event of session.events()) {
      first.push(event);
      if (first.length === 3) break;
    }
    t.strictSame(first.map(({ type, thread }) => [type, thread]), Array.from({ length: 3 }, () => ['wait', 'waiter']));
    abort.abort();
    await session.ended();
    t.ok(rowsOf(session.report(), 'locks').length === 1);
    session.close();
    session.close();
    const other = await futex({ signal: AbortSignal.abort() });
    await other.ended();
    other.close();
    t.strictSame((await leftOf(held)).prog.length, 0);
  });

  test('who dies after tracing is counted once, even a leader that nobody reaps', async (t) => {
    const parent = run(t, 'sh', ['-c', '"$0" --leader-joins & exec sleep 60', program('deadlock')]);
    const pid = Number((await parent.says(/^hung (\d+)$/m))[1]);
    while (!/^(202|98) /.test(readFileSync(`/proc/${pid}/syscall`, 'utf8'))) await sleep(5);
    const abort = new AbortController();
    const session = await futex({ pid, signal: abort.signal });
    abort.abort();
    await session.ended();
    t.equal(session.report().header.accounting.inFlight, 3, 'two in the deadlock, and the leader, which joins them');
    process.kill(pid, 'SIGKILL');
    while (threadsOf(pid) > 1 || !/^\d+ \(deadlock\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(5);
    const report = session.report();
    session.close();
    accounts(t, report);
    t.strictSame(report.header.accounting, { hits: 3, aggregated: 0, inFlight: 3, filtered: 0, dropped: 0 });
    t.strictSame(rowsOf(report, 'inFlight'), [], 'the dead wait for nothing');
  });

  test('ktrace\'s own threads are never traced, not even when everything is', async (t) => {
    const target = await workload(t, 'mutex');
    const tracer = await ktrace(t, ['--events', '-d', EMULATED ? '30s' : '3s']).tracing();
    const self = await ktrace(t, ['--events', '-d', EMULATED ? '15s' : '2s', '--include-self']).tracing(); // it has to start meanwhile
    target.line();
    await target.truth();
    const lines = await ndjson(tracer);
    const report = lines.pop() as unknown as FutexReport;
    accounts(t, report);
    const rows = [...report.sections.locks.rows, ...report.sections.idle.rows];
    t.strictSame(rows.filter(({ pids }) => pids.split(',').includes(String(tracer.pid))), [], 'no row of its own');
    t.strictSame(lines.filter(({ pid }) => pid === tracer.pid), [], 'no event of its own');
    t.strictSame(report.sections.inFlight.rows.filter(({ pid }) => pid === tracer.pid), [], 'no wait of its own');
    t.ok(rows.some(({ pids }) => pids === String(target.pid)), 'but others');
    const own = (await ndjson(self)).pop() as unknown as FutexReport;
    t.ok([...own.sections.locks.rows, ...own.sections.idle.rows].some(({ pids }) => pids.split(',').includes(String(self.pid))), 'with --include-self, they are');
  });

  test('the whole machine: a workload among everything else is counted exactly', async (t) => {
    const target = await workload(t, 'mutex');
    const tracer = await tracing(t, []);
    target.line();
    const truth = await target.truth();
    const report = await tracer.report(t);
    sameDuel(t, only(t, report.sections.locks.rows.filter(({ pids }) => pids === String(target.pid)), 'lock of the workload'), truth);
  });

  test('kill -9 at twenty moments leaves nothing behind', async (t) => {
    const target = await workload(t, 'inflight');
    for (let i = 0; i < 20; i++) {
      const tracer = ktrace(t, ['-p', String(target.pid), ...(i % 2 ? ['--events'] : ['-i', '50ms'])]);
      const end = Date.now() + 40 + 45 * i;
      await killed(t, tracer, `after ${40 + 45 * i} ms`, () => Date.now() >= end);
    }
  }, 180);

  test('a second Ctrl-C ends it at once, with 130', async (t) => {
    const target = await workload(t, 'manythreads', ['-t', '2000', '--idle-first', '-n', '1']);
    // Nobody reads what it prints, so it cannot get rid of its report.
    const child: ChildProcess = spawn('env', ['-i', `PATH=${ENV['PATH']}`, ...FUTEX, '-o', 'json', '-p', String(target.pid)], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.teardown(() => void child.kill('SIGKILL'));
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    while (!said.includes('tracing')) await sleep(10);
    const held = heldIds(child.pid as number);
    child.kill('SIGINT');
    await sleep(1500);
    t.equal(child.exitCode, null, 'it waits for its reader');
    child.kill('SIGINT');
    t.strictSame(await exited, { code: 130, signal: null });
    t.strictSame(await leftOf(held), { prog: [], map: [], link: [] });
  });

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} ends it like Ctrl-C, with the report`, async (t) => {
      const target = await workload(t, 'mutex');
      const tracer = await tracing(t, ['-p', String(target.pid)]);
      target.line();
      const truth = await target.truth();
      const report = await tracer.report(t, { signal });
      sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
    });
  }

  test('before it is attached it opens nothing of the working directory, /tmp or HOME', async (t) => {
    const trap = t.testdir({ node_modules: { commander: { 'index.js': 'process.exit(99)', 'package.json': '{}' } }, 'package.json': '{"type":"commonjs","imports":{}}', home: {} });
    for (const file of ['futex.bpf.o', 'ktrace.node', 'libbpf.so.1', '.noderc', 'tsconfig.json']) writeFileSync(join(trap, file), 'trap');
    mkdirSync(join(trap, 'build/bpf'), { recursive: true });
    writeFileSync(join(trap, 'build/bpf/futex.bpf.o'), 'trap');
    const log = join(trap, 'log');
    const env = { ...ENV, HOME: join(trap, 'home') };
    const tracer = ktrace(t, ['-o', 'json', '-d', '200ms'], { cwd: trap, env, prefix: ['strace', '-f', '-qq', '-s', '300', '-o', log, '-e', 'trace=openat,open,openat2,execve,bpf,connect,bind'] });
    if ((await tracer.exit()).code === 127) return void t.pass('skipped', { skip: 'no strace(1)' });
    accounts(t, parseReport(tracer.stdout));
    const lines = readFileSync(log, 'utf8').split('\n');
    const attached = lines.findIndex((line) => /bpf\((BPF_LINK_CREATE|BPF_RAW_TRACEPOINT_OPEN)/.test(line));
    t.ok(attached > 0, 'it attached');
    const opened = lines.slice(0, attached).flatMap((line) => /open(?:at2?)?\((?:AT_FDCWD, |\d+, )?"([^"]+)"/.exec(line)?.[1] ?? []);
    const allowed = (path: string): boolean => path.startsWith(ROOT) || path.startsWith(realpathSync(join(ROOT, 'node_modules'))) || /^\/(proc|sys|dev|lib|lib64|usr|etc)(\/|$)/.test(path) || path === process.execPath || ROOT.startsWith(`${path.replace(/\/$/, '')}/`);
    t.strictSame(opened.filter((path) => path.startsWith('/') && !allowed(path)), [], 'only the system and the package');
    t.strictSame(opened.filter((path) => !path.startsWith('/')), opened.filter((path) => !path.startsWith('/') && /^(events|syscalls|trace|id)/.test(path)), 'nothing relative but below tracefs');
    t.strictSame(opened.filter((path) => path.startsWith(trap)), []);
    t.strictSame(lines.filter((line) => /(connect|bind)\(.*AF_INET/.test(line)), [], 'no network');
  });

  test('two copies of ktrace, and the launcher of a command, at once', async (t) => {
    tolerant(t);
    const target = await workload(t, 'mutex_many');
    const [a, b] = await Promise.all([tracing(t, ['-p', String(target.pid)]), tracing(t, ['-p', String(target.pid)])]);
    const command = run(t, 'env', [...FUTEX, '-q', '-o', 'ndjson', '--', program('mutex')]);
    target.line();
    const truth = await target.truth();
    const [one, two] = [await a.report(t), await b.report(t)];
    const counts = (report: FutexReport): Record<string, number> => {
      const { acquisitions, sleeps, outcomes, wakeCalls } = lockAt(report, truth.locks[0]?.address ?? '');
      const calls = report.sections.calls.rows.map((row) => [row.op, row.calls] as const);
      return { acquisitions, sleeps, wakeCalls, ...Object.fromEntries([...outcomes.map(({ name, count }) => [name, count] as const), ...calls]) };
    };
    const [seen, other] = [counts(one), counts(two)];
    t.strictSame(Object.keys(seen), Object.keys(other));
    for (const [what, count] of Object.entries(seen)) alike(t, [one, two], count, other[what] ?? 0, `they count the same ${what}`);
    t.strictSame(await command.exit(), { code: 0, signal: null });
    const [said = '', told = ''] = command.stdout.trimEnd().split('\n');
    sameDuel(t, only(t, parseReport(told).sections.locks.rows, 'lock'), JSON.parse(said) as Truth);
  });

  test('a session of the library sees what the command line sees', async (t) => {
    const target = await workload(t, 'mutex');
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    const session = await futex({ pid: target.pid });
    target.line();
    const truth = await target.truth();
    const report = session.stop();
    session.close();
    const seen = only(t, (await tracer.report(t)).sections.locks.rows, 'lock');
    const row = only(t, rowsOf(report, 'locks'), 'lock');
    t.strictSame([row.acquisitions, row.sleeps, row.place, row.kind, BigInt(row.address)], [N, N, seen.place, seen.kind, BigInt(truth.locks[0]?.address ?? 0)]);
    t.strictSame(row.holders, seen.holders.map((share, i) => ({ ...share, ns: row.holders[i]?.ns })));
    t.equal(typeof row.address, 'bigint');
  });

  test('locks of 1,000 names and addresses at once keep their counts', async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'manylocks', ['-t', '1000', '-n', '1']);
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    target.line();
    const truth = await target.truth();
    const report = await tracer.report(t);
    const { rows } = report.sections.locks;
    asMany(t, report, rows.length, 1000);
    t.ok(rows.every(({ acquisitions }) => acquisitions <= 1), 'one each');
    asMany(t, report, rows.filter(({ acquisitions }) => acquisitions === 1).length, 1000);
    asMany(t, report, callsOf(report, 'FUTEX_WAIT').woken ?? 0, truth.waits);
    for (const whom of ['holders', 'releasers'] as const) asMany(t, report, rows.filter((row) => row[whom][0]?.name === 'holder').length, 1000, whom); // also of those at the edge of a page
  });
});
