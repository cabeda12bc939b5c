/** `ktrace oom`: what it was like before a kill, and what came after, against /proc, the files of the cgroup and the kernel log. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMULATED } from './machine.js';
import { onceMore } from './losses.js';
import { holding, kernelLog, killedIn, Limited, LOG_PAUSE_MS, memoryController, MIB, oomLines, victimsAreTold } from './ooms.js';
import { program, run } from './processes.js';
import { suite } from './suite.js';
import { ktrace } from './tracer.js';

/** Longer than it is between two samples of ktrace's, after the first ten seconds of a process. */
const SAMPLE_MS = EMULATED ? 30_000 : 22_000;
const PAGE = 4096;
/** Before 6.2 a thread hands in up to 64 pages late, of each kind. */
const LAG = 4 * 64 * PAGE;
const residentOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;

suite(1, (test) => {
  test('what the victim held before, what its cgroup held then, and how often that was hit', async (t) => {
    const group = Limited.make(t, memoryController(), 24 * MIB);
    const tracer = await ktrace(t, ['-o', 'ndjson'], { tool: 'oom' }).tracing();
    const victim = await holding(await group.hog(t, '--anon', '12', '--adj', '500'));
    await sleep(SAMPLE_MS);
    const resident = residentOf(victim.pid);
    const asking = await group.hog(t, '--anon', '14');
    const log = kernelLog();
    asking.line();
    t.strictSame(await victim.exit(), { code: null, signal: 'SIGKILL' });
    await Promise.race([asking.truth().catch(() => undefined), asking.exited]);
    const { incidents, report } = oomLines(t, await tracer.finish(t));
    const said = log();
    const kills = killedIn(said).length;
    t.equal(incidents.length, kills, 'the kernel may kill another one before the memory of the first is free');
    t.match(incidents, [{ times: 1, victims: [{ pid: victim.pid, program: report.header.variant === 'log' && !victimsAreTold() ? null : 'hog' }] }], 'a tracepoint that gives an id alone does not tell the program');
    const { victims: [{ before = [], memory } = {}], stat, cgroupState, machine } = incidents[0] ?? { victims: [], stat: null, cgroupState: null, machine: null };
    if (before.length === 0) onceMore(t, 'samples take half a percent of a CPU, and on a busy machine there was none yet');
    t.ok(before.some(({ rss }) => rss === resident), `${resident}, as /proc said`);
    t.ok((memory?.rss ?? 0) <= resident + LAG && (memory?.anon ?? 0) >= 12 * MIB, 'it slept, and the kernel took pages of its files back');
    t.ok(before.every(({ agoNs }) => agoNs > 0));
    t.ok(Object.keys(stat ?? {}).length >= 7);
    for (const [name, bytes] of Object.entries(stat ?? {})) t.match(said, new RegExp(`(^|\\s)${name} ${bytes}$`, 'm'), `${name}, as in the kernel log`);
    const file = (name: string): string => readFileSync(join(group.directory, name), 'utf8');
    const counts = file(group.controller.unified ? 'memory.events' : 'memory.oom_control');
    t.match(counts, new RegExp(`^oom_kill ${kills}$`, 'm'));
    t.equal(incidents.at(-1)?.cgroupState?.killed, kills);
    const hits = Number(/^max (\d+)$/m.exec(counts)?.[1] ?? 0);
    if (group.controller.unified) t.ok((cgroupState?.maxHits ?? 0) > 0 && (cgroupState?.maxHits ?? 0) <= hits, `${cgroupState?.maxHits} of ${hits}: who asked went on`);
    else t.equal(cgroupState?.maxHits, null);
    t.equal(cgroupState?.pressure === null, !existsSync(join(group.directory, 'memory.pressure')));
    t.equal(machine?.total, Number(/^MemTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024);
    t.ok((machine?.available ?? 0) > 0 && (machine?.agoNs ?? 0) > 0);
  });

  test('its program is executed again: in its cgroup, and not elsewhere', async (t) => {
    if (!EMULATED) await sleep(LOG_PAUSE_MS);
    const [group, other] = [Limited.make(t, memoryController(), 16 * MIB), Limited.make(t, memoryController(), 16 * MIB)];
    const tracer = await ktrace(t, ['-o', 'ndjson'], { tool: 'oom' }).tracing();
    const shell = run(t, 'sh', ['-c', 'echo $$ > "$1/cgroup.procs"; for mib in 64 64; do echo | "$2" --anon $mib; done; echo "end"; read line; echo "then $$"; echo | exec "$2" --anon 1', 'sh', group.directory, program('hog')]);
    await shell.says(/^end$/m);
    await other.hog(t, '--anon', '1');
    shell.line();
    await shell.exit();
    const { incidents, after, report } = oomLines(t, await tracer.finish(t));
    t.strictSame(incidents.map(({ times }) => times), [1, 2], 'the second one is known for it');
    const restarts = after.filter(({ type }) => type === 'restart');
    if (report.header.variant === 'log' && !victimsAreTold()) return void t.pass('skipped', { skip: 'to know the program of a victim needs Linux 6.8' });
    const [first, second] = incidents.map(({ victims }) => victims[0]?.pid);
    t.match(restarts, [{ number: 1, pid: first, successor: second }, { number: 2, pid: second }]);
    t.ok(restarts.every(({ tookNs }) => tookNs > 0));
  });
});
