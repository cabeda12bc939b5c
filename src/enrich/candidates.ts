/** Who would be killed now: reads /proc and the files of cgroups, each of which may be gone the next moment. */
import { readdirSync, readFileSync } from 'node:fs';
import { allProcesses, cgroupFile, cgroupIn, cgroupsAbove, memoryMount, processesIn, type MemoryCgroup } from '../source/memory-cgroup.js';
import { inInitialPidNamespace } from '../source/namespace.js';
import { containerOf } from '../tools/container.js';
import type { Candidate } from '../tools/oom/model.js';
import { candidateOf, extentOf, hasMemory, judged, limitsOf, type Limits, type Outlook, type ProcessTexts } from '../tools/oom/now.js';
import { order } from '../tools/oom/reconstruct.js';
import { pageSize } from './page-size.js';
import { cgroupPages, machinePages, type Scale } from '../tools/oom/score.js';

const GLOBAL_INIT = 1;
const MOST_THREADS = 64;
const MOST_BYTES = 64 << 10;

/**
 * Of one cgroup with those below it, or of the machine. The score is that of the kernel but for what its counts lag behind: from Linux 6.17 on /proc
 * tells the exact ones, and the OOM killer took them later.
 */
export function outlook(cgroup?: MemoryCgroup): Outlook {
  const limits = cgroup ? limitsIn(cgroup) : { limit: null, usage: null, swapLimit: null, swapUsage: null };
  const scale = scaleOf(cgroup, limits);
  const inFirst = inInitialPidNamespace();
  const found = (cgroup ? processesIn(cgroup) : allProcesses()).flatMap((pid) => ((pid === GLOBAL_INIT && inFirst) || pid === process.pid ? [] : (textsOf(pid) ?? [])));
  const all = found.flatMap((texts) => candidateOf(texts, scale) ?? []);
  const first = cgroup && waits(cgroup) ? [...all].sort(order) : judged(all);
  const group = groupOf(first[0], cgroup);
  const candidates = group ? judged(first, () => processesIn(group)) : first;
  return {
    cgroup: cgroup?.path ?? null,
    container: (cgroup && containerOf(cgroup.path)) ?? null,
    ...limits,
    totalPages: scale.totalPages,
    candidates,
    group: group?.path ?? null,
    missing: [...(inFirst ? [] : ['Processes of other pid namespaces cannot be seen from here.']), ...(cgroup ? words(cgroup, limits) : [])],
  };
}

export const limitsIn = (cgroup: MemoryCgroup): Limits => limitsOf(cgroup.mount.version, (name) => cgroupFile(cgroup, name));

/** A cgroup without a limit of its own is judged as a part of the machine. */
function scaleOf(cgroup: MemoryCgroup | undefined, { limit, swapLimit }: Limits): Scale & { readonly totalPages: number | null } {
  const { memory, swap } = extentOf(read('/proc/meminfo') ?? '');
  if (!cgroup || limit === null) return { totalPages: machinePages(memory, swap, pageSize()), pageSize: pageSize() };
  const swappiness = Number((cgroup.mount.version === 1 ? cgroupFile(cgroup, 'memory.swappiness') : read('/proc/sys/vm/swappiness')) ?? 1);
  return { totalPages: cgroupPages({ limit, swapLimit, swapTotal: swap, swappiness }, pageSize()), pageSize: pageSize() };
}

/** Of cgroup v1: who asks for memory waits, and nobody is killed. */
const waits = (cgroup: MemoryCgroup): boolean => cgroup.mount.version === 1 && /^oom_kill_disable 1$/m.test(cgroupFile(cgroup, 'memory.oom_control') ?? '');

function words(cgroup: MemoryCgroup, { limit }: Limits): string[] {
  const tighter = cgroupsAbove(cgroup).flatMap((each): { path: string; limit: number }[] => {
    const above = limitsIn(each).limit;
    return above !== null && above < (limit ?? Infinity) ? [{ path: each.path, limit: above }] : [];
  });
  return [
    ...(limit === null ? ['This cgroup has no limit: its processes are judged by the size of the machine.'] : []),
    ...tighter.slice(-1).map((above) => `The limit of the cgroup above, ${above.path}, is lower (${above.limit} bytes): it is hit first, and then all processes below that one are candidates.`),
    ...(waits(cgroup) ? ['Nobody is killed here (oom_kill_disable of memory.oom_control): who asks for memory waits until there is some.'] : []),
  ];
}

/** mem_cgroup_get_oom_group() of mm/memcontrol.c: the highest one, from the victim's up to the one that ran out, that is to be killed as a whole. */
function groupOf(victim: Candidate | undefined, domain: MemoryCgroup | undefined): MemoryCgroup | undefined {
  const mount = domain?.mount ?? memoryMount();
  if (!victim || victim.score === null || mount?.version !== 2) return undefined;
  const own = cgroupIn(read(`/proc/${victim.pid}/cgroup`) ?? '', mount);
  if (!own) return undefined;
  return [own, ...cgroupsAbove(own)].filter(({ path }) => !domain || `${path}/`.startsWith(domain.path === '/' ? '/' : `${domain.path}/`)).findLast((each) => cgroupFile(each, 'memory.oom.group') === '1');
}

function textsOf(pid: number): ProcessTexts | undefined {
  const directory = `/proc/${pid}`;
  const status = read(`${directory}/status`);
  const adj = read(`${directory}/oom_score_adj`);
  if (status === undefined || adj === undefined) return undefined;
  return { pid, status: hasMemory(status) ? status : (ofAnotherThread(directory, status) ?? status), adj, score: read(`${directory}/oom_score`) };
}

/** find_lock_task_mm() of mm/oom_kill.c: the memory of a process whose first thread has ended is that of the others. The name stays that of the process. */
function ofAnotherThread(directory: string, status: string): string | undefined {
  if (!/^State:\s*[ZX]/m.test(status) || /^Threads:\s*[01]$/m.test(status)) return undefined;
  const [, name = ''] = /^(Name:.*\n)/.exec(status) ?? [];
  try {
    for (const tid of readdirSync(`${directory}/task`).slice(0, MOST_THREADS)) {
      const other = read(`${directory}/task/${tid}/status`);
      if (other !== undefined && hasMemory(other)) return other.replace(/^Name:.*\n/, () => name);
    }
  } catch {
    // gone
  }
  return undefined;
}

/** undefined: it is gone, or not ours to read. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').slice(0, MOST_BYTES);
  } catch {
    return undefined;
  }
}
