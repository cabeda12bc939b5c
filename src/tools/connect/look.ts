/** The eyes of one session: takes events in, tells what they mean, and keeps the totals. */
import { ConnectDrop, type ConnectAttempt, type ConnectEvent, type ConnectKey } from '../../generated/connect.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import type { By, ConnectEventRecord, Pending } from './model.js';
import { addressText } from './nets.js';
import { recordOf, type Around } from './records.js';
import { connectReport, type ConnectSnapshot } from './report.js';
import { Rows, since, type ConnectTotals } from './rows.js';

export interface ConnectWishes {
  readonly by: By;
  readonly mostRows: number;
  readonly resolve: boolean;
  readonly lifetime: boolean;
}

export class ConnectLook implements Look<ConnectEventRecord> {
  readonly #rows: Rows;
  readonly #around: Around;
  #last: { readonly rows: readonly ConnectTotals[]; readonly at: number } | undefined;
  #startedAt = 0;

  constructor(
    private readonly tables: Tables,
    private readonly processes: Processes,
    private readonly wishes: ConnectWishes,
  ) {
    this.#rows = new Rows(wishes.by, wishes.mostRows);
    this.#around = {
      wallTime: (ns) => processes.wallTime(ns),
      cgroup: (id, name) => (id === 0n ? undefined : processes.cgroup(id)) ?? `…/${name}`,
      hostName: (address) => (wishes.resolve ? (processes.hostName(address) ?? null) : null),
    };
  }

  begin(): void {
    this.#startedAt = this.processes.now();
    this.tables.iterate('seed__any', 'connect_event');
  }

  tick(): boolean {
    return false;
  }

  events(): { events: ConnectEventRecord[]; full: boolean } {
    const { events, full } = this.tables.drain<ConnectEvent>('events', 'connect_event');
    const records = events.map((event) => recordOf(event, this.#around));
    for (const record of records) this.#rows.add(record);
    return { events: records, full };
  }

  news(): readonly string[] {
    return [];
  }

  report(options: ReportOptions, interval: boolean): Report {
    const before = interval ? this.#last : undefined;
    const rows = this.#rows.snapshot();
    const until = options.header.settled ? options.until : this.processes.now();
    this.#last = { rows, at: until };
    this.#rows.nextInterval();
    return connectReport(this.#snapshot(before ? since(before.rows, rows) : rows, until, until - (before?.at ?? this.#startedAt)), options, before !== undefined);
  }

  #snapshot(rows: readonly ConnectTotals[], until: number, durationNs: number): ConnectSnapshot {
    const drops = this.tables.counters('drops');
    const count = (map: string): number => this.tables.counters(map)[0] ?? 0;
    const all = this.tables.rows<ConnectKey, ConnectAttempt>('attempts').flatMap(({ values: [attempt] }) => (attempt && attempt.began > 0 ? [attempt] : []));
    const inFlight = all.filter(({ established }) => established === 0);
    const pending = inFlight.filter(({ unsent }) => unsent === 0).map((attempt) => this.#pending(attempt, until));
    return {
      by: this.wishes.by,
      rows,
      pending: pending.sort((a, b) => b.ageNs - a.ageNs),
      open: this.wishes.lifetime ? all.filter(({ established }) => established > 0).map((attempt) => this.#pending(attempt, until)) : undefined,
      durationNs: Math.max(0, durationNs),
      names: (key) => (this.wishes.resolve && this.wishes.by === 'dest' ? this.#around.hostName(key.replace(/^\[?(.*?)\]?:\d+$/, '$1')) : null),
      counts: {
        hits: count('hits'),
        aggregated: this.#rows.aggregated,
        inFlight: inFlight.length,
        filtered: drops[ConnectDrop.CONNECT_FILTERED] ?? 0,
        lost: drops[ConnectDrop.CONNECT_LOST] ?? 0,
        closesLost: drops[ConnectDrop.CONNECT_CLOSE_LOST] ?? 0,
        stale: drops[ConnectDrop.CONNECT_STALE] ?? 0,
        attemptsFull: count('attempts_full'),
        callless: count('callless'),
        rowsFull: this.#rows.full,
        targetsFull: count('targets_full'),
      },
    };
  }

  #pending({ owner, remote, began, earlier }: ConnectAttempt, until: number): Pending {
    return {
      pid: owner.tgid,
      tid: owner.tid,
      thread: owner.comm,
      process: owner.process,
      cgroup: this.#around.cgroup(owner.cgroup, owner.cgroupName),
      address: addressText(remote.address, remote.family),
      port: remote.port,
      ageNs: Math.max(0, until - began),
      beforeTracing: earlier !== 0,
    };
  }
}
