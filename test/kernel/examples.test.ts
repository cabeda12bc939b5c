/** Every program in examples/ does what its first line says, on a workload that knows the truth. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { N, ROOT } from './machine.js';
import { hung, run, workload, type Running } from './processes.js';
import { suite } from './suite.js';

const TESTED = ['events-to-ndjson', 'stop-on-deadlock', 'top-holder', 'watch-own-agent'];
const TRACES = /^(tracing|watching) \d+/m;
/** Long enough for a workload of a fraction of a second on a machine that is busy with other tests. */
const SECONDS = '5';

suite(2, (test) => {
  test('every example is run by a test here', async (t) => {
    const programs = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.mjs'));
    t.strictSame(programs.sort(), TESTED.map((name) => `${name}.mjs`));
  });

  test('top-holder names the thread that held the lock', async (t) => {
    const target = await workload(t, 'mutex');
    const program = await example(t, 'top-holder', String(target.pid), SECONDS);
    target.line();
    const { holder } = await target.truth();
    t.strictSame(await program.exit(), { code: 0, signal: null });
    t.match(program.stdout, new RegExp(`^holder \\(${holder}\\) held mutex mutex\\+0x[0-9a-f]+ in ${N} of ${N} sleeps\\n$`));
  });

  test('top-holder says so when nobody waited', async (t) => {
    const target = await workload(t, 'mutex');
    const program = await example(t, 'top-holder', String(target.pid), '0.2');
    t.strictSame(await program.exit(), { code: 0, signal: null });
    t.equal(program.stdout, `no thread of ${target.pid} waited for a lock\n`);
  });

  test('stop-on-deadlock tells a deadlock that was there before it, and exits with 1', async (t) => {
    const { program: target, truth } = await hung(t, 'deadlock', ['-t', '3']);
    const program = await example(t, 'stop-on-deadlock', String(target.pid));
    t.strictSame(await program.exit(), { code: 1, signal: null });
    for (const { name, tid, owner, ownerName } of truth.cycle) {
      t.match(program.stdout, new RegExp(`^${name} \\(${tid}\\) waits for mutex \\S+, held by ${ownerName} \\(${owner}\\)`, 'm'));
    }
  });

  test('stop-on-deadlock exits with 0 after a process that only contends', async (t) => {
    const target = await workload(t, 'mutex', [], false);
    const program = await example(t, 'stop-on-deadlock', String(target.pid));
    target.line();
    t.strictSame(await target.exit(), { code: 0, signal: null });
    t.strictSame(await program.exit(), { code: 0, signal: null });
    t.equal(program.stdout, '');
  });

  test('events-to-ndjson writes one line for each wait, with who ended it', async (t) => {
    const target = await workload(t, 'mutex', [], false);
    const program = await example(t, 'events-to-ndjson', String(target.pid));
    target.line();
    const { holder, threads } = await target.truth();
    t.strictSame(await program.exit(), { code: 0, signal: null });
    const waiter = threads.find(({ waits }) => waits > 0);
    const events = lines(program);
    t.equal(events.length, N);
    for (const event of events) t.match(event, { type: 'wait', pid: target.pid, tid: waiter?.tid, thread: 'waiter', holder, wakerTid: holder, waker: 'holder', address: /^0x[0-9a-f]+$/ });
    t.notMatch(program.stderr, 'lost');
  });

  test('events-to-ndjson leaves out what is shorter than asked for, and ends with Ctrl-C', async (t) => {
    const target = await workload(t, 'mutex');
    const program = await example(t, 'events-to-ndjson', String(target.pid), '1h');
    target.line();
    await target.truth();
    program.kill('SIGINT');
    t.strictSame(await program.exit(), { code: 0, signal: null });
    t.equal(program.stdout, '');
  });

  test('watch-own-agent reports the threads of its own process again and again', async (t) => {
    const program = await example(t, 'watch-own-agent', '0.2');
    await program.says(/\n.+\n/);
    program.kill('SIGTERM');
    t.strictSame(await program.exit(), { code: 0, signal: null });
    for (const report of lines(program)) {
      t.match(report, { type: 'report', header: { tool: 'futex', target: `process ${program.pid}` } });
      const waits = (report as { sections: { inFlight: { rows: { pid: number }[] } } }).sections.inFlight.rows;
      t.ok(waits.length > 0, 'the idle threads of Node.js wait');
      t.ok(waits.every(({ pid }) => pid === program.pid), 'nobody else does in this report');
    }
  });
});

/** Resolves when it traces. */
async function example(t: Test, name: string, ...args: string[]): Promise<Running> {
  const running = run(t, process.execPath, [join(ROOT, 'examples', `${name}.mjs`), ...args]);
  await running.says(TRACES, 'stderr');
  return running;
}

function lines({ stdout }: Running): unknown[] {
  return stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
}
