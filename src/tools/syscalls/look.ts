/** Takes snapshots of one session. */
import { SyscallsDrop, type KtraceThread, type Maps, type SyscallsEvent, type SyscallsRow, type SyscallsSlots, type SyscallsTask } from '../../generated/syscalls.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import { cpuCalls, errorsOf, firstErrors, sharedCalls, sharedErrors, since, totalsOf } from './aggregate.js';
import { CallReader, type SyscallEventRecord } from './events.js';
import type { By, SyscallsSnapshot } from './model.js';
import type { CallNames } from '../call-names.js';
import { hangingNow, syscallsReport, type World } from './report.js';
import type { Memory } from './text.js';

const MOST_LOOKS = 1000;

const PAGE = 4096n;
const LONGEST_TEXT = 256n;
const MOST_BYTES = 160;

/** The text at an address of a process, cut at 256 bytes; undefined where it cannot be read. */
function textAt(processes: Processes, pid: number, address: bigint): Memory | undefined {
  const bytes: number[] = [];
  for (let at = address; at < address + LONGEST_TEXT; ) {
    const end = (at / PAGE + 1n) * PAGE < address + LONGEST_TEXT ? (at / PAGE + 1n) * PAGE : address + LONGEST_TEXT;
    const part = processes.memory(pid, at, Number(end - at));
    if (!part) return undefined;
    const zero = part.indexOf(0);
    bytes.push(...part.subarray(0, zero < 0 ? part.length : zero));
    if (zero >= 0) return { bytes: Buffer.from(bytes), cut: false };
    at = end;
  }
  return { bytes: Buffer.from(bytes), cut: true };
}

function bytesAt(processes: Processes, pid: number, address: bigint, length: number): Memory | undefined {
  const bytes = processes.memory(pid, address, Math.min(length, MOST_BYTES));
  return bytes ? { bytes: Buffer.from(bytes), cut: length > MOST_BYTES } : undefined;
}

export class SyscallsLook implements Look<SyscallEventRecord> {
  readonly #reader: CallReader;
  #startedAt = 0;
  #last: SyscallsSnapshot | undefined;
  #news: string[] = [];

  constructor(
    private readonly tables: Tables,
    private readonly processes: Processes,
    private readonly names: CallNames,
    private readonly by: By,
    private readonly machine: string,
    private readonly explain: boolean,
    private readonly data: boolean,
  ) {
    this.#reader = new CallReader(processes, names, machine, data);
  }

  begin(): void {
    this.#startedAt = this.processes.now();
    this.tables.iterate('seed__any', 'syscalls_task');
    this.#news = hangingNow(this.tables.iterate<SyscallsTask>('inside__any', 'syscalls_task'), this.processes.now(), this.names, this.#world());
  }

  tick(): boolean {
    return false;
  }

  events(): { events: SyscallEventRecord[]; full: boolean } {
    const { events, full } = this.tables.drain<SyscallsEvent>('events', 'syscalls_event');
    return { events: events.map((event) => this.#reader.read(event)), full };
  }

  /** Who hangs in a call as tracing begins. */
  news(): readonly string[] {
    return this.#news.splice(0);
  }

  report(options: ReportOptions, interval: boolean): Report {
    const before = interval ? this.#last : undefined;
    const now = this.#snapshot(options);
    this.#last = now;
    return syscallsReport(before ? since(before, now) : now, before, this.names, options, this.#world());
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
      counters: { hits: tables.counters('hits').reduce((sum, count) => sum + count, 0), drops, rowsFull: tables.counters('rows_full')[0] ?? 0, errorsFull: tables.counters('errors_full')[0] ?? 0, targetsFull: tables.counters('targets_full')[0] ?? 0, eventsLost: tables.counters('events_lost')[0] ?? 0 },
    };
  }

  #world(): World {
    const { processes, machine, explain, data } = this;
    return {
      explain,
      cgroup: (id) => processes.cgroup(id),
      meaning: (pid, compat) => ({
        abi: { machine, word: compat ? 4 : 8 },
        data,
        result: undefined,
        descriptor: (fd) => processes.descriptor(pid, fd),
        memory: (_index, address, bytes) => (bytes === 'text' ? textAt(processes, pid, address) : bytesAt(processes, pid, address, bytes)),
      }),
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
