/** `ktrace oom`, each variant that this kernel takes: who was killed and why, against the kernel log. */
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { schema } from '../../src/generated/oom.js';
import { kernelFacts } from '../../src/source/facts.js';
import { planAttach, variantsOf } from '../../src/source/plan.js';
import type { IncidentRecord } from '../../src/tools/oom/model.js';
import { DISPOSABLE, EMULATED, kernelVersion, N as ROUNDS, VARIANT } from './machine.js';
import { holding, kernelLog, killedIn, Limited, LOG_PAUSE_MS, mayProtect, memoryController, MIB, oomLines, stackIn, tasksIn, type Logged, type OomReport } from './ooms.js';
import { run } from './processes.js';
import { onceMore } from './losses.js';
import { suite } from './suite.js';
import { ktrace, lacking } from './tracer.js';

const N = EMULATED ? 5 : ROUNDS;
const AT_ONCE = 20;
const PAGE = 4096;

interface Seen {
  readonly report: OomReport;
  readonly incidents: readonly IncidentRecord[];
  readonly killed: readonly Logged[];
  readonly log: string;
}

/** What ktrace saw while something ran out of memory. */
async function during(t: Test, variant: string, act: () => Promise<void>): Promise<Seen> {
  if (variant === 'log') await sleep(LOG_PAUSE_MS);
  const tracer = await ktrace(t, ['-o', 'ndjson', '--variant', variant], { tool: 'oom' }).tracing();
  const log = kernelLog();
  await act();
  const { report, incidents, after } = oomLines(t, await tracer.finish(t));
  const text = log();
  const killed = killedIn(text).filter(({ pid }, i, all) => all.findIndex((each) => each.pid === pid) === i); // who stands for a group is killed with it once more
  t.equal(report.header.variant, variant);
  t.strictSame(incidents.flatMap(({ victims }) => victims.filter(({ how }) => how === 'killed').map(({ pid }) => pid)), killed.map(({ pid }) => pid), 'all that the kernel says it killed, in its order');
  const pids = (type: string): number[] => after.filter((each) => each.type === type).map(({ pid }) => pid).sort();
  t.strictSame(pids('end'), killed.map(({ pid }) => pid).sort(), 'each has ended');
  if (kernelVersion() >= 601) t.strictSame(pids('freed'), killed.map(({ pid }) => pid).sort(), 'the memory of each is free');
  t.ok(after.every(({ tookNs }) => tookNs > 0));
  for (const { pid, memory, adj } of incidents.flatMap(({ victims }) => victims)) {
    const said = killed.find((each) => each.pid === pid);
    if (said) t.match({ ...memory, pid, adj }, said, `${pid}: as the kernel says`);
  }
  return { report, incidents, killed, log: text };
}

/**
 * The kernel counts what each CPU, before 6.2 each thread, has handed in. It may do so between two looks: before 6.2 when the victim ends. After 6.18 the
 * OOM killer adds up what CPUs have.
 */
const LAG = kernelVersion() >= 602 && kernelVersion() <= 618 ? 0 : 64 * cpus().length * PAGE;
const isSame = (ours: number, theirs: number): boolean => Math.abs(ours - theirs) <= LAG;

/** A process that takes more than there is: it, or another one, is killed. */
async function takes(t: Test, group: Limited, ...args: readonly string[]): Promise<number> {
  const hog = await group.hog(t, ...args);
  hog.line();
  t.strictSame(await hog.exit(), { code: null, signal: 'SIGKILL' });
  return hog.pid;
}

suite(1, (test) => {
  const facts = kernelFacts();
  for (const variant of variantsOf(schema.programs)) {
    const [plan] = planAttach(schema.programs, facts, { only: variant, optional: [] });
    const why = plan?.refused ? `${plan.refused.stage}: ${plan.refused.code}` : lacking(variant, 'oom');
    test(`${variant}: ${N} kills, one after the other`, async (t) => {
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const controller = memoryController();
      const group = Limited.make(t, controller, 16 * MIB);
      const pids: number[] = [];
      const { incidents, report } = await during(t, variant, async () => {
        for (let i = 0; i < N; i++) pids.push(await takes(t, group, '--anon', '64'));
      });
      t.strictSame(incidents.map(({ victims }) => victims.map(({ pid }) => pid)), pids.map((pid) => [pid]));
      t.strictSame(incidents.map(({ trigger }) => [trigger?.pid, trigger?.tid, trigger?.process]), pids.map((pid) => [pid, pid, 'hog']), 'each asked for itself');
      t.strictSame([...new Set(incidents.flatMap(({ victims }) => victims.map(({ cgroup, uid, process }) => `${cgroup} ${uid} ${process}`)))], [`${group.path} 0 hog`]);
      const whole = incidents.filter(({ cgroup }) => cgroup !== null);
      t.strictSame([...new Set(whole.map(({ constraint, cgroup, limit, order }) => `${constraint} ${cgroup} ${limit} ${order}`))], [`memcg ${group.path} ${16 * MIB} 0`]);
      t.ok(whole.every(({ usage }) => usage !== null && usage <= 16 * MIB && usage > 15 * MIB), 'all of it is used, but for what CPUs have in stock');
      t.ok(whole.length === N || (variant === 'log' && whole.length >= Math.min(N, 10) && incidents.every((each) => each.cgroup !== null || each.missing.length > 0)), `${whole.length} of ${N} are whole`);
      t.strictSame(report.header.accounting, { hits: N, aggregated: N, inFlight: 0, filtered: 0, dropped: 0 });
      t.ok(report.sections.incidents.rows.every(({ ended }) => (ended ?? 0) > 0), 'and when it had ended');
    });

    test(`${variant}: the victim is not who asked; every candidate with its score`, async (t) => {
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const group = Limited.make(t, memoryController(), 64 * MIB);
      const quiet = await holding(await group.hog(t, '--anon', '16'));
      const marked = await holding(await group.hog(t, '--anon', '12', '--adj', '500'));
      const least = mayProtect() ? -1000 : 0;
      const guarded = await holding(await group.hog(t, '--anon', '8', '--adj', String(least)));
      const asking = await group.hog(t, '--anon', '32');
      const { incidents, killed, log } = await during(t, variant, async () => {
        asking.line();
        t.strictSame(await marked.exit(), { code: null, signal: 'SIGKILL' });
        await Promise.race([asking.truth().catch(() => undefined), asking.exited]);
      });
      const [incident] = incidents;
      if (killed.length > 1) onceMore(t, 'the kernel killed another one before the memory of the first was free');
      t.equal(incidents.length, killed.length);
      t.match(incident, { trigger: { pid: asking.pid, process: 'hog' }, cgroup: group.path, totalPages: (64 * MIB) / PAGE, victims: [{ pid: marked.pid, how: 'killed' }] });
      const { stack, address } = stackIn(log);
      if (variant === 'kprobe' && kernelVersion() < 601) t.strictSame([incident?.allocation, address], [null, undefined], 'the kernel does not get past the kprobe');
      else t.strictSame([incident?.allocation, stack.length > 5], [{ stack, address, syscall: null, pageFault: true }, true], 'it asked where the kernel says');
      const rows = (incident?.candidates ?? []).map(({ pid, memory, adj }) => [pid, memory?.pageTables, adj]);
      t.strictSame([...rows].sort(), tasksIn(log).map(([pid, , tables, adj]) => [pid, tables, adj]).sort(), "every row of the kernel's table");
      for (const [pid, rss] of tasksIn(log)) t.ok(isSame(incident?.candidates.find((each) => each.pid === pid)?.memory?.rss ?? NaN, rss * PAGE), `${pid}: ${rss} pages`);
      t.equal(rows.length, 4);
      const scoreOf = (pid: number): number | null | undefined => incident?.candidates.find((each) => each.pid === pid)?.score;
      for (const [pid, rss, tables, adj] of tasksIn(log)) {
        const score = adj === -1000 ? null : rss + Math.floor(tables / PAGE) + adj * Math.floor((64 * MIB) / PAGE / 1000);
        if (score === null) t.equal(scoreOf(pid), null, `${pid}: not to be killed`);
        else t.ok(isSame((scoreOf(pid) ?? NaN) * PAGE, score * PAGE), `${pid}: its score is ${score}`);
      }
      t.strictSame(incident?.candidates.map(({ pid, victim }) => [pid, victim]), [[marked.pid, true], ...[quiet.pid, asking.pid].sort((a, b) => (scoreOf(b) ?? 0) - (scoreOf(a) ?? 0)).map((pid) => [pid, false]), [guarded.pid, false]]);
      t.equal(incident?.victims[0]?.score, scoreOf(marked.pid));
    });

    test(`${variant}: a limit above, a thread that asks, and a file system that holds what no process does`, async (t) => {
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const above = Limited.make(t, memoryController(), 24 * MIB);
      const below = Limited.make(t, above.controller, undefined, above.directory);
      const pids: number[] = [];
      const { incidents } = await during(t, variant, async () => {
        pids.push(await takes(t, below, '--anon', '64', '--thread', Buffer.from('taker').toString('hex')));
      });
      t.match(incidents, [{ cgroup: above.path, victims: [{ pid: pids[0], cgroup: below.path }], trigger: { pid: pids[0], thread: 'taker', process: 'hog' } }]);
      t.not(incidents[0]?.trigger?.tid, pids[0]);

      const group = Limited.make(t, above.controller, 32 * MIB);
      const filler = run(t, 'unshare', ['-m', 'sh', '-c', `mount -t tmpfs none /mnt && echo $$ > ${group.directory}/cgroup.procs && head -c 20M /dev/zero > /mnt/full && echo full && read line`]);
      await filler.says(/^full$/m);
      const { report } = await during(t, variant, async () => void (await takes(t, group, '--anon', '64', '--adj', '100')));
      t.match(report.sections.incidents.rows, [{ means: /^(1[6-9]|2[01])(\.\d)? MiB of the usage is mapped by none of the candidates: the cgroup has tmpfs and shared 20\.0 MiB/ }]);
    });

    test(`${variant}: a group that goes as one`, async (t) => {
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const controller = memoryController();
      if (!controller.unified) return void t.pass('skipped', { skip: 'memory.oom.group is of cgroup v2, and the memory controller is on v1 here' });
      const group = Limited.make(t, controller, 32 * MIB);
      group.asGroup();
      const others = [await holding(await group.hog(t, '--anon', '6')), await holding(await group.hog(t, '--anon', '6'))];
      const { incidents } = await during(t, variant, async () => {
        await takes(t, group, '--anon', '64');
        for (const other of others) t.strictSame(await other.exit(), { code: null, signal: 'SIGKILL' });
      });
      t.equal(incidents.length, 1, 'one incident');
      t.equal(incidents[0]?.victims.length, 3);
    });

    test(`${variant}: ${AT_ONCE} at once`, async (t) => {
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const controller = memoryController();
      const hogs = await Promise.all(Array.from({ length: AT_ONCE }, () => Limited.make(t, controller, 8 * MIB).hog(t, '--anon', '32')));
      const { incidents, report } = await during(t, variant, async () => {
        for (const hog of hogs) hog.line();
        for (const hog of hogs) t.strictSame(await hog.exit(), { code: null, signal: 'SIGKILL' });
      });
      t.strictSame(incidents.map(({ victims }) => victims.map(({ pid }) => pid)).flat().sort(), hogs.map(({ pid }) => pid).sort());
      t.equal(incidents.length, AT_ONCE);
      t.equal(report.header.accounting.hits, AT_ONCE);
    });

    // Of a machine of its own, and not in the short form of the suite: all of its memory is cleared, and a processor in software that has to share its own takes a minute for it.
    if (!DISPOSABLE || VARIANT !== variant || why !== undefined) continue;

    test(`${variant}: the whole machine runs out`, async (t) => {
      const group = Limited.make(t, memoryController(), undefined);
      const pids: number[] = [];
      const { incidents, killed } = await during(t, variant, async () => void pids.push(await takes(t, group, '--anon', String(Math.floor(totalmem() / MIB) - 1), '--adj', '1000')));
      t.strictSame(killed.map(({ pid }) => pid), pids);
      t.match(incidents, [{ constraint: 'none', cgroup: null, victims: [{ pid: pids[0], adj: 1000 }] }]);
      t.ok((incidents[0]?.candidates.length ?? 0) > 2);
    });
  }
});
