/** How the kernel judges: mm/oom_kill.c and mem_cgroup_get_max() of mm/memcontrol.c, the same from Linux 5.10 to 7.2. */
import type { Candidate, Memory } from './model.js';

/** Of x86-64, and of most kernels for arm64. */
export const USUAL_PAGE = 4096;
/** OOM_SCORE_ADJ_MIN of include/uapi/linux/oom.h: never killed. */
export const NEVER = -1000;

/** What is judged by: bytes of a page, and the size of what ran out in pages (`totalpages` of struct oom_control); null: not known. */
export interface Scale {
  readonly totalPages: number | null;
  readonly pageSize?: number;
}

const pages = (bytes: number, pageSize: number): number => Math.floor(bytes / pageSize);

/** What one point of oom_score_adj weighs: oom_badness() divides first, and drops the rest. */
export const pointPages = (totalPages: number): number => Math.floor(totalPages / 1000);

/**
 * As oom_badness() computes it, in pages. null: it may not be killed (-1000), or a part is not known. Where oom_score_adj is 0, the size of what ran
 * out does not matter.
 */
export function scoreOf(memory: Memory | null, adj: number, { totalPages, pageSize = USUAL_PAGE }: Scale): number | null {
  if (adj === NEVER || memory?.swap == null || (adj !== 0 && totalPages === null)) return null;
  return pages(memory.rss, pageSize) + pages(memory.swap, pageSize) + pages(memory.pageTables, pageSize) + (adj === 0 ? 0 : adj * pointPages(totalPages ?? 0));
}

/** Bytes of a cgroup; null: no limit. `swapLimit` is of swap alone (memory.swap.max); of cgroup v1 it is what memory.memsw.limit_in_bytes leaves beyond memory.limit_in_bytes. */
export interface Domain {
  readonly limit: number | null;
  readonly swapLimit: number | null;
  /** Swap of the machine, bytes; null: not known. */
  readonly swapTotal: number | null;
  /** 0: swap does not count. Of cgroup v2 it is vm.swappiness, of v1 memory.swappiness. */
  readonly swappiness?: number;
}

/**
 * Pages that a cgroup may hold, by mem_cgroup_get_max(): its limit of memory, and of swap what it may have and the machine has. constrained_alloc()
 * takes 1 for none. null: there is no limit, or the swap that matters is not known.
 */
export function cgroupPages({ limit, swapLimit, swapTotal, swappiness = 1 }: Domain, pageSize = USUAL_PAGE): number | null {
  if (limit === null) return null;
  const swap = swappiness === 0 || swapLimit === 0 ? 0 : swapTotal === null ? null : Math.min(swapLimit ?? Infinity, swapTotal);
  return swap === null ? null : Math.max(pages(limit, pageSize) + pages(swap, pageSize), 1);
}

/** Pages of the machine, or of some of its nodes, by constrained_alloc(): their memory and all the swap there is. */
export const machinePages = (memory: number, swapTotal: number, pageSize = USUAL_PAGE): number => pages(memory, pageSize) + pages(swapTotal, pageSize);

/** What /proc/PID/oom_score says of such a score: proc_oom_score() of fs/proc/base.c, in whole numbers as C divides them. */
export function procScore(score: number | null, totalPages: number): number {
  return score === null ? 0 : Math.trunc(((1000 + Math.trunc((score * 1000) / totalPages)) * 2) / 3);
}

const inWords = (count: number): string => count.toLocaleString('en-US');

/** The sum in words, such as `12,345 pages + 0 swap + 40 page tables + 500 × ⌊262,144 / 1000⌋ = 143,385`; null where there is no score. */
export function arithmetic({ memory, adj, score }: Pick<Candidate, 'memory' | 'adj' | 'score'>, { totalPages, pageSize = USUAL_PAGE }: Scale): string | null {
  if (score === null || memory?.swap == null) return null;
  const [rss = '', swap = '', tables = ''] = [memory.rss, memory.swap, memory.pageTables].map((bytes) => inWords(pages(bytes, pageSize)));
  const more = score - (scoreOf(memory, adj, { totalPages, pageSize }) ?? score);
  const rest = more === 0 ? '' : ` ${more < 0 ? '−' : '+'} ${inWords(Math.abs(more))} that CPUs or threads had not handed in`;
  const share = adj === 0 || totalPages === null ? '' : ` ${adj < 0 ? '−' : '+'} ${Math.abs(adj)} × ⌊${inWords(totalPages)} / 1000⌋`;
  return `${rss} pages + ${swap} swap + ${tables} page tables${share}${rest} = ${inWords(score)}`;
}

/**
 * What an oom_score_adj means where Kubernetes set it (pkg/kubelet/qos/policy.go; -998 is that of a pod's sandbox in the runtimes, and was that of
 * guaranteed pods, too). null: it sets no such value. Others set such values as well: systemd's OOMScoreAdjust=, `docker run --oom-score-adj`.
 */
export function qosOf(adj: number): string | null {
  if (adj === -999) return 'In Kubernetes -999 is the kubelet or kube-proxy: the last to be killed.';
  if (adj === -998) return 'In Kubernetes -998 is the sandbox (pause) container of a pod, and in old versions a pod of QoS class Guaranteed.';
  if (adj === -997) return 'In Kubernetes -997 is a pod of QoS class Guaranteed, or a critical one: killed after all others.';
  if (adj === 1000) return 'In Kubernetes 1000 is a pod of QoS class BestEffort: killed first.';
  if (adj < 2 || adj > 999) return null;
  return `In Kubernetes ${adj} is a pod of QoS class Burstable${BURSTABLE[adj] ?? `: a container that requests about ${((1000 - adj) / 10).toFixed(1)} % of the node's memory`}.`;
}

/** Where the kubelet cuts off, the request is not to be told. */
const BURSTABLE: Readonly<Record<number, string>> = {
  2: " whose container requests nearly all of the node's memory",
  3: " whose container requests nearly all of the node's memory",
  999: " whose container requests next to none of the node's memory, or nothing",
};
