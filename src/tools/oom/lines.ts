/**
 * Lines that the kernel writes when it is out of memory, from Linux 5.10 to 7.2: mm/oom_kill.c, mm/memcontrol.c, mm/show_mem.c, lib/dump_stack.c. Names
 * of threads and cgroups may hold anything: whatever has a fixed form is looked for from the ends of the line.
 */
import type { Constraint } from './model.js';

const KIB = 1024;
/** PAGE_COUNTER_MAX in KiB, or LONG_MAX bytes where pages are larger: no limit. */
const NO_LIMIT = 2 ** 52;
const MOST_COMM = 15; // TASK_COMM_LEN without its end

const CONSTRAINTS: Readonly<Record<string, Constraint>> = { NONE: 'none', CPUSET: 'cpuset', MEMORY_POLICY: 'memoryPolicy', MEMCG: 'memcg' };

export interface Invoked {
  readonly thread: string;
  readonly gfp: readonly string[];
  readonly order: number;
}

export function parseInvoked(text: string): Invoked | undefined {
  const [, thread, gfp = '', order] = /^(.*) invoked oom-killer: gfp_mask=0x[0-9a-f]+\(([^()]*)\), order=(-?\d+), oom_score_adj=-?\d+$/s.exec(text) ?? [];
  return thread === undefined ? undefined : { thread, gfp: gfp.split('|').filter((flag) => flag !== '' && flag !== 'none'), order: Number(order) };
}

/** Id of the thread that invoked it; dumps of other CPUs look the same but for the name. */
export function parseCpu(text: string, thread: string): number | undefined {
  const [, tid, rest] = /^CPU: \d+ (?:UID: \d+ )?PID: (\d+) Comm: (.*)$/s.exec(text) ?? [];
  return rest?.startsWith(`${thread} `) ? Number(tid) : undefined;
}

export interface Usage {
  readonly of: 'memory' | 'swap' | 'memory+swap';
  /** Bytes. */
  readonly usage: number;
  /** null: none. */
  readonly limit: number | null;
}

export function parseUsage(text: string): Usage | undefined {
  const [, of, usage, limit] = /^(memory|swap|memory\+swap): usage (\d+)kB, limit (\d+)kB, failcnt \d+$/.exec(text) ?? [];
  return of === undefined ? undefined : { of: of as Usage['of'], usage: Number(usage) * KIB, limit: Number(limit) >= NO_LIMIT ? null : Number(limit) * KIB };
}

/** Path of the cgroup whose limit was hit. */
export const parseStatsOf = (text: string): string | undefined => /^Memory cgroup stats for (.*):$/s.exec(text)?.[1];

/** One figure of what is told of the machine: `ram` and `reserved` in pages, `swap` and `node` (its memory that is present) in bytes. */
export type Extent = { readonly of: 'ram' | 'reserved' | 'swap'; readonly value: number } | { readonly of: 'node'; readonly node: number; readonly value: number };

export function parseExtent(text: string): Extent | undefined {
  const [, count, what] = /^(\d+) pages (RAM|reserved)$/.exec(text) ?? [];
  if (what !== undefined) return { of: what === 'RAM' ? 'ram' : 'reserved', value: Number(count) };
  const [, swap] = /^Total swap = (\d+)kB$/.exec(text) ?? [];
  if (swap !== undefined) return { of: 'swap', value: Number(swap) * KIB };
  const [, node, present] = /^Node (\d+) \w+ free:\d+kB .* present:(\d+)kB managed:\d+kB /.exec(text) ?? [];
  return node === undefined ? undefined : { of: 'node', node: Number(node), value: Number(present) * KIB };
}

/** Names of the columns of the table of tasks, without that of the name: `pid`, `uid`, `tgid`, `total_vm`, `rss`, … */
export function parseColumns(text: string): readonly string[] | undefined {
  const [, columns] = /^\[ {2}pid {2}\] +(uid +tgid +total_vm +rss .*pgtables_bytes +swapents +oom_score_adj) name$/.exec(text) ?? [];
  return columns === undefined ? undefined : ['pid', ...columns.split(/ +/)];
}

export interface Task {
  readonly pid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly name: string;
  readonly adj: number;
  /** Pages; null: the table has no such column. */
  readonly rss: number;
  readonly anon: number | null;
  readonly file: number | null;
  readonly shmem: number | null;
  readonly swap: number;
  /** Bytes. */
  readonly pageTables: number;
}

export function parseTask(text: string, columns: readonly string[]): Task | undefined {
  const [, pid, numbers, name] = new RegExp(`^\\[ *(\\d+)\\]((?: +-?\\d+){${columns.length - 1}}) (.*)$`, 's').exec(text) ?? [];
  if (pid === undefined || numbers === undefined || name === undefined) return undefined;
  const values = [Number(pid), ...numbers.trim().split(/ +/).map(Number)];
  const value = (column: string): number | null => values[columns.indexOf(column)] ?? null;
  return {
    pid: Number(pid),
    tgid: value('tgid') ?? 0,
    uid: (value('uid') ?? 0) >>> 0, // written as if it had a sign
    name,
    adj: value('oom_score_adj') ?? 0,
    rss: value('rss') ?? 0,
    anon: value('rss_anon'),
    file: value('rss_file'),
    shmem: value('rss_shmem'),
    swap: value('swapents') ?? 0,
    pageTables: value('pgtables_bytes') ?? 0,
  };
}

export interface Summary {
  readonly constraint: Constraint | null;
  /** Numbers of the nodes that the allocation was limited to. */
  readonly nodes: readonly number[];
  /** Path of the cgroup whose limit was hit; null: none was. */
  readonly cgroup: string | null;
  /** Path of the cgroup of who is killed. */
  readonly of: string;
  readonly pid: number;
}

const SUMMARY = /^oom-kill:constraint=CONSTRAINT_(\w+),nodemask=(\(null\)|[\d,-]*),cpuset=(.*),pid=(\d+),uid=-?\d+$/s;

/**
 * The line `oom-kill:`. It is cut between names that may hold what it is cut at. Where they are known from lines that are not, they are given:
 * `cgroup` from parseStatsOf(), `nameOf` from the table.
 */
export function parseSummary(text: string, cgroup: string | null, nameOf: (pid: number) => string | undefined): Summary | undefined {
  const [, constraint = '', nodemask = '', names, pid] = SUMMARY.exec(text) ?? [];
  if (names === undefined) return undefined;
  const before = beforeName(names, nameOf(Number(pid)));
  const limited = constraint === 'MEMCG';
  const [upTo, of] = limited ? cutCgroups(before, cgroup) : cutAt(before, ',global_oom,task_memcg=');
  const [mems = ''] = /[\d,-]*$/.exec(upTo) ?? [];
  return {
    constraint: CONSTRAINTS[constraint] ?? null,
    nodes: numbersIn(nodemask.startsWith('(') ? mems : nodemask),
    cgroup: limited ? (cgroup ?? upTo.slice(upTo.lastIndexOf(',oom_memcg=') + ',oom_memcg='.length)) : null,
    of,
    pid: Number(pid),
  };
}

/** Without the name at its end. One that is not known is taken to be as long as it can be. */
function beforeName(text: string, known: string | undefined): string {
  const mark = ',task=';
  if (known !== undefined && text.endsWith(mark + known)) return text.slice(0, -(mark + known).length);
  const earliest = text.indexOf(mark, Math.max(0, text.length - MOST_COMM - mark.length));
  return earliest < 0 ? text : text.slice(0, earliest);
}

/** The second path is that of the first, or of one below it. */
function cutCgroups(text: string, known: string | null): readonly [string, string] {
  const mark = ',task_memcg=';
  if (known !== null) {
    const [before, of] = cutAt(text, `,oom_memcg=${known}${mark}`);
    if (of !== '') return [before, of];
  }
  return cutAt(text, mark);
}

function cutAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** `0-2,4` */
function numbersIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return part === '' || first === undefined || last === undefined ? [] : Array.from({ length: Math.max(0, Math.min(last - first, 1023) + 1) }, (_, i) => first + i);
  });
}

export interface Killed {
  readonly memcg: boolean;
  readonly pid: number;
  readonly name: string;
  /** null, all of them: it was on its way out, and nothing is told of it. */
  readonly uid: number | null;
  readonly adj: number | null;
  /** Bytes. */
  readonly memory: { readonly anon: number; readonly file: number; readonly shmem: number; readonly pageTables: number } | null;
}

const WHY = '^(Memory cgroup out of memory|Out of memory(?: \\(oom_kill_allocating_task\\))?): ';
const KILLED = new RegExp(`${WHY}Killed process (\\d+) \\((.*)\\) total-vm:\\d+kB, anon-rss:(\\d+)kB, file-rss:(\\d+)kB, shmem-rss:(\\d+)kB, UID:(\\d+) pgtables:(\\d+)kB oom_score_adj:(-?\\d+)$`, 's');
const EXITING = new RegExp(`${WHY}OOM victim (\\d+) \\((.*)\\) is already exiting\\. Skip killing the task$`, 's');

export function parseKilled(text: string): Killed | undefined {
  const [, why = '', pid, name = '', anon, file, shmem, uid, tables, adj] = KILLED.exec(text) ?? EXITING.exec(text) ?? [];
  if (pid === undefined) return undefined;
  const victim = { memcg: why.startsWith('Memory'), pid: Number(pid), name };
  if (anon === undefined) return { ...victim, uid: null, adj: null, memory: null };
  return { ...victim, uid: Number(uid), adj: Number(adj), memory: { anon: Number(anon) * KIB, file: Number(file) * KIB, shmem: Number(shmem) * KIB, pageTables: Number(tables) * KIB } };
}

/** Path of the cgroup all of which is killed. */
export const parseGroup = (text: string): string | undefined => /^Tasks in (.*) are going to be killed due to memory\.oom\.group set$/s.exec(text)?.[1];

export const isNobody = (text: string): boolean => text === 'Out of memory and no killable processes...';

/** Lines that are written piece by piece, so that others can come between: whether all is there. */
export function isUnfinished(text: string): boolean {
  if (text.startsWith('oom-kill:constraint=')) return !SUMMARY.test(text);
  if (text.startsWith('Tasks in ')) return parseGroup(text) === undefined;
  return text.startsWith('Memory cgroup stats for ') && parseStatsOf(text) === undefined;
}
