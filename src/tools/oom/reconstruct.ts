/** What follows from the lines of an incident: whole candidates, victims, the size of what ran out, and what is not known. */
import { containerOf } from '../container.js';
import type { Draft } from './draft.js';
import type { Machine } from './log.js';
import type { Task } from './lines.js';
import type { Candidate, Memory, Trigger, Victim } from './model.js';
import { cgroupPages, machinePages, scoreOf, USUAL_PAGE, type Scale } from './score.js';

/** Pages; null: not known. */
export function totalPagesOf({ constraint, memory, swap, extents, summary }: Draft, { pageSize = USUAL_PAGE, swapTotal }: Machine): number | null {
  if (constraint === 'memcg') return memory && swap ? cgroupPages({ limit: memory.limit, swapLimit: swap.limit, swapTotal: swapTotal ?? null }, pageSize) : null;
  if (extents.swap === undefined) return null;
  if (constraint === 'none' && extents.ram !== undefined && extents.reserved !== undefined) return machinePages((extents.ram - extents.reserved) * pageSize, extents.swap, pageSize);
  const nodes = summary?.nodes.map((node) => extents.nodes.get(node)) ?? [];
  if (constraint === 'none' || nodes.length === 0 || nodes.includes(undefined)) return null;
  return machinePages(nodes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0), extents.swap, pageSize);
}

/** The highest score first; a victim before others of the same. */
export function candidatesOf({ tasks, kills }: Draft, scale: Scale): Candidate[] {
  const killed = new Set(kills.map((kill) => kill.killed.pid));
  const candidates = tasks.map((task): Candidate => {
    const memory = memoryOf(task, scale.pageSize ?? USUAL_PAGE);
    return { pid: task.tgid, process: task.name, uid: task.uid, memory, adj: task.adj, score: scoreOf(memory, task.adj, scale), victim: killed.has(task.pid) || killed.has(task.tgid), before: null };
  });
  return candidates.sort(order);
}

/** Those without a score by their memory. */
export function order(a: Candidate, b: Candidate): number {
  const [m, n] = [a, b].map(({ score }) => score ?? -Infinity) as [number, number];
  return (m === n ? 0 : n - m) || Number(b.victim) - Number(a.victim) || (a.score === null ? (b.memory?.rss ?? 0) - (a.memory?.rss ?? 0) : 0);
}

function memoryOf({ rss, anon, file, shmem, swap, pageTables }: Task, pageSize: number): Memory {
  const bytes = (count: number | null): number | null => (count === null ? null : count * pageSize);
  return { rss: rss * pageSize, anon: bytes(anon), file: bytes(file), shmem: bytes(shmem), swap: swap * pageSize, pageTables };
}

export function victimsOf(draft: Draft, candidates: readonly Candidate[]): Victim[] {
  return draft.kills.map(({ killed, timeUs }, i): Victim => {
    const task = draft.taskOf(killed.pid);
    const candidate = task && candidates.find(({ pid }) => pid === task.tgid);
    const cgroup = (i === 0 ? draft.summary?.of : undefined) ?? draft.group;
    const held = killed.memory;
    return {
      time: timeUs * 1000,
      pid: task?.tgid ?? killed.pid,
      process: killed.name,
      program: null,
      uid: killed.uid ?? task?.uid ?? null,
      memory: held ? { rss: held.anon + held.file + held.shmem, ...held, swap: candidate?.memory?.swap ?? null } : null,
      adj: killed.adj ?? task?.adj ?? null,
      score: candidate?.score ?? null,
      cgroup,
      container: cgroup === null ? null : (containerOf(cgroup) ?? null),
      how: held ? 'killed' : 'marked',
      before: [],
    };
  });
}

/** The log tells the thread; it is the process's first one where its id is in the table. */
export function triggerOf({ invoked, tid, tasks }: Draft): Trigger | null {
  if (!invoked || tid === undefined) return null;
  const first = tasks.find((task) => task.tgid === tid);
  return { pid: first ? tid : null, tid, thread: invoked.thread, process: first?.pid === tid ? first.name : null };
}

const RARELY = 'of more than ten incidents in five seconds the kernel tells the kills only, or the beginning has been overwritten';

export const ONLY_THREAD = 'The kernel log tells the thread that asked for memory, and not its process.';

/** Sentences. */
export function missingOf(draft: Draft, machine: Machine, totalPages: number | null): string[] {
  const { invoked, tid, tasks, summary, kills, over, constraint } = draft;
  if (!invoked && !summary) return [`Only the kill is in the kernel log, not who asked, the limit and the candidates: ${RARELY}.`, ...(constraint ? [] : ['Whether all of the machine ran out, or some nodes of it, is not in the kernel log.'])];
  return [
    ...(invoked ? [] : ['Who asked for memory is not in the kernel log: the beginning of the incident has been overwritten.']),
    ...(invoked && tid === undefined ? ['The id of the thread that asked for memory is not in the kernel log.'] : []),
    ...(tid !== undefined && tasks.length > 0 && !tasks.some(({ tgid }) => tgid === tid) ? [ONLY_THREAD] : []),
    ...(tasks.length === 0 ? ['The candidates are not in the kernel log: vm.oom_dump_tasks is 0, or they have been overwritten.'] : []),
    ...(tasks.some(({ anon }) => anon === null) ? ['What the memory of candidates consists of is not in the log of this kernel, but for the victims: it is since Linux 6.8.'] : []),
    ...(kills.length === 0 && !over ? ['Who was killed is not in the kernel log.'] : []),
    ...sizeWords(draft, machine, totalPages),
  ];
}

function sizeWords({ constraint, swap, tasks }: Draft, { swapTotal }: Machine, totalPages: number | null): string[] {
  const adjusted = tasks.some(({ adj }) => adj !== 0);
  if (totalPages === null) return [`The size of what ran out is not in the kernel log${adjusted ? ', so that processes with an oom_score_adj have no score here' : ''}.`];
  if (constraint === 'memcg' && swap?.limit !== 0 && adjusted) return [`The kernel log does not tell the swap of the machine: ${String(swapTotal)} bytes are taken, as it is now.`];
  return [];
}
