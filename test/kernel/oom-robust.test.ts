/** `ktrace oom`: exit codes, the kernel log alone, a library, full rings and tables, hostile names, a sudden end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { oom, type OomRecord } from '../../src/index.js';
import { kernelFacts } from '../../src/source/facts.js';
import { loss, tolerant } from './losses.js';
import { CLI, DISPOSABLE, EMULATED } from './machine.js';
import { holding, kernelLog, killedIn, Limited, mayProtect, memoryController, MIB, oomLines, type OomReport } from './ooms.js';
import { run } from './processes.js';
import { killed } from './sudden-end.js';
import { suite } from './suite.js';
import { ktrace } from './tracer.js';

const KILLED = { code: null, signal: 'SIGKILL' };
/** Where functions cannot be hooked, the rest is from the kernel log, ten incidents in five seconds. */
const FROM_LOG = kernelFacts().refused['fentry'] !== undefined && kernelFacts().refused['kprobe'] !== undefined;

/** Somebody is killed in it. */
async function killIn(t: Test, group: Limited, ...args: readonly string[]): Promise<number> {
  const hog = await group.hog(t, '--anon', '64', ...args);
  hog.line();
  t.strictSame(await hog.exit(), KILLED);
  return hog.pid;
}

suite(1, (test) => {
  test('--fail-on-oom: 5 where memory ran out, else as ever', async (t) => {
    const group = Limited.make(t, memoryController(), 16 * MIB);
    const tracer = await ktrace(t, ['--fail-on-oom'], { tool: 'oom' }).tracing();
    await killIn(t, group);
    tracer.kill('SIGINT');
    t.strictSame(await tracer.exit(), { code: 5, signal: null });
    t.match(tracer.stdout, /^Memory ran out once: 1 process killed\.$/m);
    const quiet = ktrace(t, ['--fail-on-oom', '-q', '--', 'true'], { tool: 'oom' });
    t.strictSame(await quiet.exit(), { code: 0, signal: null });
    t.match(quiet.stdout, /Memory did not run out\./);
  });

  test('--list: what the kernel log has, in the same form', async (t) => {
    const group = Limited.make(t, memoryController(), 16 * MIB);
    if (!EMULATED) await sleep(5500); // ten in five seconds
    const log = kernelLog();
    const pid = await killIn(t, group, '--adj', '77');
    const [said] = killedIn(log());
    const list = run(t, process.execPath, [CLI, 'oom', '--list', '-o', 'ndjson']);
    t.strictSame(await list.exit(), { code: 0, signal: null });
    const { incidents } = oomLines(t, list.stdout, ['log-lost']);
    const last = incidents.at(-1);
    t.match(last, { origin: 'log', cgroup: group.path, limit: 16 * MIB, victims: [{ pid, adj: 77, memory: { anon: said?.anon, file: said?.file, shmem: said?.shmem, pageTables: said?.pageTables } }] });
    const text = run(t, process.execPath, [CLI, 'oom', '--list']);
    await text.exit();
    t.match(text.stdout, new RegExp(`^ {2}killed {3}hog \\(${pid}\\), uid 0$`, 'm'));
    t.match(text.stdout, /^ktrace oom: the kernel log, reconstructed$/m);
    t.strictSame(text.stdout.split('\n').filter((line) => [...line].length > 80), []);
  });

  test('who would be killed now, and is', async (t) => {
    const group = Limited.make(t, memoryController(), 32 * MIB);
    const [small, large] = [await group.hog(t, '--anon', '4'), await group.hog(t, '--anon', '18')];
    for (const each of [small, large]) each.line();
    await Promise.all([small.truth(), large.truth()]);
    const asked = run(t, process.execPath, [CLI, 'oom', '-p', String(small.pid), '-o', 'json']);
    t.strictSame(await asked.exit(), { code: 0, signal: null });
    const report = JSON.parse(asked.stdout) as OomReport;
    t.match(report.header, { target: `cgroup ${group.path}, now`, variant: 'none' });
    t.strictSame(report.sections.candidates.rows.map(({ pid, victim }) => [pid, victim]), [[large.pid, 'yes'], [small.pid, 'no']]);
    const asking = await group.hog(t, '--anon', '14');
    asking.line();
    t.strictSame(await large.exit(), KILLED);
  });

  test('as a library; a name that is hostile', async (t) => {
    const NAME = Buffer.from('\u001b[31mred\n').toString('hex');
    const group = Limited.make(t, memoryController(), 16 * MIB);
    const [session, table] = [await oom({ events: true }), await ktrace(t, [], { tool: 'oom' }).tracing()];
    const pid = await killIn(t, group, '--name', NAME);
    const events: OomRecord[] = [];
    await sleep(1500);
    session.stop();
    for await (const event of session.events()) events.push(event);
    t.match(events.filter(({ type }) => type !== 'freed'), [{ type: 'incident', number: 1, victims: [{ pid, process: '\u001b[31mred\n' }] }, { type: 'end', number: 1, pid, process: '\u001b[31mred\n' }]);
    session.close();
    const text = await table.finish(t);
    t.match(text, new RegExp(`^ {2}killed {3}\\\\x1b\\[31mred\\\\x0a \\(${pid}\\), uid 0$`, 'm'));
    t.notMatch(text, '\u001b');
    await t.rejects(oom({ pid: 1 }), { code: 'USAGE' });
  });

  test('what is full is counted', async (t) => {
    tolerant(t);
    const controller = memoryController();
    const group = Limited.make(t, controller, 16 * MIB);
    const tracer = await ktrace(t, ['-o', 'ndjson', '--max-rows', '2', '--ring-size', '4096'], { tool: 'oom' }).tracing();
    for (let i = 0; i < 5; i++) await killIn(t, group);
    const { report, incidents } = oomLines(t, await tracer.finish(t), ['rows-full', 'ring-full']);
    t.equal(incidents.length, 5, 'all are told');
    t.strictSame([report.sections.incidents.rows.length, loss(report, 'rows-full')], [2, 3]);
    t.match(report.header.accounting, { hits: 5, aggregated: 2, dropped: 3 });
    if (FROM_LOG) return;
    const many = Limited.make(t, controller, 64 * MIB);
    const crowd = await Promise.all(Array.from({ length: 60 }, () => many.hog(t)));
    const small = await ktrace(t, ['-o', 'ndjson', '--ring-size', '4096'], { tool: 'oom' }).tracing();
    await killIn(t, many, '--anon', '256', '--adj', '900');
    const full = oomLines(t, await small.finish(t), ['ring-full']);
    if (full.incidents[0]?.origin === 'both') return; // this kernel has no hook for candidates
    t.equal(loss(full.report, 'ring-full') + (full.incidents[0]?.candidates.length ?? 0), crowd.length + 1, 'each candidate is told, or counted as lost');
    t.ok(loss(full.report, 'ring-full') > 0);
  });

  test('--protect-self: never a victim, where that may be', async (t) => {
    const tracer = ktrace(t, ['--protect-self'], { tool: 'oom' });
    if (!mayProtect()) {
      t.strictSame(await tracer.exit(), { code: 1, signal: null });
      t.match(tracer.stderr, /^ktrace: Cannot protect ktrace from being killed: .*EACCES.*CAP_SYS_RESOURCE/);
      return;
    }
    await tracer.tracing();
    t.equal(readFileSync(`/proc/${tracer.pid}/oom_score_adj`, 'utf8'), '-1000\n');
    const code = readFileSync(`/proc/${tracer.pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((mapping) => /^\S+ r-xp \S+ \S+ [1-9]\d* .*\/(node|ktrace\.node)$/m.test(mapping));
    t.ok(code.length >= 2, 'of Node.js, and of the addon');
    for (const mapping of code) t.match(mapping, /^VmFlags:.* lo\b/m, 'it stays');
    await tracer.finish(t);
  });

  test('sysrq asks: somebody is killed although there is memory', async (t) => {
    if (!DISPOSABLE) return void t.pass('skipped', { skip: 'the kernel kills whom it likes: for a machine of its own' });
    const group = Limited.make(t, memoryController(), undefined);
    const hog = await holding(await group.hog(t, '--anon', '16', '--adj', '1000'));
    const tracer = await ktrace(t, ['-o', 'ndjson'], { tool: 'oom' }).tracing();
    writeFileSync('/proc/sysrq-trigger', 'f');
    t.strictSame(await hog.exit(), KILLED);
    const { incidents } = oomLines(t, await tracer.finish(t));
    t.match(incidents, [{ constraint: 'none', order: -1, cgroup: null, allocation: null, trigger: { thread: /^kworker\// }, victims: [{ pid: hog.pid, adj: 1000 }] }]);
    t.ok((incidents[0]?.machine?.available ?? 0) > 100 * MIB, 'as the report says');
  });

  test('killed while memory runs out, it leaves nothing', async (t) => {
    const group = Limited.make(t, memoryController(), 16 * MIB);
    const tracer = await ktrace(t, [], { tool: 'oom' }).tracing();
    const hog = await group.hog(t, '--anon', '64');
    hog.line();
    const due = Date.now() + 50;
    await killed(t, tracer, 'while memory runs out', () => Date.now() >= due);
    t.strictSame(await hog.exit(), KILLED);
  });

  test('filters are refused where they would lie', async (t) => {
    for (const words of [['-t', '1'], ['--comm', 'node'], ['--min-wait', '1s'], ['-p', '999999999'], ['-c', '/no/such']]) {
      const tracer = run(t, process.execPath, [CLI, 'oom', ...words]);
      t.ok([1, 2].includes((await tracer.exit()).code ?? 0), words.join(' '));
      t.match(tracer.stderr, /^ktrace: .*\n$/);
    }
  });
});
