/** What was read from the kernel at one moment, and what the report is made of. */
import type { KtraceThread, SyscallsError, SyscallsRow, SyscallsTask } from '../../generated/syscalls.js';

export type By = 'syscall' | 'process' | 'thread' | 'cgroup';
export const BYS: readonly By[] = ['syscall', 'process', 'thread', 'cgroup'];

/** The calls of one name, of one process if the rows are by process, and so on. */
export interface CallTotals extends Omit<SyscallsRow, 'firstError' | 'firstErrors'> {
  readonly calls: number;
  readonly nr: number;
  readonly compat: boolean;
  readonly waits: boolean;
  /** Process, thread or cgroup; 0 by syscall. */
  readonly id: bigint;
}

export interface ErrorCount extends Pick<SyscallsError, 'error'> {
  readonly nr: number;
  readonly compat: boolean;
  readonly waits: boolean;
  readonly id: bigint;
  readonly count: number;
}

/** Of all counters, since the start. */
export interface Counters {
  readonly hits: number;
  readonly drops: readonly number[];
  readonly rowsFull: number;
  readonly errorsFull: number;
  readonly targetsFull: number;
  readonly eventsLost: number;
}

export interface SyscallsSnapshot {
  readonly by: By;
  readonly startedAt: number;
  readonly takenAt: number;
  readonly calls: readonly CallTotals[];
  readonly errors: readonly ErrorCount[];
  /** In a call when this was taken. */
  readonly inside: readonly SyscallsTask[];
  /** By id. */
  readonly threads: ReadonlyMap<number, KtraceThread>;
  readonly counters: Counters;
  /** The one of everything since the start, where this is of an interval. */
  readonly whole?: SyscallsSnapshot;
}
