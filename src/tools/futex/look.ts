/** Takes snapshots of one session: maps, present waits, and the memory at their words; watches for deadlocks. */
import { FutexDrop, FutexPhase } from '../../generated/futex.js';
import type { FutexCalls, FutexEvent, FutexTask, KtraceProcess, KtraceThread, Maps } from '../../generated/futex.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import { nameAddress, type Mapping } from '../mappings.js';
import { findDeadlocks } from './deadlock.js';
import { since } from './interval.js';
import { callsWithPending, withPending } from './pending.js';
import { recordOf, type FutexEventRecord } from './events.js';
import type { CallCount, Deadlock, Evidence, FutexSnapshot, Wait } from './model.js';
import { futexReport, storyOf, type FutexSort } from './report.js';
import { callOf } from './waits.js';
import { openWakes } from './wakes.js';

const EVIDENCE_BEFORE = 48; // as in bpf/futex.bpf.h
const EVIDENCE_BEHIND = 48;
const PAGE_BYTES = 4096;
const MOST_LOOKS = 1000;
const MOST_DEADLOCKS = 100; // told; one is enough to act on
const MOST_WORDS = 4096; // read at one look

export class FutexLook implements Look<FutexEventRecord> {
  readonly #tables: Tables;
  readonly #processes: Processes;
  readonly #mappings = new Map<number, readonly Mapping[]>();
  readonly #learnedAt = new Map<number, number>();
  readonly #deadlocks = new Map<string, Deadlock>();
  readonly #news: string[] = [];
  #suspects: Wait[] | undefined;
  /** All that the last look found. */
  #tasks: readonly FutexTask[] = [];
  #startedAt = 0;
  #last: FutexSnapshot | undefined;

  constructor(tables: Tables, processes: Processes) {
    this.#tables = tables;
    this.#processes = processes;
  }

  begin(): void {
    this.#startedAt = this.#processes.now();
    this.#tables.iterate('seed__any', 'futex_task');
  }

  /** A cycle is believed on the second look, so a first sight of one asks for another look soon. */
  tick(): boolean {
    const waits = this.#waits();
    this.#learnMappings(waits.map(({ tgid }) => tgid));
    const before = this.#suspects ?? [];
    for (const deadlock of findDeadlocks(before, waits, this.#mappings)) this.#remember(deadlock);
    this.#suspects = waits;
    return findDeadlocks(waits, waits, this.#mappings).some((deadlock) => this.#isNew(deadlock));
  }

  #isNew(deadlock: Deadlock): boolean {
    return !this.#deadlocks.has(idOf(deadlock)) && this.#deadlocks.size < MOST_DEADLOCKS;
  }

  #remember(deadlock: Deadlock): void {
    if (this.#isNew(deadlock)) this.#news.push('DEADLOCK', ...storyOf(deadlock).map((line) => `  ${line}`));
    else if (!this.#deadlocks.has(idOf(deadlock))) return;
    this.#deadlocks.set(idOf(deadlock), deadlock); // also a known one: its threads are older now
  }

  news(): readonly string[] {
    return this.#news.splice(0);
  }

  events(): { events: FutexEventRecord[]; full: boolean } {
    const { events, full } = this.#tables.drain<FutexEvent>('events', 'futex_event');
    this.#learnMappings(events.filter((event) => !this.#knows(event)).map(({ tgid }) => tgid));
    return { events: events.map((event) => recordOf(event, nameAddress(this.#mappings.get(event.tgid) ?? [], event.uaddr))), full };
  }

  report(options: ReportOptions, interval: boolean): Report {
    const now = this.#snapshot(options);
    const shown = interval && this.#last ? since(this.#last, now) : now;
    this.#last = now;
    return futexReport(shown, { ...options, sort: options.sort as FutexSort });
  }

  #snapshot({ header: { settled }, until }: ReportOptions): FutexSnapshot {
    const died = this.#lookWhileNobodyDies();
    const waits = (this.#suspects ?? []).map((wait) => (settled && (beganAfter(wait, until) || this.#isDead(wait)) ? { ...wait, waits: 0 } : wait));
    const rows = this.#tables.rows<Maps['locks']['key'], Maps['locks']['value']>('locks').map(({ key, values: [value] }) => ({ key, value: value as Maps['locks']['value'] }));
    const locks = withPending(rows, waits);
    const parts = this.#tables.rows<Maps['parts']['key'], Maps['parts']['value']>('parts').map(({ key, values: [value] }) => ({ key, value: value as Maps['parts']['value'] }));
    this.#learnMappings(locks.map(({ value }) => value.tgid));
    return {
      startedAt: this.#startedAt,
      takenAt: settled ? until : this.#processes.now(),
      locks,
      parts,
      threads: this.#byId<KtraceThread>('threads'),
      processes: this.#byId<KtraceProcess>('processes'),
      waits,
      wakes: openWakes(this.#tasks, settled),
      counters: {
        calls: callsWithPending(this.#tables.rows<unknown, FutexCalls>('calls').map(({ values }) => sumCalls(values)), waits),
        drops: this.#tables.counters('drops').map((count, drop) => (drop === FutexDrop.FUTEX_DIED ? died : count)),
        full: this.#full(),
      },
      mappings: this.#mappings,
      settled,
      deadlocks: [...this.#deadlocks.values()],
    };
  }

  /** A leader that nobody has reaped: its end tells so, too, unless the kernel skipped that run. It was in flight, and waits for nothing. */
  #isDead({ tid, tgid, sleeping }: Wait): boolean {
    return sleeping === 0 && tid === tgid && this.#processes.isZombie(tgid);
  }

  /** A thread that dies between being seen and being counted as dead would be both, or neither. Each dies once, so this ends. */
  #lookWhileNobodyDies(): number {
    const count = (drop: number): number => this.#tables.counters('drops')[drop] ?? 0;
    for (let tries = 0; ; tries++) {
      const died = count(FutexDrop.FUTEX_DIED);
      this.tick();
      if (count(FutexDrop.FUTEX_DYING) === died || tries > MOST_LOOKS) return died;
    }
  }

  #byId<V>(map: string): Map<number, V> {
    return new Map(this.#tables.rows<{ value: number }, V>(map).map(({ key, values: [value] }) => [key.value, value as V]));
  }

  #full(): FutexSnapshot['counters']['full'] {
    const one = (map: string): number => this.#tables.counters(map)[0] ?? 0;
    return { locks: one('locks_full'), parts: one('parts_full'), processes: one('processes_full'), targets: one('targets_full'), events: one('events_lost') };
  }

  /** Each word's memory is read once, however many threads wait there. */
  #waits(): Wait[] {
    const read = new Map<string, Evidence | null>();
    this.#tasks = this.#tables.iterate<FutexTask>('waits__any', 'futex_task');
    return this.#tasks.filter(({ waits, state }) => waits !== 0 || state.pending > 0).map((task) => {
      const wait = { ...task, memory: null };
      const { address } = callOf(wait);
      const id = `${task.tgid} ${address}`;
      if (!read.has(id) && read.size < MOST_WORDS) read.set(id, this.#memory(task.tgid, address));
      return { ...wait, memory: read.get(id) ?? null };
    });
  }

  /** Around the word, or what of that is in its own page: the one before or behind it may not be there. */
  #memory(pid: number, address: bigint): Evidence | null {
    if (address < PAGE_BYTES) return null;
    const at = Number(address % BigInt(PAGE_BYTES));
    const read = (before: number, behind: number): Evidence | null => {
      const bytes = this.#processes.memory(pid, address - BigInt(before), before + behind);
      return bytes && { bytes, before };
    };
    return read(EVIDENCE_BEFORE, EVIDENCE_BEHIND) ?? read(Math.min(at, EVIDENCE_BEFORE), Math.min(PAGE_BYTES - at, EVIDENCE_BEHIND));
  }

  /** Whether there is a name for the place, or was none a moment ago, either. */
  #knows({ tgid, uaddr, end }: FutexEvent): boolean {
    const named = (this.#mappings.get(tgid) ?? []).some(({ start, end: after }) => start <= uaddr && uaddr < after);
    return named || end - (this.#learnedAt.get(tgid) ?? 0) < 1e9;
  }

  /** The last mappings read stay when the process has gone. */
  #learnMappings(pids: Iterable<number>): void {
    for (const pid of new Set(pids)) {
      const mappings = this.#processes.mappings(pid);
      this.#learnedAt.set(pid, this.#processes.now());
      if (mappings && mappings.length > 0) this.#mappings.set(pid, mappings);
    }
  }
}

/** Nobody saw it begin, and its thread has run since `end`: this wait is not of our time. */
function beganAfter({ state, now, lastRan, clockNow }: Wait, end: number): boolean {
  return state.phase !== FutexPhase.FUTEX_WAITING && lastRan > 0 && clockNow - lastRan < now - end;
}

const idOf = ({ links }: Deadlock): string => links.map(({ tid, address }) => `${tid}:${address}`).join(' ');

function sumCalls(values: readonly FutexCalls[]): CallCount {
  return values.reduce((sum, { calls, threads }) => ({ calls: sum.calls + calls, threads: sum.threads + threads }), { calls: 0, threads: 0 });
}
