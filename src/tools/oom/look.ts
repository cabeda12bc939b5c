/** The eyes of one session: takes in what the kernel side tells, and keeps the incidents. */
import { OomKind, type OomCandidate, type OomIncident, type OomStart, type OomVictim } from '../../generated/oom.js';
import type { Report } from '../../report/model.js';
import type { KernelRecord, Look, Processes, ReportOptions, Tables } from '../contract.js';
import { Aftermath } from './aftermath.js';
import { History } from './history.js';
import { Incidents, type Whole } from './incidents.js';
import { incidentsOf } from './log.js';
import { told } from './merge.js';
import { placeOf, type AfterRecord, type Incident, type IncidentRecord, type OomRecord } from './model.js';
import { oomReport, type OomSnapshot } from './report.js';

/** Records of the kernel log: an incident has some seventy, and ktrace may not have run for a while. */
const REMEMBERED = 20_000;
const MOST_PLACES = 10_000;

export class OomLook implements Look<OomRecord> {
  readonly #incidents = new Incidents();
  readonly #kept: IncidentRecord[] = [];
  readonly #aftermath = new Aftermath();
  readonly #history: History;
  /** In this session, by path of the cgroup whose limit was hit; null: of the machine. */
  readonly #times = new Map<string | null, number>();
  /** When victims of which the kernel side knows the id alone began, as /proc says while they are there; of incidents that are not whole. */
  readonly #began = new Map<number, number>();
  #log: readonly KernelRecord[] = [];
  #logLost = 0;
  #number = 0;
  #aggregated = 0;
  #forgotten = 0;
  #reported = 0;
  #startedAt = 0;
  #lastAt: number | undefined;

  constructor(
    private readonly tables: Tables,
    private readonly processes: Processes,
    private readonly mostRows: number,
  ) {
    this.#history = new History(processes);
  }

  begin(): void {
    this.#startedAt = this.processes.now();
    this.processes.kernelLog();
    this.#history.tick();
  }

  /** The log is read in time, or the kernel overwrites it. */
  tick(): boolean {
    this.#readLog();
    this.#history.tick();
    return false;
  }

  news(): readonly string[] {
    return [];
  }

  /** Victims first: the end of an incident comes after all else that belongs to it. What was there before that is in what is read. */
  events(last: boolean): { events: OomRecord[]; full: boolean } {
    const now = this.processes.now();
    const victims = this.tables.drain<OomVictim>('victims', 'oom_victim');
    const incidents = this.tables.drain<OomIncident>('incidents', 'oom_incident');
    const candidates = this.tables.drain<OomCandidate>('candidates', 'oom_candidate');
    const starts = this.tables.drain<OomStart>('starts', 'oom_start');
    this.#noteBeginnings(victims.events);
    const full = victims.full || incidents.full || candidates.full || starts.full;
    const { whole, later } = this.#incidents.take({ victims: victims.events, incidents: incidents.events, candidates: candidates.events }, now, { more: full, all: last });
    const records = whole.length === 0 ? [] : this.#told(whole);
    if (!this.#incidents.pending) this.#began.clear();
    const after = this.#aftermath.take(later, starts.events, now, this.#incidents.pending).map((each): AfterRecord => ({ ...each, at: this.processes.wallTime(each.time) }));
    return { events: [...records, ...after].sort((a, b) => a.time - b.time), full };
  }

  /** At once: when their incident is whole, they may be gone. */
  #noteBeginnings(victims: readonly OomVictim[]): void {
    for (const { kind, began, tid } of victims) {
      const found = kind === OomKind.OOM_MARKED && began === 0 ? this.processes.began(tid) : undefined;
      if (found !== undefined) this.#began.set(tid, found);
    }
  }

  #told(whole: readonly Whole[]): IncidentRecord[] {
    const readable = this.#readLog();
    const { swapTotal } = this.processes.machineMemory();
    const log = incidentsOf(this.#log, swapTotal === null ? {} : { swapTotal });
    return told(whole, log, readable).map(({ incident, lost, began }) => this.#keep(this.#watched(incident, began), began, lost));
  }

  /** With what its processes held before. */
  #watched(incident: Incident, began: Whole['began']): Incident {
    const { time, victims, candidates } = incident;
    const since = (pid: number): number => began.get(pid) ?? this.#began.get(pid) ?? this.processes.began(pid) ?? Infinity;
    return {
      ...incident,
      victims: victims.map((victim) => ({ ...victim, before: this.#history.of(victim.pid, since(victim.pid), time) })),
      candidates: candidates.map((each) => ({ ...each, before: this.#history.minuteBefore(each.pid, since(each.pid), time) })),
    };
  }

  /** Whether it may be read. */
  #readLog(): boolean {
    const news = this.processes.kernelLog();
    if (!news) return false;
    if (news.records.length > 0) this.#log = [...this.#log, ...news.records].slice(-REMEMBERED);
    this.#logLost = news.lost;
    return true;
  }

  #keep(incident: Incident, began: Whole['began'], lostBefore: number): IncidentRecord {
    const { cgroup, time } = incident;
    const place = placeOf(incident);
    const times = place === undefined ? null : (this.#times.get(place) ?? 0) + 1;
    if (place !== undefined && times !== null && (times > 1 || this.#times.size < MOST_PLACES)) this.#times.set(place, times);
    const record: IncidentRecord = { type: 'incident', number: ++this.#number, lostBefore, ...incident, at: this.processes.wallTime(time), times, machine: this.#history.machineBefore(time), cgroupState: cgroup === null ? null : (this.processes.cgroupState(cgroup) ?? null) };
    this.#kept.push(record);
    this.#aggregated += record.victims.length;
    this.#aftermath.watch(record, began);
    while (this.#kept.length > this.mostRows) this.#forget(this.#kept.shift());
    return record;
  }

  #forget(incident: IncidentRecord | undefined): void {
    if (!incident) return;
    this.#forgotten += incident.victims.length;
    this.#aftermath.forget(incident);
  }

  report(options: ReportOptions, interval: boolean): Report {
    const until = options.header.settled ? options.until : this.processes.now();
    const since = interval ? (this.#lastAt ?? this.#startedAt) : this.#startedAt;
    const incidents = interval ? this.#kept.filter(({ number }) => number > this.#reported) : this.#kept;
    if (interval) this.#reported = this.#number;
    this.#lastAt = until;
    return oomReport(this.#snapshot(incidents, Math.max(0, until - since)), options, interval);
  }

  #snapshot(incidents: readonly IncidentRecord[], durationNs: number): OomSnapshot {
    const count = (map: string): number => this.tables.counters(map)[0] ?? 0;
    const [hits, victimsLost] = [count('hits'), count('unmarked')];
    return {
      incidents,
      logReadable: this.#readLog(),
      after: (number) => this.#aftermath.after(number),
      durationNs,
      counts: {
        hits,
        aggregated: this.#aggregated - this.#forgotten,
        inFlight: Math.max(0, hits - this.#aggregated - victimsLost),
        victimsLost,
        incidentsLost: count('incidents_lost'),
        candidatesLost: count('candidates_lost'),
        rowsFull: this.#forgotten,
        endsFull: count('dying_full') + count('leaving_full') + count('later_lost') + this.#aftermath.dropped,
        restartsLost: count('starts_lost'),
        fruitless: count('fruitless'),
        logLost: this.#logLost,
      },
    };
  }
}
