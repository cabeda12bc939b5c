/** The eyes of one session: takes events in, tells what they mean, and keeps the totals. */
import { ExecKind, type ExecEvent, type ExecLiving } from '../../generated/exec.js';
import type { Report } from '../../report/model.js';
import type { Look, Processes, ReportOptions, Tables } from '../contract.js';
import { Lives, type News } from './lives.js';
import type { ExecEventRecord, Image } from './model.js';
import { Programs, since, type ProgramTotals } from './programs.js';
import { alertWords, recordOf } from './records.js';
import { execReport, type Alert, type ExecSnapshot } from './report.js';
import type { Rule } from './rules.js';

export interface Wishes {
  readonly rules: readonly Rule[];
  /** Which execs count at all. */
  readonly wants: (image: Image) => boolean;
  /** Whether that leaves out any. */
  readonly narrows: boolean;
  /** Which events are sent. */
  readonly sends: (kind: ExecEventRecord['type']) => boolean;
  readonly mostPrograms: number;
}

function alertsSince(before: readonly Alert[], now: readonly Alert[]): Alert[] {
  const earlier = new Map(before.map(({ rule, count }) => [rule, count]));
  return now.map((alert) => ({ ...alert, count: alert.count - (earlier.get(alert.rule) ?? 0) })).filter(({ count }) => count > 0);
}

export class ExecLook implements Look<ExecEventRecord> {
  readonly #lives: Lives;
  readonly #programs: Programs;
  readonly #alerts = new Map<string, Alert>();
  /** What the filters leave out, and what has no row. */
  readonly #unwanted = new WeakSet<Image>();
  readonly #uncounted = new WeakSet<Image>();
  #filtered = 0;
  #last: { readonly programs: readonly ProgramTotals[]; readonly alerts: readonly Alert[]; readonly at: number } | undefined;
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
    const hasRow = this.#programs.add(news);
    if (!hasRow && news.kind === 'exec') this.#uncounted.add(news.image);
    if (news.kind === 'freed' || news.kind === 'left') return undefined;
    const alerts = this.#rulesThatHold(news);
    this.#lostBefore += news.lost;
    if (!this.wishes.sends(news.kind) && alerts.length === 0) return undefined;
    const lost = this.#lostBefore;
    this.#lostBefore = 0;
    return recordOf({ ...news, lost }, alerts, (ns) => this.processes.wallTime(ns));
  }

  /** Of what was there before tracing neither path nor arguments are known. */
  #isWanted(news: News): boolean {
    const { image, kind } = news;
    if (kind === 'exit' && news.beforeTracing) return !this.wishes.narrows;
    if (kind !== 'exec' && kind !== 'failed') return !this.#unwanted.has(image);
    if (this.wishes.wants(image)) return true;
    this.#filtered++;
    if (kind === 'exec') this.#unwanted.add(image);
    return false;
  }

  #rulesThatHold(news: Exclude<News, { readonly kind: 'freed' | 'left' }>): string[] {
    const occasion = { image: news.image, isKnown: !('beforeTracing' in news && news.beforeTracing), ...(news.kind === 'failed' ? { error: news.error } : {}), ...(news.kind === 'exit' ? { end: news.end } : {}) };
    const held = this.wishes.rules.filter(({ when, holds }) => when === news.kind && holds(occasion)).map(({ name }) => name);
    const [parent] = news.image.ancestors;
    for (const rule of held) this.#alerts.set(rule, { rule, count: (this.#alerts.get(rule)?.count ?? 0) + 1, pid: news.image.pid, what: alertWords(news.image), by: parent ? `${parent.name} (${parent.pid})` : '' });
    return held;
  }

  news(): readonly string[] {
    return [];
  }

  report(options: ReportOptions, interval: boolean): Report {
    const before = interval ? this.#last : undefined;
    const programs = this.#programs.snapshot();
    const until = options.header.settled ? options.until : this.processes.now();
    const alerts = [...this.#alerts.values()];
    this.#last = { programs, alerts, at: until };
    this.#programs.nextInterval();
    return execReport(this.#snapshot(before ? since(before.programs, programs) : programs, before ? alertsSince(before.alerts, alerts) : alerts, until - (before?.at ?? this.#startedAt)), options, before !== undefined);
  }

  #snapshot(programs: readonly ProgramTotals[], alerts: readonly Alert[], durationNs: number): ExecSnapshot {
    const [hits, missed] = [this.tables.counters('hits'), this.tables.counters('missed')];
    const of = (counters: readonly number[], ...kinds: readonly number[]): number => kinds.reduce((sum, kind) => sum + (counters[kind] ?? 0), 0);
    const unended = this.#lives.running.filter((image) => !this.#unwanted.has(image) && !this.#uncounted.has(image));
    const someEndsAreLost = of(missed, ExecKind.EXEC_ENDED, ExecKind.EXEC_FREED, ExecKind.EXEC_LEFT) > 0;
    const running = someEndsAreLost ? this.#living(unended) : unended;
    const names = new Map<string, number>();
    for (const { program } of running) names.set(program, (names.get(program) ?? 0) + 1);
    return {
      programs,
      alerts: [...alerts].sort((a, b) => b.count - a.count),
      running: names,
      durationNs: Math.max(0, durationNs),
      counts: {
        hits: of(hits, ExecKind.EXEC_STARTED, ExecKind.EXEC_FAILED),
        aggregated: this.#programs.aggregated + unended.length - running.length,
        inFlight: running.length,
        filtered: this.#filtered,
        lostExecs: of(missed, ExecKind.EXEC_STARTED, ExecKind.EXEC_FAILED),
        lostEnds: unended.length - running.length,
        lostText: of(missed, ExecKind.EXEC_MORE),
        programsFull: this.#programs.full,
        stateless: this.tables.counters('stateless')[0] ?? 0,
        targetsFull: this.tables.counters('targets_full')[0] ?? 0,
      },
    };
  }

  /** Those whose end was lost do not run: they count as ended, and nobody knows how. */
  #living(images: readonly Image[]): readonly Image[] {
    const living = new Set(this.tables.iterate<ExecLiving>('living__any', 'exec_living').map(({ tgid, processBegan }) => `${tgid}:${processBegan}`));
    return images.filter(({ pid, processBegan }) => living.has(`${pid}:${processBegan}`));
  }
}
