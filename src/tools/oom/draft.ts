/** What the kernel log tells of one incident, line by line. */
import { Stack } from './allocation.js';
import { parseColumns, parseCpu, parseExtent, parseStatsOf, parseSummary, parseTask, parseUsage, type Invoked, type Killed, type Summary, type Task } from './lines.js';
import type { Constraint } from './model.js';
import { parseKinds, parseStat } from './stat.js';

interface Amount {
  /** Bytes. */
  readonly usage: number;
  /** null: none. */
  readonly limit: number | null;
}

interface Kill {
  readonly timeUs: number;
  readonly killed: Killed;
}

/** Of the machine, where all of it ran out, or some nodes of it. Pages, and bytes of swap and of each node. */
export interface Extents {
  ram?: number;
  reserved?: number;
  swap?: number;
  readonly nodes: Map<number, number>;
}

export class Draft {
  invoked: Invoked | undefined;
  tid: number | undefined;
  readonly stack = new Stack();
  memory: Amount | undefined;
  /** Of swap alone. */
  swap: Amount | undefined;
  /** Path of the cgroup whose limit was hit. */
  cgroup: string | null = null;
  readonly extents: Extents = { nodes: new Map() };
  /** Bytes. */
  stat: Record<string, number> | undefined;
  columns: readonly string[] | undefined;
  readonly tasks: Task[] = [];
  summary: Summary | undefined;
  readonly kills: Kill[] = [];
  /** Path of the cgroup all of which is killed. */
  group: string | null = null;
  /** There was nobody to be killed. */
  over = false;

  constructor(readonly beganUs: number) {}

  get isIncident(): boolean {
    return this.invoked !== undefined || this.kills.length > 0 || this.summary !== undefined;
  }

  get lastUs(): number {
    return this.kills.at(-1)?.timeUs ?? this.beganUs;
  }

  get constraint(): Constraint | null {
    if (this.summary) return this.summary.constraint;
    return this.memory !== undefined || this.kills.some(({ killed }) => killed.memcg) ? 'memcg' : null;
  }

  /** The row of a process, by its id or that of the thread that the kernel took for it. */
  taskOf(pid: number): Task | undefined {
    return this.tasks.find((task) => task.pid === pid || task.tgid === pid);
  }

  /** The kernel kills the first one of a group again. */
  kill(killed: Killed, timeUs: number): void {
    if (!this.kills.some((kill) => kill.killed.pid === killed.pid)) this.kills.push({ killed, timeUs });
  }

  /** Any other line; what is none of the OOM killer's is passed over. */
  note(text: string, pageSize: number): void {
    if (this.tid !== undefined && this.stack.note(text)) return;
    this.columns ??= parseColumns(text);
    const task = this.columns && parseTask(text, this.columns);
    if (task) this.tasks.push(task);
    else if (!this.#noteDomain(text) && !this.#noteStat(text, pageSize)) this.summary ??= parseSummary(text, this.cgroup, (pid) => this.tasks.find((each) => each.pid === pid)?.name);
  }

  /** Lines of memory.stat come after the cgroup's name, and before the table of tasks. */
  #noteStat(text: string, pageSize: number): boolean {
    const lines = this.cgroup === null || this.columns ? [] : parseStat(text);
    if (lines.length > 0) this.stat = { ...this.stat, ...Object.fromEntries(lines) };
    else this.stat ??= parseKinds(text, pageSize);
    return lines.length > 0;
  }

  #noteDomain(text: string): boolean {
    if (this.invoked) this.tid ??= parseCpu(text, this.invoked.thread);
    const usage = parseUsage(text);
    if (usage?.of === 'memory') this.memory ??= usage;
    else if (usage?.of === 'swap') this.swap ??= usage;
    else if (usage) this.swap ??= beyond(usage, this.memory);
    this.cgroup ??= parseStatsOf(text) ?? null;
    const extent = parseExtent(text);
    if (extent?.of === 'node') this.extents.nodes.set(extent.node, (this.extents.nodes.get(extent.node) ?? 0) + extent.value);
    else if (extent) this.extents[extent.of] ??= extent.value;
    if (usage ?? extent) this.stack.end();
    return usage !== undefined || extent !== undefined;
  }
}

/** cgroup v1 counts memory and swap together. */
function beyond(both: Amount, memory: Amount | undefined): Amount | undefined {
  if (!memory) return undefined;
  return { usage: Math.max(0, both.usage - memory.usage), limit: both.limit === null ? null : memory.limit === null ? 0 : Math.max(0, both.limit - memory.limit) };
}
