/** What ktrace oom knows of an incident, whether it saw it in the kernel or reads of it in the kernel log. */
import type { ToolEvent } from '../contract.js';
import type { Held, MachineBefore } from './history.js';
import type { CgroupState } from './state.js';

/** Of a process, in bytes. null: not known, such as the parts of `rss` in the kernel log before Linux 6.8, and swap where only the kill is told. */
export interface Memory {
  /** Resident: the three below. */
  readonly rss: number;
  readonly anon: number | null;
  readonly file: number | null;
  readonly shmem: number | null;
  readonly swap: number | null;
  readonly pageTables: number;
}

/**
 * Who may be killed. The score is that of oom_badness() in pages (mm/oom_kill.c): rss + swap + page tables + oom_score_adj × ⌊totalPages / 1000⌋.
 */
export interface Candidate {
  readonly pid: number;
  /** Its name; hostile. */
  readonly process: string;
  readonly uid: number;
  /** null: not known. */
  readonly memory: Memory | null;
  /** oom_score_adj, -1000..1000. */
  readonly adj: number;
  /** Pages; null: it may not be killed, or what it is made of is not known. */
  readonly score: number | null;
  readonly victim: boolean;
  /** A minute before, or as long before as it was watched; null: it was not, or when it began is not known. */
  readonly before: Held | null;
}

export interface Victim {
  /** CLOCK_MONOTONIC, ns. */
  readonly time: number;
  readonly pid: number;
  /** Hostile. */
  readonly process: string;
  /** Last name of the file that it executed, 63 bytes at most; null: not known. Hostile. */
  readonly program: string | null;
  readonly uid: number | null;
  /** When it was killed. */
  readonly memory: Memory | null;
  readonly adj: number | null;
  /** As of its row among the candidates. */
  readonly score: number | null;
  /** Its cgroup, of the memory controller; hostile. */
  readonly cgroup: string | null;
  readonly container: string | null;
  /** `marked`: it was on its way out already, and nothing was killed. */
  readonly how: 'killed' | 'marked';
  /** What it held before, the oldest first, eight moments at most. Empty: it was not watched, or when it began is not known. */
  readonly before: readonly Held[];
}

export type Constraint = 'none' | 'cpuset' | 'memoryPolicy' | 'memcg';

/** The thread whose allocation failed. */
export interface Trigger {
  /** null: the kernel log tells the thread only, and it is not the first one of a process in the table. */
  readonly pid: number | null;
  readonly tid: number;
  /** Hostile, both. */
  readonly thread: string;
  readonly process: string | null;
}

/** Where its allocation failed. */
export interface Allocation {
  /** Functions of the kernel, the innermost first, without those of the OOM killer. */
  readonly stack: readonly string[];
  /** The system call that the thread was in; null: none, or it is not in the stack. */
  readonly syscall: string | null;
  readonly pageFault: boolean;
  /** The instruction in user space; null: not known. */
  readonly address: string | null;
}

/** Once out of memory: from one call of the OOM killer, with all that it killed. */
export interface Incident {
  /** CLOCK_MONOTONIC, ns. The kernel log's clock is another one (sched_clock) that goes with it but for the corrections of NTP, and stands still while suspended, too. */
  readonly time: number;
  /** RFC 3339, UTC; null: not known. */
  readonly at: string | null;
  /** What the allocation was limited to: the machine, some nodes of it, or a cgroup. null: not known. */
  readonly constraint: Constraint | null;
  /** Who asked for memory. */
  readonly trigger: Trigger | null;
  /** As the kernel logged it; null: it did not, or it cannot be told whose it is. */
  readonly allocation: Allocation | null;
  /** Names of the flags of the allocation. */
  readonly gfp: readonly string[];
  /** 2^order pages were asked for; -1: sysrq asked. */
  readonly order: number | null;
  /** Path of the cgroup whose limit was hit; null: none was, or it is not known. Hostile. */
  readonly cgroup: string | null;
  readonly container: string | null;
  /** Of that cgroup, bytes. null: there is no limit, or it is not known. */
  readonly limit: number | null;
  readonly usage: number | null;
  /** Of swap alone; of cgroup v1 what its limit of memory and swap leaves beyond that of memory. */
  readonly swapLimit: number | null;
  readonly swapUsage: number | null;
  /** Size of what ran out, pages: what oom_score_adj is a share of. */
  readonly totalPages: number | null;
  /** As the kernel logged it at the kill, bytes: memory.stat of that cgroup, of cgroup v1 with those below it (`total_…`); of the machine what it holds of each kind. null: not known. */
  readonly stat: Readonly<Record<string, number>> | null;
  /** In the order in which they were killed. */
  readonly victims: readonly Victim[];
  /** Sorted: the highest score first, those that may not be killed last. */
  readonly candidates: readonly Candidate[];
  /** Where it is from. */
  readonly origin: 'kernel' | 'log' | 'both';
  /** What could not be known, in sentences. */
  readonly missing: readonly string[];
}

/** Whose limit was hit: the path of a cgroup; null: that of the machine; undefined: not known. */
export const placeOf = ({ cgroup, constraint }: Incident): string | null | undefined => cgroup ?? (constraint === 'none' ? null : undefined);

export interface IncidentRecord extends Incident, ToolEvent {
  readonly type: 'incident';
  /** From 1, in this session. */
  readonly number: number;
  /** The how many-th it is in this session at the limit of this cgroup, or of the machine, as far as that is known of the others; null: it is not known of this one. */
  readonly times: number | null;
  /** At the last look before the kill; null: the machine was not watched. */
  readonly machine: MachineBefore | null;
  /** A moment after the kill, of the cgroup whose limit was hit; null: none was, or it is not known. */
  readonly cgroupState: CgroupState | null;
}

/** What comes after a kill, each once for each victim: its last thread has ended; its memory is free; its program was executed again in the same place. */
export interface AfterRecord extends ToolEvent {
  readonly type: 'end' | 'freed' | 'restart';
  readonly time: number;
  readonly at: string;
  readonly number: number;
  /** Of the victim. */
  readonly pid: number;
  /** Of the victim; hostile. */
  readonly process: string;
  /** Since it was marked. */
  readonly tookNs: number;
  /** The process that executes the program now; null: it is no restart, or has no id in ktrace's pid namespace. */
  readonly successor: number | null;
}

export type OomRecord = IncidentRecord | AfterRecord;
