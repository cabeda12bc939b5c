/** Deadlocks: real ones, hung before ktrace starts, and none where there is none. */
import type { Test } from 'tap';
import { callsOf, only, people, sameDuel } from './compare.js';
import type { DeadlockRow, FutexReport, Truth } from './futex-model.js';
import { hung, workload } from './processes.js';
import { suite } from './suite.js';
import { ktrace, parseReport, traced, tracing } from './tracer.js';

const KINDS: Readonly<Record<string, string>> = { '--robust': 'robust mutex', '--rwlock': 'rwlock', '--join': 'mutex' };

/** The program's cycle as the report tells it: from the smallest thread id on. */
function cycleOf({ pid, cycle }: Truth, kind: string, back = 0): Pick<DeadlockRow, 'thread' | 'tid' | 'pid' | 'address' | 'kind'>[] {
  const start = cycle.findIndex(({ tid }) => tid === Math.min(...cycle.map((each) => each.tid)));
  return [...cycle.slice(start), ...cycle.slice(0, start)].map((each) => {
    const joins = each.waitsFor === 'the end of a thread';
    const address = `0x${(BigInt(each.futex) - BigInt(joins ? 0 : back)).toString(16)}`;
    return { thread: each.name, tid: each.tid, pid: each.pid ?? pid, address, kind: joins ? 'join' : kind };
  });
}

const told = (rows: readonly DeadlockRow[]): ReturnType<typeof cycleOf> => rows.map(({ thread, tid, pid, address, kind }) => ({ thread, tid, pid, address, kind }));

/** Each thread in the story with its lock and its holder, and in the finding. */
function tellsStory(t: Test, report: FutexReport, truth: Truth): void {
  const { story, rows } = report.sections.deadlocks;
  for (const { tid, name, owner, ownerName } of truth.cycle) {
    const waitsFor = rows.find((row) => row.tid === tid)?.waitsFor ?? 'nothing';
    const line = story.find((each) => each.startsWith(`${name} (${tid}) waits for `)) ?? '';
    t.ok(line.includes(`${ownerName} (${owner})`), `${line}: names who holds it`);
    if (!/ to end;/.test(line)) t.ok(line.includes(waitsFor), `${line}: names the lock ${waitsFor}`);
    t.ok(report.finding[0]?.includes(`${name} (${tid})`), 'the finding names it');
  }
  t.match(story.at(-1), /does not end by itself/);
  t.match(report.finding[0], /^Deadlock: .* wait for each other and will not go on by themselves\.$/);
  t.match(report.next[0], /^gdb -p \d+ /);
}

/** One second of tracing: the report, and what was said before it. */
async function look(t: Test, args: readonly string[]): Promise<FutexReport & { readonly announced: string }> {
  const tracer = await tracing(t, [...args, '-d', '1s']);
  const report = await tracer.report(t, { signal: null });
  return { ...report, announced: tracer.stderr };
}

/** Told on stderr as soon as it is found, once, with each thread and lock. */
function announces(t: Test, announced: string, truth: Truth): void {
  for (const { name, tid } of truth.cycle) t.equal(announced.split(`  ${name} (${tid}) waits for `).length - 1, 1, `${name} is announced once`);
}

suite(3, (test) => {
  for (const [args, back] of [[['-t', '2'], 0], [['-t', '5'], 0], [['-t', '64'], 0], [['-t', '5', '--robust'], 0], [['-t', '5', '--edge'], 0], [['-t', '2', '--rwlock'], 12], [['-t', '5', '--rwlock'], 12], [['-t', '2', '--join'], 0], [['-t', '5', '--join'], 0]] as const) {
    test(`a process that hangs already: deadlock ${args.join(' ')}`, async (t) => {
      const { truth } = await hung(t, 'deadlock', args);
      const report = await look(t, ['-p', String(truth.pid)]);
      const { rows } = report.sections.deadlocks;
      t.strictSame(told(rows), cycleOf(truth, KINDS[args[2] ?? ''] ?? 'mutex', back));
      t.strictSame(new Set(rows.map(({ cycle }) => cycle)), new Set([1]), 'one deadlock');
      for (const row of rows) t.match(row.waitsFor, row.kind === 'join' ? /the end of/ : args[2] === '--edge' ? /^anonymous 0x[0-9a-f]+$/ : /^deadlock\+0x[0-9a-f]+$/);
      tellsStory(t, report, truth);
      announces(t, report.announced, truth);
      t.equal(report.header.accounting.inFlight, truth.waits);
      const holders = report.sections.inFlight.rows.map(({ tid, holderTid, beforeTracing }) => [tid, holderTid, beforeTracing]);
      t.strictSame(holders.sort(), truth.cycle.map(({ tid, owner }) => [tid, owner, 'yes']).sort(), 'each waits for the next');
    });
  }

  test('the table begins with the deadlock', async (t) => {
    const { truth } = await hung(t, 'deadlock');
    const tracer = await ktrace(t, ['-p', String(truth.pid), '-d', '1s']).tracing();
    const table = await tracer.finish(t, null);
    t.match(table, /^.*\n(LOST: .*\n( {6}.*\n)*)?\nDEADLOCK\b/, 'before all else but the target, and what is missing');
    for (const { name, tid, ownerName, owner } of truth.cycle) {
      t.match(table, new RegExp(`${name} \\(${tid}\\) waits for mutex deadlock\\+0x[0-9a-f]+,\\s+held by\\s+${ownerName} \\(${owner}\\)`));
    }
    for (const line of table.split('\n')) t.ok(line.length <= 80, `80 columns: ${line}`);
  });

  test('a deadlock between two processes that share memory', async (t) => {
    const { truth } = await hung(t, 'deadlock_shared');
    const report = await look(t, truth.cycle.flatMap(({ pid }) => ['-p', String(pid)]));
    t.strictSame(told(report.sections.deadlocks.rows), cycleOf(truth, 'robust mutex'));
    tellsStory(t, report, truth);
  });

  test('a deadlock is found without knowing the process', async (t) => {
    const { truth } = await hung(t, 'deadlock');
    const report = await look(t, []);
    t.strictSame(told(report.sections.deadlocks.rows.filter(({ pid }) => pid === truth.pid)), cycleOf(truth, 'mutex'));
  });

  test('a deadlock that forms while traced', async (t) => {
    const program = await workload(t, 'deadlock', ['-t', '3'], false);
    const tracer = await tracing(t, ['-p', String(program.pid), '-i', '500ms', '-o', 'ndjson']);
    program.line();
    await program.says(/^hung/m);
    const truth = await program.truth();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const report = await tracer.report(t);
    t.strictSame(told(report.sections.deadlocks.rows), cycleOf(truth, 'mutex'));
    tellsStory(t, report, truth);
    announces(t, tracer.stderr, truth);
    t.ok(report.sections.inFlight.rows.every(({ beforeTracing }) => beforeTracing === 'no'));
  });

  test('priority inheritance: the kernel breaks the cycle, and what is left is told without guessing', async (t) => {
    const { truth } = await hung(t, 'deadlock', ['--pi']);
    const report = await look(t, ['-p', String(truth.pid)]);
    t.strictSame(report.sections.deadlocks.rows, []);
    const [first, last] = truth.cycle;
    const row = report.sections.inFlight.rows.find(({ tid }) => tid === first?.tid);
    t.strictSame([row?.kind, row?.op, row?.holderTid, row?.beforeTracing], ['PI mutex', 'FUTEX_LOCK_PI', first?.owner, 'yes']);
    t.equal(report.sections.inFlight.rows.find(({ tid }) => tid === last?.tid)?.holderTid, 0, 'the word on its stack names nobody');
    const lock = only(t, report.sections.locks.rows, 'lock');
    t.strictSame([lock.kind, lock.inFlight], ['PI mutex', 1]);
  });

  test('a busy lock is no deadlock, over 20 looks', async (t) => {
    const target = await workload(t, 'mutex_many', ['-n', '3000']);
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', '100ms', '20']);
    target.line();
    const output = await tracer.finish(t, null);
    const reports = output.trimEnd().split('\n').map(parseReport);
    t.equal(reports.length, 20);
    for (const report of reports) t.strictSame(report.sections.deadlocks.rows, []);
    t.ok(reports.some((report) => report.sections.inFlight.rows.some(({ holderTid }) => holderTid > 0)), 'although threads waited for each other');
    target.kill('SIGKILL');
  });

  test('threads behind a deadlock and beside it', async (t) => {
    const { truth } = await hung(t, 'deadlock', ['-t', '3']);
    const { report, truth: duel } = await traced(t, 'mutex', [], ['-p', String(truth.pid)]);
    t.strictSame(told(report.sections.deadlocks.rows), cycleOf(truth, 'mutex'));
    const row = report.sections.locks.rows.find(({ pids }) => pids === String(duel.pid));
    if (row) sameDuel(t, row, duel);
    t.ok(row, 'the healthy process is told beside it');
    t.strictSame(people(row?.holders ?? []), [['holder', duel.holder, duel.waits]]);
    t.equal(callsOf(report, 'FUTEX_WAIT').woken, duel.waits);
  });
});
