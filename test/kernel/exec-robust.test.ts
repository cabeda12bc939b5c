/** `ktrace exec`: storms, full rings and tables, ids that are used again, filters, rules, commands, kills. What is lost is counted. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { exec } from '../../src/index.js';
import { cgroupMount } from './cgroups.js';
import { linesOf, tallied, tracedLives, tracing, type ExecLine, type ExecReport, type Lives, type ProgramRow } from './execs.js';
import { accounts, asMany, loss, onceMore, tolerant, tolerantOfPreemption } from './losses.js';
import { CLI, EMULATED, N } from './machine.js';
import { blockUntil, run, workload } from './processes.js';
import { killed } from './sudden-end.js';
import { suite } from './suite.js';
import { ktrace } from './tracer.js';

const STORM = EMULATED ? 500 : 8000;
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const rowOf = ({ sections }: ExecReport, program: string): ProgramRow | undefined => sections.programs.rows.find((row) => row.program === program);
const jsonReport = (text: string): ExecReport => JSON.parse(text) as ExecReport;

/** A cgroup of the controller that limits memory, gone with the test; undefined where there is none. */
function memoryCgroup(t: Test, name: string): { readonly path: string; limit(bytes: number): void } | undefined {
  const v1 = '/sys/fs/cgroup/memory';
  const v2 = cgroupMount() ?? v1;
  for (const [mount, file] of [[v1, 'memory.limit_in_bytes'], [v2, 'memory.max']] as const) {
    try {
      if (mount === v2 && v2 !== v1) writeFileSync(join(v2, 'cgroup.subtree_control'), '+memory');
      const path = join(mount, name);
      mkdirSync(path);
      t.teardown(async () => {
        await setTimeout(100); // the last process of it is still going
        rmdirSync(path);
      });
      writeFileSync(join(path, file), String(1 << 30));
      return { path, limit: (bytes) => writeFileSync(join(path, file), String(bytes)) };
    } catch {
      continue; // the other version of cgroups
    }
  }
  return undefined;
}

suite(1, (test) => {
  test(`a storm of ${STORM} programs, and none is lost`, async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'execs', ['--storm', '-n', String(STORM), '--at-once', '8']);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-o', 'ndjson']);
    target.line();
    const truth = await target.truth<Lives>();
    await setTimeout(100); // the kernel frees processes a little later
    const { report, events } = linesOf(t, await tracer.finish(t));
    t.comment(`${Math.round(STORM / (truth.tookNs / 1e9))} a second`);
    const begun = events.filter(({ type }) => type === 'exec');
    const ended = events.filter(({ type, code }) => type === 'exit' && code === 0);
    asMany(t, report, begun.length, STORM);
    asMany(t, report, ended.length, STORM);
    t.equal(new Set(begun.map(({ pid }) => pid)).size, begun.length);
    const row = rowOf(report, truth.self);
    asMany(t, report, row?.started ?? 0, STORM);
    asMany(t, report, row?.ended ?? 0, STORM);
    t.ok(row && row.rate > 0 && row.rate <= STORM / (truth.tookNs / 1e9));
    if (!EMULATED) t.match(report.finding.join(' '), new RegExp(`execs [\\d.]+ times a second from execs \\(${truth.pid}\\), all exit 0`));
  });

  test('a full ring: programs seen and programs counted as lost are all there were', async (t) => {
    tolerant(t);
    const count = EMULATED ? 60 : 400;
    const target = await workload(t, 'execs', ['--storm', '-n', String(count), '--at-once', '1']);
    await using session = await exec({ pid: target.pid, follow: true, events: true, ringSize: 4096 });
    target.line();
    let said = '';
    target.child.stdout?.on('data', (text: string) => (said += text));
    const until = Date.now() + (EMULATED ? 20_000 : 3000);
    blockUntil(() => Date.now() > until); // the reader hangs
    const report = session.stop();
    let [received, missing] = [0, 0];
    for await (const { type, lostBefore } of session.events()) [received, missing] = [received + (type === 'exec' ? 1 : 0), missing + lostBefore];
    t.ok(received > 0 && loss(report, 'ring-full') > 0, `${received} received, ${missing} gaps`);
    asMany(t, report, received + loss(report, 'ring-full'), count);
    const { hits, aggregated, inFlight, filtered, dropped } = report.header.accounting;
    t.strictSame([hits, dropped], [count, loss(report, 'ring-full')]);
    t.equal(hits, aggregated + inFlight + filtered + dropped);
    t.ok(said === '' || said.includes('lives'));
  });

  test('a full table is said to be', async (t) => {
    const target = await workload(t, 'execs', ['-n', '1']);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-o', 'json', '--max-rows', '1']);
    target.line();
    await target.truth<Lives>();
    await setTimeout(100);
    const report = jsonReport(await tracer.finish(t));
    accounts(t, report, ['programs-full']);
    t.equal(report.sections.programs.rows.length, 1);
    t.strictSame([report.header.accounting.hits, loss(report, 'programs-full')], [16, report.header.accounting.dropped]);
    t.ok(loss(report, 'programs-full') >= 5);
  });

  test('ids that are used again, and forks that execute nothing, never mix two lives', async (t) => {
    const { report, events, truth } = await tracedLives(t, ['--again', '-n', String(2 * N)]);
    const pids = new Set(events.map(({ pid }) => pid));
    t.equal(pids.size, 1, 'all have one id');
    asMany(t, report, events.filter(({ type }) => type === 'exec').length, N);
    t.strictSame([...new Set(events.filter(({ type }) => type === 'exit').map(({ code, program }) => `${program} ${code}`))], [`${truth.self} 7`], 'those that executed nothing are not told');
    asMany(t, report, events.filter(({ type }) => type === 'exit').length, N);
    const byTime = [...events].sort((a, b) => a.time - b.time);
    t.strictSame(byTime.filter(({ type }, i) => type === byTime[i + 1]?.type), [], 'one begins when the other has ended');
  });

  test('what nobody waits for is said to be so', async (t) => {
    const target = await workload(t, 'execs', ['--zombies', '-n', String(N)]);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-o', 'ndjson']);
    target.line();
    await target.truth<Lives>();
    await setTimeout(500);
    const { report, events } = linesOf(t, await tracer.finish(t));
    const ends = events.filter(({ type }) => type === 'exit');
    t.strictSame(ends.map(({ code, isZombie }) => [code, isZombie]), Array.from({ length: N }, () => [7, true]));
    asMany(t, report, ends.length, N);
  });

  test('a crash loop is named, with how it ends and who starts it', async (t) => {
    const target = await workload(t, 'execs', ['--loop', '-n', '7']);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '--summary']);
    target.line();
    await target.truth<Lives>();
    await setTimeout(200);
    const text = (await tracer.finish(t)).replaceAll(/\s+/g, ' ');
    t.match(text, new RegExp(`execs is in a crash loop: 7 of 7 ended badly \\(exit 7\\) within \\S+, none lived longer than \\S+; execs \\(${target.pid}\\) starts it\\.`));
    t.match(text, new RegExp(`sudo ktrace exec -f -p ${target.pid} --failed`));
  });

  test('filters: by path, by arguments, by user; what they leave out is counted', async (t) => {
    const run = async (...options: string[]): Promise<[ExecReport, readonly ExecLine[]]> => {
      const { report, events } = await tracedLives(t, ['-n', '2'], options);
      return [report, events];
    };
    const [byPath, scripts] = await run('--path', 'ktrace-execs-\\d+\\.sh$');
    t.strictSame(scripts.map(({ type }) => type).sort(), ['exec', 'exec', 'exit', 'exit']);
    t.strictSame([byPath.header.accounting.hits, byPath.header.accounting.aggregated, byPath.header.accounting.filtered], [32, 2, 30]);
    const [byArgs, burners] = await run('--args', '--be (burn|killed)$');
    t.strictSame(burners.filter(({ type }) => type === 'exec').map(({ argv }) => argv[2]).sort(), ['burn', 'burn', 'killed', 'killed']);
    t.equal(byArgs.header.accounting.filtered, 28);
    const [nobody] = await run('--uid', '65534');
    t.equal(nobody.header.accounting.hits, 0);
    t.match(await run('--uid', '65534,0').then(([{ header }]) => header.accounting.hits), 32);
  });

  test('a user is told by its real and its effective id', async (t) => {
    const tracer = ktrace(t, ['-q', '-f', '-o', 'ndjson', '--uid', '65534', '-u', '65534', '--', 'sh', '-c', '/bin/true; exit 0'], { tool: 'exec' });
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    const { events } = linesOf(t, tracer.stdout);
    t.strictSame(events.filter(({ type }) => type === 'exec').map(({ uid, program }) => [uid, program]), [[65534, '/usr/bin/sh'], [65534, '/bin/true']]);
  });

  test('rules: alerts in lines, in events and in the report, and exit code 4', async (t) => {
    const rules = ['exec-from-tmp', 'deleted-binary', 'exit = 7', 'signal = SIGTERM and lifetime < 1m', 'error ~ ^E(ACCES|FAULT)$', 'program = "/bin/sh" and argv ~ "exec .*twice"', 'shell-in-container'];
    const target = await workload(t, 'execs', ['-n', String(N)]);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-o', 'ndjson', '--live', ...rules.flatMap((rule) => ['--alert', rule])]);
    target.line();
    const { self } = await target.truth<Lives>();
    await setTimeout(200);
    tracer.kill('SIGINT');
    t.strictSame(await tracer.exit(), { code: 4, signal: null });
    const { report, events } = linesOf(t, tracer.stdout);
    const count = (rule: string): number => events.filter(({ alerts }) => alerts.includes(rule)).length;
    const wanted = [(self.startsWith('/tmp/') ? 10 : 2) * N, 2 * N, N, N, 2 * N, N, 0];
    for (const [i, rule] of rules.entries()) asMany(t, report, count(rule), wanted[i] ?? 0, rule);
    t.strictSame(report.sections.alerts.rows.map(({ rule, count: held }) => [rule, held]).sort(), rules.map((rule, i) => [rule, wanted[i]]).filter(([, held]) => held !== 0).sort());
    t.strictSame(events.filter(({ type, alerts }) => type === 'exit' && alerts.length === 0), [], '--live shows ends only where a rule holds');
  });

  test('a rule that is none is refused before anything is traced', async (t) => {
    for (const [rule, why] of [['colour = red', 'there is no field colour'], ['exit >> 3', 'what is'], ['exit > many', 'exit is a number'], ['path ~ (', 'no regular expression'], ['exit = 1 and', 'nothing stands behind'], ['error = ENOENT and exit = 1', 'both'], ['', 'something']] as const) {
      const tracer = ktrace(t, ['--alert', rule], { tool: 'exec' });
      t.strictSame(await tracer.exit(), { code: 2, signal: null }, rule);
      t.match(tracer.stderr, why);
      t.match(tracer.stderr.trimEnd().split('\n').length, 1);
    }
  });

  test('a container by its cgroup, a shell in it, and who is killed because memory has run out', async (t) => {
    const id = 'd0c5'.repeat(16);
    const cgroup = memoryCgroup(t, `docker-${id}.scope`);
    if (!cgroup) return void t.fail('there is no cgroup with a limit of memory');
    const tracer = await tracing(t, ['-o', 'ndjson', '--args', 'cat /dev/zero', '--alert', 'shell-in-container', '--alert', 'oom = yes']);
    cgroup.limit(32 << 20);
    const victim = run(t, 'sh', ['-c', `echo $$ > ${join(cgroup.path, 'cgroup.procs')}; exec sh -c 'x=$(cat /dev/zero | tr "\\\\0" x)'`]);
    await victim.exit();
    await setTimeout(500);
    tracer.kill('SIGINT');
    t.strictSame(await tracer.exit(), { code: 4, signal: null });
    const { events } = linesOf(t, tracer.stdout, ['ring-full', 'backlog-full']);
    const inside = events.filter(({ pid, type, container }) => pid === victim.pid && type === 'exec' && container !== null);
    t.strictSame(inside.map(({ container, alerts, argv }) => [container, alerts, argv[0]]), [[id, ['shell-in-container'], 'sh']]);
    t.match(inside[0]?.cgroup, new RegExp(`/docker-${id}\\.scope$`));
    const end = events.find(({ pid, type }) => pid === victim.pid && type === 'exit');
    t.match(end, { signal: 'SIGKILL', code: null, oom: true, alerts: ['oom = yes'] });
    t.ok((end?.peakBytes ?? 0) > 16 << 20, `${end?.peakBytes} bytes`);
  });

  test('hostile names and arguments reach no terminal as they are', async (t) => {
    const target = await workload(t, 'execs', ['--names']);
    const tracers = await Promise.all([[], ['-o', 'ndjson'], ['--summary', '-v']].map((options) => tracing(t, ['-f', '-p', String(target.pid), ...options])));
    target.line();
    await target.truth();
    await setTimeout(200);
    const [table = '', ndjson = '', summary = ''] = await Promise.all(tracers.map((tracer) => tracer.finish(t)));
    for (const text of [table, ndjson, summary]) t.notOk(FORBIDDEN.test(text.replaceAll('\n', '')), `no forbidden byte: ${FORBIDDEN.exec(text.replaceAll('\n', ''))?.index}`);
    t.match(table, /\\x1b\[1A\\x1b\[2Kfake/);
    const [begun] = linesOf(t, ndjson).events;
    t.strictSame(begun?.argv, ['\x1b[1A\x1b[2Kfake', '--be', 'killed\r\n', '\\x9b31m', '\\xff\\xfe', "a b'c", '\u202ereversed']);
    t.equal(table.split('\n').filter((line) => / [+-] /.test(line)).length, 2, 'a line each, and no more');
  });

  test('a command from its first program on, with its children, and its exit status', async (t) => {
    const tracer = ktrace(t, ['-q', '-f', '--failed', '-o', 'ndjson', '--', 'sh', '-c', '/bin/true; /no/such; exit 3'], { tool: 'exec' });
    t.strictSame(await tracer.exit(), { code: 3, signal: null });
    const { events } = linesOf(t, tracer.stdout);
    const sorted = [...events].sort((a, b) => a.time - b.time);
    t.strictSame(sorted.map(({ type, program, code }) => [type, program, code ?? null]), [['exec', '/usr/bin/sh', null], ['exec', '/bin/true', null], ['exit', '/bin/true', 0], ['failed', '/no/such', null], ['exit', '/usr/bin/sh', 3]], 'nothing of the launcher');
  });

  test('filters that a process crosses by an exec: what it was ends there, and nothing is counted twice or not at all', async (t) => {
    const run = async (options: readonly string[], script: string): Promise<{ report: ExecReport; events: readonly ExecLine[] }> => {
      const tracer = ktrace(t, ['-q', '-f', '-o', 'ndjson', ...options, '--', 'sh', '-c', script], { tool: 'exec' });
      t.strictSame(await tracer.exit(), { code: 0, signal: null });
      return linesOf(t, tracer.stdout, ['programs-full']);
    };
    const row = ({ report }: { report: ExecReport }, program: string): unknown[] => [rowOf(report, program)?.started, rowOf(report, program)?.ended, tallied(rowOf(report, program)?.ends ?? [])];
    t.strictSame(row(await run(['--path', '/env$'], 'exec env true'), '/usr/bin/env'), [1, 1, { exec: 1 }], 'into what is not wanted');
    const into = await run(['--args', 'zz$'], "sh -c ': zz'; sh -c 'exec /bin/echo zz' x >/dev/null; true");
    t.strictSame(row(into, '/bin/echo'), [1, 1, { 'exit 0': 1 }], 'and out of it');
    t.strictSame(row(into, '/usr/bin/sh').slice(0, 2), [1, 1]);
    const left = await run(['--comm', 'sh'], 'exec /bin/sleep 0.2');
    t.strictSame(row(left, '/usr/bin/sh'), [1, 1, { exec: 1 }], 'into what is not traced');
    t.strictSame(left.events.map(({ type }) => type), ['exec'], 'its end is not that of the shell');
    t.strictSame((await run(['--max-rows', '1'], '/bin/true; true')).report.header.accounting.inFlight, 0);
  });

  test('in a pid namespace of its own: one life is one line, with the ids that are seen there', async (t) => {
    const inner = `${process.execPath} ${CLI} exec -q -f -o ndjson -- sh -c "/bin/true; exit 3"`;
    const outer = run(t, 'unshare', ['-pf', '--mount-proc', 'sh', '-c', `${inner}; true`]);
    t.strictSame(await outer.exit(), { code: 0, signal: null });
    const { events } = linesOf(t, outer.stdout);
    const sorted = [...events].sort((a, b) => a.time - b.time);
    t.strictSame(sorted.map(({ type, program, code, beforeTracing }) => [type, program, code ?? null, beforeTracing ?? null]), [['exec', '/usr/bin/sh', null, null], ['exec', '/bin/true', null, null], ['exit', '/bin/true', 0, false], ['exit', '/usr/bin/sh', 3, false]]);
    t.ok(events.every(({ pid }) => pid > 0 && pid < 1000), events.map(({ pid }) => pid).join(' '));
  });

  test('a process that was there before: its end is told, and ends the tracing', async (t) => {
    const target = run(t, 'sh', ['-c', 'read line; exit 5']);
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson']);
    target.line();
    await target.exit();
    const { report, events } = linesOf(t, await tracer.finish(t, null));
    t.match(events, [{ type: 'exit', pid: target.pid, comm: 'sh', code: 5, beforeTracing: true }]);
    t.equal(report.header.accounting.hits, 0, 'it is no exec');
  });

  test('lines for people: begin, failure and end; at their ends alone with --live', async (t) => {
    const target = await workload(t, 'execs', ['-n', '1']);
    const [both, live] = await Promise.all([tracing(t, ['-f', '-p', String(target.pid), '--failed']), tracing(t, ['-f', '-p', String(target.pid), '--live'])]);
    target.line();
    const { pid, self } = await target.truth<Lives>();
    await setTimeout(200);
    const [text, short] = [await both.finish(t), await live.finish(t)];
    t.match(text, new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\+ +\\d+ ${self} --be code {2}\\[uid 0, by execs ${pid} < .*\\]$`, 'm'));
    t.match(text, new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} ! +\\d+ /no/such/file as ${self} --be missing {2}ENOENT {2}\\[uid 0, by execs ${pid} < .*\\]$`, 'm'));
    t.match(text, new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} - +\\d+ ${self} {2}exit 7, lived \\S+, CPU \\S+, peak \\S+ \\S+$`, 'm'));
    t.match(short, new RegExp(` \\+ +\\d+ ${self} --be code `));
    t.notMatch(short, /^\S+ [-!] /m);
  });

  test('intervals add up to what there was', async (t) => {
    const target = await workload(t, 'execs', ['-n', String(N)]);
    const tracer = await tracing(t, ['-f', '-p', String(target.pid), '-i', '100ms', '-o', 'ndjson']);
    target.line();
    const { self } = await target.truth<Lives>();
    await setTimeout(300);
    const reports = (await tracer.finish(t)).trimEnd().split('\n').map((line) => JSON.parse(line) as ExecReport);
    const sum = (of: (row: ProgramRow) => number): number => reports.reduce((total, report) => total + of(rowOf(report, self) ?? ({ started: 0, ended: 0, failed: 0, ends: [] } as unknown as ProgramRow)), 0);
    t.ok(reports.length > 2, `${reports.length} reports`);
    asMany(t, reports, sum(({ started }) => started), 8 * N);
    asMany(t, reports, sum(({ ended }) => ended), 8 * N);
    asMany(t, reports, sum(({ ends }) => tallied(ends)['exit 7'] ?? 0), N);
  });

  test('two at once count the same; killed at any moment, it leaves nothing', async (t) => {
    const target = await workload(t, 'execs', ['-n', '3']);
    const both = await Promise.all([0, 1].map(() => tracing(t, ['-f', '-p', String(target.pid), '-o', 'json'])));
    target.line();
    const { self } = await target.truth<Lives>();
    await setTimeout(200);
    for (const tracer of both) {
      const report = jsonReport(await tracer.finish(t));
      accounts(t, report);
      if (rowOf(report, self)?.ended !== 24) onceMore(t, 'ends come later');
      t.strictSame([rowOf(report, self)?.started, rowOf(report, self)?.ended], [24, 24]);
    }
    const other = await workload(t, 'execs', ['--storm', '-n', '100000']);
    const tracer = await tracing(t, ['-f', '-p', String(other.pid)]);
    other.line();
    const due = Date.now() + 300;
    await killed(t, tracer, 'in a storm of programs', () => Date.now() >= due);
  });
});
