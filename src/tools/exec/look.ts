/** The eyes of one session: takes events in, tells what they mean, and keeps the totals. */
import { ExecKind, type ExecEvent, type ExecLiving } from '../../generated/exec.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import { Lives, type News } from './lives.js';
import type { ExecEventRecord, Image } from './model.js';
import { Programs, since, type ProgramTotals } from './programs.js';
import { recordOf, wordsOf } from './records.js';
import { execReport, type Alert, type ExecSnapshot } from './report.js';
import type { Rule } from './rules.js';

export interface Wishes {
  readonly rules: readonly Rule[];
  /** Which execs count at all. */
  readonly wants: (image: Image) => boolean;
  /** Which events are sent. */
  readonly sends: (kind: ExecEventRecord['type']) => boolean;
  readonly mostPrograms: number;
}

export class ExecLook implements Look<ExecEventRecord> {
  readonly #lives: Lives;
  readonly #programs: Programs;
  readonly #alerts = new Map<string, Alert>();
  /** Processes that the filters leave out, while they live. */
  readonly #unwanted = new Set<Image>();
  #filtered = 0;
  #last: { readonly programs: readonly ProgramTotals[]; readonly at: number } | undefined;
  #startedAt = 0;
  /** Of what is not sent. */
  #lostBefore = 0;

  constructor(
    private readonly tables: Tables,
    private readonly processes: Processes,
    private readonly wishes: Wishes,
  ) {
    this.#lives = new Lives(processes);
    this.#programs = new Programs(wishes.mostPrograms);
  }

  begin(): void {
    this.#startedAt = this.processes.now();
    this.tables.iterate('seed__any', 'exec_living');
  }

  tick(): boolean {
    return false;
  }

  events(last: boolean): { events: ExecEventRecord[]; full: boolean } {
    const { events, full } = this.tables.drain<ExecEvent>('events', 'exec_event');
    const records: ExecEventRecord[] = [];
    for (const news of this.#lives.take(events, last && !full)) {
      const record = this.#take(news);
      if (record) records.push(record);
    }
    return { events: records, full };
  }

  #take(news: News): ExecEventRecord | undefined {
    if (!this.#isWanted(news)) return undefined;
    this.#programs.add(news);
    if (news.kind === 'freed') return undefined;
    const alerts = this.#rulesThatHold(news);
    this.#lostBefore += news.lost;
    if (!this.wishes.sends(news.kind) && alerts.length === 0) return undefined;
    const lost = this.#lostBefore;
    this.#lostBefore = 0;
    return recordOf({ ...news, lost }, alerts, (ns) => this.processes.wallTime(ns));
  }

  #isWanted(news: News): boolean {
    const { image } = news;
    if (news.kind === 'exec' || news.kind === 'failed') {
      if (this.wishes.wants(image)) return true;
      this.#filtered++;
      if (news.kind === 'exec') this.#unwanted.add(image);
      return false;
    }
    const unwanted = this.#unwanted.has(image);
    return !unwanted && (!('beforeTracing' in news && news.beforeTracing) || this.wishes.wants(image));
  }

  #rulesThatHold(news: Exclude<News, { readonly kind: 'freed' }>): string[] {
    const occasion = { image: news.image, ...(news.kind === 'failed' ? { error: news.error } : {}), ...(news.kind === 'exit' ? { end: news.end } : {}) };
    const held = this.wishes.rules.filter(({ when, holds }) => when === news.kind && holds(occasion)).map(({ name }) => name);
    const [parent] = news.image.ancestors;
    for (const rule of held) this.#alerts.set(rule, { rule, count: (this.#alerts.get(rule)?.count ?? 0) + 1, pid: news.image.pid, what: wordsOf(news.image), by: parent ? `${parent.name} (${parent.pid})` : '' });
    return held;
  }

  news(): readonly string[] {
    return [];
  }

  report(options: ReportOptions, interval: boolean): Report {
    const before = interval ? this.#last : undefined;
    const programs = this.#programs.snapshot();
    const until = options.header.settled ? options.until : this.processes.now();
    this.#last = { programs, at: until };
    return execReport(this.#snapshot(before ? since(before.programs, programs) : programs, until - (before?.at ?? this.#startedAt)), options, before !== undefined);
  }

  #snapshot(programs: readonly ProgramTotals[], durationNs: number): ExecSnapshot {
    const [hits, missed] = [this.tables.counters('hits'), this.tables.counters('missed')];
    const of = (counters: readonly number[], ...kinds: readonly number[]): number => kinds.reduce((sum, kind) => sum + (counters[kind] ?? 0), 0);
    const lostEnds = of(missed, ExecKind.EXEC_FREED);
    const unended = this.#lives.running.filter((image) => !this.#unwanted.has(image));
    const running = lostEnds > 0 ? this.#living(unended) : unended;
    const names = new Map<string, number>();
    for (const { program } of running) names.set(program, (names.get(program) ?? 0) + 1);
    return {
      programs,
      alerts: [...this.#alerts.values()].sort((a, b) => b.count - a.count),
      running: names,
      durationNs: Math.max(0, durationNs),
      counts: {
        hits: of(hits, ExecKind.EXEC_STARTED, ExecKind.EXEC_FAILED),
        aggregated: this.#programs.aggregated + unended.length - running.length,
        inFlight: running.length,
        filtered: this.#filtered,
        lostExecs: of(missed, ExecKind.EXEC_STARTED, ExecKind.EXEC_FAILED),
        lostEnds,
        lostText: of(missed, ExecKind.EXEC_MORE),
        programsFull: this.#programs.full,
        stateless: this.tables.counters('stateless')[0] ?? 0,
        targetsFull: this.tables.counters('targets_full')[0] ?? 0,
      },
    };
  }

  /** Those whose end was lost do not run: they count as ended, and nobody knows how. */
  #living(images: readonly Image[]): readonly Image[] {
    const living = new Set(this.tables.iterate<ExecLiving>('living__any', 'exec_living').map(({ tgid }) => tgid));
    return images.filter(({ pid }) => living.has(pid));
  }
}
