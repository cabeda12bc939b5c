/** The eyes of one session: takes in what the kernel side tells, and keeps the incidents. */
import type { OomCandidate, OomIncident, OomVictim } from '../../generated/oom.js';
import type { Report } from '../../report/model.js';
import type { KernelRecord, Look, Processes, ReportOptions, Tables } from '../contract.js';
import { Incidents, type Ended, type Whole } from './incidents.js';
import { incidentsOf } from './log.js';
import { told } from './merge.js';
import type { EndRecord, Incident, IncidentRecord, OomRecord } from './model.js';
import { oomReport, type OomSnapshot } from './report.js';

/** Records of the kernel log: an incident has some seventy, and ktrace may not have run for a while. */
const REMEMBERED = 20_000;
/** The kernel may take long to write what an incident was about, on a slow console: victims end meanwhile. */
const EARLY_NS = 60e9;

export class OomLook implements Look<OomRecord> {
  readonly #incidents = new Incidents();
  readonly #kept: IncidentRecord[] = [];
  readonly #endedAfter = new Map<number, number>();
  /** When each victim that has not ended was killed, by pid. */
  readonly #dying = new Map<number, { readonly number: number; readonly time: number; readonly first: boolean }>();
  #early: readonly Ended[] = [];
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
  ) {}

  begin(): void {
    this.#startedAt = this.processes.now();
    this.processes.kernelLog();
  }

  /** The log is read in time, or the kernel overwrites it. */
  tick(): boolean {
    this.#readLog();
    return false;
  }

  news(): readonly string[] {
    return [];
  }

  /** Victims first: the end of an incident comes after all else that belongs to it. */
  events(last: boolean): { events: OomRecord[]; full: boolean } {
    const victims = this.tables.drain<OomVictim>('victims', 'oom_victim');
    const incidents = this.tables.drain<OomIncident>('incidents', 'oom_incident');
    const candidates = this.tables.drain<OomCandidate>('candidates', 'oom_candidate');
    const full = victims.full || incidents.full || candidates.full;
    const { whole, ended } = this.#incidents.take({ victims: victims.events, incidents: incidents.events, candidates: candidates.events }, this.processes.now(), last && !full);
    const records = whole.length === 0 ? [] : this.#told(whole);
    return { events: [...records, ...this.#ends(ended)].sort((a, b) => a.time - b.time), full };
  }

  #told(whole: readonly Whole[]): IncidentRecord[] {
    const readable = this.#readLog();
    const swapTotal = this.processes.swapTotal();
    const log = incidentsOf(this.#log, swapTotal === undefined ? {} : { swapTotal });
    return told(whole, log, readable).map(({ incident, lost }) => this.#keep(incident, lost));
  }

  /** Whether it may be read. */
  #readLog(): boolean {
    const news = this.processes.kernelLog();
    if (!news) return false;
    if (news.records.length > 0) this.#log = [...this.#log, ...news.records].slice(-REMEMBERED);
    this.#logLost = news.lost;
    return true;
  }

  #keep(incident: Incident, lostBefore: number): IncidentRecord {
    const record: IncidentRecord = { type: 'incident', number: ++this.#number, lostBefore, ...incident, at: this.processes.wallTime(incident.time) };
    this.#kept.push(record);
    this.#aggregated += record.victims.length;
    record.victims.forEach(({ pid, time }, i) => this.#dying.set(pid, { number: record.number, time, first: i === 0 }));
    while (this.#kept.length > this.mostRows) this.#forget(this.#kept.shift());
    return record;
  }

  #forget(incident: IncidentRecord | undefined): void {
    this.#forgotten += incident?.victims.length ?? 0;
    for (const { pid } of incident?.victims ?? []) if (this.#dying.get(pid)?.number === incident?.number) this.#dying.delete(pid);
    if (incident) this.#endedAfter.delete(incident.number);
  }

  /** Some come before their incident is whole. */
  #ends(ended: readonly Ended[]): EndRecord[] {
    const all = [...this.#early, ...ended];
    const now = this.processes.now();
    this.#early = all.filter(({ pid, time }) => !this.#dying.has(pid) && now - time < EARLY_NS);
    return all.flatMap((each) => this.#end(each));
  }

  #end({ pid, process, time }: Ended): EndRecord[] {
    const killed = this.#dying.get(pid);
    if (!killed) return [];
    this.#dying.delete(pid);
    const tookNs = time - killed.time;
    if (killed.first) this.#endedAfter.set(killed.number, tookNs);
    return [{ type: 'end', time, at: this.processes.wallTime(time), number: killed.number, pid, process, tookNs, lostBefore: 0 }];
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
      endedAfter: this.#endedAfter,
      durationNs,
      counts: {
        hits,
        aggregated: this.#aggregated - this.#forgotten,
        inFlight: Math.max(0, hits - this.#aggregated - victimsLost),
        victimsLost,
        incidentsLost: count('incidents_lost'),
        candidatesLost: count('candidates_lost'),
        rowsFull: this.#forgotten,
        endsFull: count('dying_full') + Math.max(0, count('victims_lost') - victimsLost),
        fruitless: count('fruitless'),
        logLost: this.#logLost,
      },
    };
  }
}
