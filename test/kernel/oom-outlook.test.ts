/** Who would be killed is who is killed: what is said before, and what the kernel writes when it happens. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { outlook } from '../../src/enrich/candidates.js';
import { KernelLog } from '../../src/source/kmsg.js';
import { memoryMount, type MemoryCgroup } from '../../src/source/memory-cgroup.js';
import { incidentsOf } from '../../src/tools/oom/log.js';
import type { Incident } from '../../src/tools/oom/model.js';
import { removed } from './cgroups.js';
import { LOG_PAUSE_MS, MIB } from './ooms.js';
import { workload, type Running } from './processes.js';
import { suite } from './suite.js';

/** What the OOM killer's count of one kind of memory is short of from Linux 6.2 on, and /proc's is not from 6.17 on: percpu_counter_batch of each CPU. */
const LAG = Math.max(32, 2 * cpus().length) * cpus().length * 4096;

/** With a limit in MiB and without swap, gone with the test. */
function limited(t: Test, name: string, mib: number): MemoryCgroup & { readonly directory: string } {
  const mount = memoryMount();
  if (!mount) throw new Error('there is no memory controller');
  const path = `/ktrace-test-${process.pid}-${name}`;
  const directory = join(mount.path, path);
  if (mount.version === 2) writeFileSync(join(mount.path, 'cgroup.subtree_control'), '+memory');
  mkdirSync(directory);
  removed(t, directory);
  writeFileSync(join(directory, mount.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'), String(mib * MIB));
  if (mount.version === 1) writeFileSync(join(directory, 'memory.swappiness'), '0');
  else writeFileSync(join(directory, 'memory.swap.max'), '0');
  return { mount, path, directory };
}

/** Holds its memory when this returns. */
async function holding(t: Test, { directory }: { readonly directory: string }, options: readonly string[]): Promise<Running> {
  const hog = await workload(t, 'hog', ['--cgroup', directory, ...options]);
  hog.line();
  await hog.truth();
  return hog;
}

/** The incident of a cgroup, from the kernel log. */
async function incidentIn(log: KernelLog, path: string): Promise<Incident> {
  const records = [];
  for (let i = 0; i < 200; i++) {
    records.push(...log.read());
    const found = incidentsOf(records).find(({ cgroup, victims }) => cgroup === path && victims.length > 0);
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`the kernel log does not tell of ${path}`);
}

suite(1, (test) => {
  test('of those that hold memory, the one that was said is killed', async (t) => {
    const cgroup = limited(t, 'outlook', 64);
    const big = await holding(t, cgroup, ['--anon', '24', '--name', '626967']);
    const shared = await holding(t, cgroup, ['--anon', '2', '--shmem', '8', '--name', '736861726564']);
    const innocent = await holding(t, cgroup, ['--anon', '8', '--adj', '900', '--name', '6120622920']);
    const before = outlook(cgroup);
    t.match(before, { cgroup: cgroup.path, container: null, limit: 64 * MIB, totalPages: 16_384, group: null, missing: { length: 0 } });
    t.ok((before.usage ?? 0) > 42 * MIB && (before.usage ?? 0) <= 64 * MIB);
    t.strictSame(before.candidates.map(({ pid, process, victim }) => [pid, process, victim]), [[innocent.pid, 'a b) ', true], [big.pid, 'big', false], [shared.pid, 'shared', false]]);
    const log = new KernelLog({ from: 'end' });
    t.teardown(() => log.close());
    await sleep(LOG_PAUSE_MS);
    const asker = await workload(t, 'hog', ['--cgroup', cgroup.directory, '--anon', '26']);
    asker.line();
    t.match(await innocent.exit(), { signal: 'SIGKILL' });
    const incident = await incidentIn(log, cgroup.path);
    t.match(incident, { constraint: 'memcg', limit: 64 * MIB, victims: [{ pid: innocent.pid, process: 'a b) ', adj: 900, cgroup: cgroup.path, how: 'killed' }] });
    t.match(incident.trigger, { pid: asker.pid, tid: asker.pid });
    for (const { pid, memory } of before.candidates) {
      const told = incident.candidates.find((candidate) => candidate.pid === pid)?.memory;
      t.ok(memory && told, `${pid} is told of`);
      if (!memory || !told) continue;
      t.match(told, { swap: memory.swap, pageTables: memory.pageTables });
      t.ok(told.rss <= memory.rss + 3 * LAG && told.rss >= memory.rss - (memory.file ?? 0) - 3 * LAG, `${told.rss} of ${memory.rss} bytes: only those of files are taken before`);
      for (const part of ['anon', 'shmem'] as const) if (told[part] !== null) t.ok(Math.abs(told[part] - (memory[part] ?? 0)) <= LAG, `${part}: ${told[part]} of ${memory[part]}`);
    }
  });

  test('a cgroup says whom its limit would hit, and that another one is lower', async (t) => {
    const above = limited(t, 'above', 64);
    const below: MemoryCgroup = { mount: above.mount, path: `${above.path}/below` };
    if (above.mount.version === 2) writeFileSync(join(above.directory, 'cgroup.subtree_control'), '+memory');
    mkdirSync(join(above.directory, 'below'));
    t.teardown(() => sleep(100).then(() => rmdirSync(join(above.directory, 'below'))));
    t.match(outlook(below), { limit: null, candidates: { length: 0 }, missing: [/no limit/, new RegExp(`${above.path}, is lower \\(${64 * MIB} bytes`)] });
    const hog = await holding(t, { directory: join(above.directory, 'below') }, ['--anon', '4']);
    for (const cgroup of [above, below]) t.match(outlook(cgroup).candidates, [{ pid: hog.pid, victim: true }], cgroup.path);
    hog.closeInput();
    await hog.exit();
  });

  test('a group is killed as a whole', async (t) => {
    const cgroup = limited(t, 'group', 64);
    if (cgroup.mount.version === 1) {
      t.pass('cgroup v1 has no such groups', { skip: 'memory.oom.group is of cgroup v2' });
      return;
    }
    writeFileSync(join(cgroup.directory, 'memory.oom.group'), '1');
    const hogs = [await holding(t, cgroup, ['--anon', '8']), await holding(t, cgroup, ['--anon', '4']), await holding(t, cgroup, ['--anon', '2', '--adj', '-1000'])];
    t.match(outlook(cgroup), { group: cgroup.path });
    t.strictSame(outlook(cgroup).candidates.map(({ pid, victim }) => [pid, victim]), hogs.map(({ pid }, i) => [pid, i < 2]));
  });
});
