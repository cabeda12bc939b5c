/** Who would be killed now, from the texts of files in /proc and of the memory controller. */
import type { Candidate, Memory } from './model.js';
import { order } from './reconstruct.js';
import { NEVER, scoreOf, type Scale } from './score.js';

const KIB = 1024;
/** Above it /proc/PID/oom_score is 0 only for who may not be killed: proc_oom_score() of fs/proc/base.c. */
const ALWAYS_ABOVE_0 = -990;

/** What would happen if memory ran out at this moment. Bytes as in `Incident`. */
export interface Outlook {
  /** Path of the cgroup that is asked about; null: the machine. Hostile. */
  readonly cgroup: string | null;
  readonly container: string | null;
  readonly limit: number | null;
  readonly usage: number | null;
  readonly swapLimit: number | null;
  readonly swapUsage: number | null;
  readonly totalPages: number | null;
  /** Sorted: the highest score first. `victim`: it would be killed. */
  readonly candidates: readonly Candidate[];
  /** Path of the cgroup that would be killed as a whole (memory.oom.group); null: one process would be. */
  readonly group: string | null;
  /** What could not be known, and what would be otherwise, in sentences. */
  readonly missing: readonly string[];
}

export interface ProcessTexts {
  readonly pid: number;
  /** /proc/PID/status; where the first thread has ended, of another one. */
  readonly status: string;
  /** /proc/PID/oom_score_adj and /proc/PID/oom_score */
  readonly adj: string;
  readonly score: string | undefined;
}

/**
 * As oom_badness() judges it; undefined: it has no memory of its own, as threads of the kernel and what has ended. Without a score are those of
 * oom_score_adj -1000, and whom the kernel passes over: in vfork(2), or killed already and its memory taken.
 */
export function candidateOf({ pid, status, adj, score }: ProcessTexts, scale: Scale): Candidate | undefined {
  const memory = memoryOf(status);
  if (!memory) return undefined;
  const points = Number(adj);
  const passedOver = points > ALWAYS_ABOVE_0 && score?.trim() === '0';
  return { pid, process: nameOf(status), uid: Number(/^Uid:\s*(\d+)/m.exec(status)?.[1] ?? 0), memory, adj: points, score: passedOver ? null : scoreOf(memory, points, scale), victim: false, before: null };
}

/** From /proc/PID/status (proc(5)); null: it has none. */
function memoryOf(status: string): Memory | null {
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * KIB;
  if (!hasMemory(status)) return null;
  const [anon, file, shmem] = [bytes('RssAnon'), bytes('RssFile'), bytes('RssShmem')];
  return { rss: anon + file + shmem, anon, file, shmem, swap: bytes('VmSwap'), pageTables: bytes('VmPTE') };
}

export const hasMemory = (status: string): boolean => /^RssAnon:/m.test(status);

/** The kernel escapes line breaks and backslashes in it (proc_task_name() of fs/proc/array.c). */
const nameOf = (status: string): string => (/^Name:\t(.*)$/m.exec(status)?.[1] ?? '').replace(/\\([\\n])/g, (_, each: string) => (each === 'n' ? '\n' : each));

/** Sorted, with those marked that would be killed: the first one, and who is in its group. Of several with the same score the kernel takes the one it comes to last, which is mostly the youngest. */
export function judged(candidates: readonly Candidate[], groupOf: (pid: number) => readonly number[] = () => []): Candidate[] {
  const sorted = [...candidates].sort((a, b) => order(a, b) || b.pid - a.pid);
  const [first] = sorted;
  if (!first || first.score === null) return sorted;
  const killed = new Set([first.pid, ...groupOf(first.pid)]);
  return sorted.map((candidate) => (killed.has(candidate.pid) && candidate.adj !== NEVER ? { ...candidate, victim: true } : candidate));
}

/** Of the machine, bytes, from /proc/meminfo: totalram_pages() and total_swap_pages. */
export function extentOf(meminfo: string): { readonly memory: number; readonly swap: number } {
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * KIB;
  return { memory: bytes('MemTotal'), swap: bytes('SwapTotal') };
}

/** The text of a file of a cgroup; undefined: there is none. */
export type CgroupFile = (name: string) => string | undefined;

export interface Limits {
  readonly limit: number | null;
  readonly usage: number | null;
  readonly swapLimit: number | null;
  readonly swapUsage: number | null;
}

/** Version 1 counts memory and swap together: of swap it is what is beyond the memory. */
export function limitsOf(version: 1 | 2, file: CgroupFile): Limits {
  const amount = (name: string): number | null => amountOf(file(name));
  if (version === 2) return { limit: amount('memory.max'), usage: amount('memory.current'), swapLimit: amount('memory.swap.max'), swapUsage: amount('memory.swap.current') };
  const [limit, usage, both, bothUsed] = ['limit', 'usage', 'memsw.limit', 'memsw.usage'].map((name) => amount(`memory.${name}_in_bytes`)) as [number | null, number | null, number | null, number | null];
  return { limit, usage, swapLimit: both === null ? null : Math.max(0, both - (limit ?? both)), swapUsage: bothUsed === null || usage === null ? null : Math.max(0, bothUsed - usage) };
}

/** `max`, and PAGE_COUNTER_MAX pages of cgroup v1, are no limit: more than any machine has. */
function amountOf(text: string | undefined): number | null {
  const bytes = text === undefined || !/^\d+\s*$/.test(text) ? null : Number(text);
  return bytes === null || bytes >= 2 ** 62 ? null : bytes;
}
