/** Takes snapshots of one session. */
import { SyscallsDrop, type KtraceThread, type Maps, type SyscallsRow, type SyscallsSlots, type SyscallsTask } from '../../generated/syscalls.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import { cpuCalls, errorsOf, firstErrors, sharedCalls, sharedErrors, since, totalsOf } from './aggregate.js';
import type { By, SyscallsSnapshot } from './model.js';
import type { CallNames } from './names.js';
import { syscallsReport } from './report.js';

const MOST_LOOKS = 1000;

export class SyscallsLook implements Look<never> {
  #startedAt = 0;
  #last: SyscallsSnapshot | undefined;

  constructor(
    private readonly tables: Tables,
    private readonly processes: Processes,
    private readonly names: CallNames,
    private readonly by: By,
  ) {}

  begin(): void {
    this.#startedAt = this.processes.now();
    this.tables.iterate('seed__any', 'syscalls_task');
  }

  tick(): boolean {
    return false;
  }

  events(): { events: never[]; full: boolean } {
    return { events: [], full: false };
  }

  news(): readonly string[] {
    return [];
  }

  report(options: ReportOptions, interval: boolean): Report {
    const before = interval ? this.#last : undefined;
    const now = this.#snapshot(options);
    this.#last = now;
    return syscallsReport(before ? since(before, now) : now, before, this.names, options);
  }

  #snapshot({ header: { settled }, until }: ReportOptions): SyscallsSnapshot {
    const { inside, drops } = this.#lookWhileNobodyDies();
    const { tables, by } = this;
    const cpus = this.#cpuCalls();
    return {
      by,
      startedAt: this.#startedAt,
      takenAt: settled ? until : this.processes.now(),
      calls: totalsOf([...cpus, ...sharedCalls(tables.rows<Maps['rows']['key'], Maps['rows']['value']>('rows'))]),
      errors: errorsOf([...firstErrors(cpus), ...sharedErrors(tables.rows<Maps['errors']['key'], { value: number }>('errors'))]),
      inside,
      threads: new Map(tables.rows<{ value: number }, KtraceThread>('threads').map(({ key, values: [thread] }) => [key.value, thread as KtraceThread])),
      counters: { hits: tables.counters('hits').reduce((sum, count) => sum + count, 0), drops, rowsFull: tables.counters('rows_full')[0] ?? 0, errorsFull: tables.counters('errors_full')[0] ?? 0 },
    };
  }

  #cpuCalls(): ReturnType<typeof cpuCalls> {
    if (this.by !== 'syscall') return [];
    const [slots] = this.tables.rows<unknown, SyscallsSlots>('cpu_slots');
    return cpuCalls(slots?.values ?? [], this.tables.rows<unknown, SyscallsRow>('cpu_rows'));
  }

  /** A thread that dies between being seen and being counted as dead would be both, or neither. Each dies once, so this ends. */
  #lookWhileNobodyDies(): { inside: SyscallsTask[]; drops: number[] } {
    for (let tries = 0; ; tries++) {
      const drops = this.tables.counters('drops');
      const inside = this.tables.iterate<SyscallsTask>('inside__any', 'syscalls_task');
      if (this.tables.counters('drops')[SyscallsDrop.SYSCALLS_DYING] === drops[SyscallsDrop.SYSCALLS_DIED] || tries > MOST_LOOKS) return { inside, drops };
    }
  }
}
