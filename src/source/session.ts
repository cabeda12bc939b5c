/** One tracing session of one tool: from validated options to reports, on the timer of the JavaScript thread. */
import { KtraceError } from '../errors.js';
import { loadBinding } from '../native/load.js';
import { Procfs } from '../enrich/procfs.js';
import type { Report } from '../report/model.js';
import type { Look, ReportOptions, Tool, ToolEvent } from '../tools/contract.js';
import { missingPrerequisite } from './explain.js';
import { LiveSource } from './live.js';
import { kernelRelease } from './facts.js';
import { Backlog } from './backlog.js';
import { writeFilters } from './filters.js';
import type { SessionOptions } from './options.js';
import { Targets, type Children } from './targets.js';
import { version } from './version.js';

const TICK_MS = 1000;
const SOON_MS = 50; // until the second look at a suspected deadlock
const EARLY_MS: readonly number[] = [10, 50, 200]; // short-lived targets: look before they are gone
const BUSY_MS = 1;
const IDLE_MS = 50;

export class Session<Event extends ToolEvent = ToolEvent> {
  readonly #tool: Tool<Event>;
  readonly #options: SessionOptions;
  readonly #targets: Targets;
  readonly #source: LiveSource;
  readonly #look: Look<Event>;
  readonly #processes = new Procfs();
  readonly #backlog: Backlog<Event>;
  readonly #startedAt = new Date();
  readonly #startedNs: bigint;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ended: Promise<void>;
  /** In the kernel's table of targets: sched_process_fork adds them, their end takes them out. */
  readonly #children: Children = {
    born: () => this.#source.counters('children')[0] ?? 0,
    ids: () => this.#source.rows<{ value: number }, unknown>('targets').map(({ key }) => key.value),
  };
  #soon = false;
  #end: () => void = () => {};
  #failure: unknown;
  #stopped: bigint | undefined;
  /** When tracing ended: the kernel skips runs until the hooks are down. */
  #skippedAtEnd: number | undefined;
  #lastLosses = { backlogDropped: 0, skippedRuns: 0 };

  /** Attached when it returns. Throws KtraceError and its kinds; nothing is left behind then. */
  constructor(tool: Tool<Event>, options: SessionOptions) {
    const missing = missingPrerequisite();
    if (missing) throw missing;
    if (options.events && !tool.hasEvents) throw new KtraceError(`ktrace ${tool.name} has no events`, 'USAGE', 'leave --events out');
    this.#tool = tool;
    this.#options = options;
    this.#targets = tool.wholeMachine ? new Targets([], []) : new Targets(options.filters.pids, options.filters.tids);
    this.#ended = new Promise((resolve) => (this.#end = resolve));
    this.#backlog = new Backlog(options.backlog);
    const setting = { own: options.own, machine: process.arch, cpus: loadBinding().possibleCpus };
    this.#source = new LiveSource({
      schema: tool.schema,
      options: (endsMissed) => ({ ...writeFilters.options(options), ...tool.options({ filters: options.filters, events: options.events, endsMissed, ...setting }) }),
      mapSizes: tool.mapSizes(options.limits, setting),
      variant: options.variant,
      optionalHooks: tool.optionalHooks,
      limits: tool.limits,
      alsoOn: tool.alsoOn,
    });
    this.#look = tool.look(this.#source, this.#processes, setting);
    try {
      this.#source.attach((source) => writeFilters.maps(source, options));
      this.#startedNs = process.hrtime.bigint();
      this.#look.begin();
    } catch (error) {
      this.#source.close();
      throw error;
    }
    this.#start();
  }

  #start(): void {
    const { signal } = this.#options;
    if (signal?.aborted) return this.#finish();
    signal?.addEventListener('abort', () => this.#finish(), { once: true });
    for (const ms of EARLY_MS) this.#later(ms, () => this.#tick(false));
    this.#later(TICK_MS, () => this.#tick(true));
    if (this.#drains) this.#later(BUSY_MS, () => this.#drain(BUSY_MS));
    if (this.#options.durationNs !== undefined) this.#later(this.#options.durationNs / 1e6, () => this.#finish());
  }

  #later(ms: number, then: () => void): void {
    if (this.#stopped !== undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#guard(then);
    }, ms);
    this.#timers.add(timer);
  }

  /** An error in a timer ends the session; `ended` and the next report throw it. */
  #guard(then: () => void): void {
    try {
      then();
    } catch (error) {
      this.#failure ??= error;
      this.#finish();
    }
  }

  #tick(again: boolean): void {
    if (this.#look.tick()) this.#lookAgainSoon();
    const news = this.#look.news();
    if (news.length > 0) this.#options.tell?.(news);
    if (this.#targets.allGone(this.#options.filters.follow ? this.#children : undefined)) return this.#finish();
    if (again) this.#later(TICK_MS, () => this.#tick(true));
  }

  /** One such look at a time, whoever asked for it. */
  #lookAgainSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    this.#later(SOON_MS, () => {
      this.#soon = false;
      this.#tick(false);
    });
  }

  /** One batch per turn of the event loop, so that a flood cannot keep it from anything else. */
  #drain(wait: number): void {
    const { events, full } = this.#take(false);
    const next = full ? 0 : events.length > 0 ? BUSY_MS : Math.min(IDLE_MS, wait * 2);
    this.#later(next, () => this.#drain(Math.max(BUSY_MS, next)));
  }

  get #drains(): boolean {
    return this.#options.events || this.#tool.countsEvents === true;
  }

  #take(last: boolean): { events: Event[]; full: boolean } {
    const taken = this.#look.events(last);
    if (this.#options.events) this.#backlog.push(taken.events);
    return taken;
  }

  /** Stop tracing: nothing moves from here on; the rest of the events taken in. Maps stay readable for the last report. */
  #finish(): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = process.hrtime.bigint();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#guard(() => {
      this.#source.freeze();
      this.#skippedAtEnd = this.#source.skippedRuns();
    });
    if (this.#drains) while (this.#takeRest());
    this.#backlog.end();
    this.#end();
  }

  #takeRest(): boolean {
    try {
      return this.#take(true).full;
    } catch (error) {
      this.#failure ??= error;
      return false;
    }
  }

  /** Resolves when the session has stopped: by stop(), its duration, its signal, or the end of the last target. */
  async ended(): Promise<void> {
    await this.#ended;
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  /** Events as they come, from a bounded backlog whose drops are counted in the report. Ends with the session. */
  events(): AsyncIterableIterator<Event> {
    return this.#backlog.iterate();
  }

  /** The report of everything since the start, or with `interval` since the last report. Also after the end, until close(). */
  report({ interval = false }: { interval?: boolean } = {}): Report {
    if (this.#failure !== undefined) throw this.#failure as Error;
    const losses = { backlogDropped: this.#backlog.dropped, skippedRuns: this.#skippedAtEnd ?? this.#source.skippedRuns() };
    const last = interval ? this.#lastLosses : { backlogDropped: 0, skippedRuns: 0 };
    this.#lastLosses = losses;
    const report = this.#look.report(this.#reportOptions({ backlogDropped: losses.backlogDropped - last.backlogDropped, skippedRuns: losses.skippedRuns - last.skippedRuns, skippedInAll: this.#source.skippedRuns() }), interval);
    const notes = this.#targets.notes(report.header.accounting.hits);
    if (notes.length === 0) return report;
    return { ...report, finding: [...notes.map(({ finding }) => finding), ...report.finding], next: [...notes.map(({ next }) => next), ...report.next] };
  }

  #reportOptions(losses: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns' | 'skippedInAll'>): ReportOptions {
    const { rows, sort, all, verbose, target, filterWords } = this.#options;
    const until = this.#stopped ?? process.hrtime.bigint();
    return {
      rows,
      sort: sort ?? (this.#tool.sorts[0] as string),
      all,
      verbose,
      until: Number(until),
      ...losses,
      header: {
        version,
        startedAt: this.#startedAt.toISOString(),
        durationNs: Number(until - this.#startedNs),
        target,
        filters: filterWords,
        ...this.hooks,
        limits: [...this.hooks.limits, ...this.#unreadable()],
        kernel: kernelRelease(),
        settled: this.#stopped !== undefined,
      },
    };
  }

  #unreadable(): string[] {
    const pids = this.#processes.denied();
    if (pids.length === 0) return [];
    const which = `${pids.slice(0, 5).join(', ')}${pids.length > 5 ? ` and ${pids.length - 5} more` : ''}`;
    return [`The memory of ${pids.length === 1 ? 'process' : 'processes'} ${which} (it takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH): what lies at the addresses there.`];
  }

  get target(): string {
    return this.#options.target;
  }

  /** What the kernel took, and refused before that. */
  get hooks(): Pick<Report['header'], 'variant' | 'attempts' | 'limits'> {
    return { variant: this.#source.variant, attempts: this.#source.attempts, limits: this.#source.limits };
  }

  /** What is kept in memory and what was dropped there. */
  stats(): { readonly backlog: number; readonly backlogDropped: number; readonly attached: boolean } {
    return { backlog: this.#backlog.size, backlogDropped: this.#backlog.dropped, attached: this.#stopped === undefined };
  }

  /** Stop, and give the last report. */
  stop(): Report {
    this.#finish();
    return this.report();
  }

  /** Free everything; stops first. Twice is harmless. */
  close(): void {
    this.#finish();
    for (const each of [this.#source, this.#processes]) each.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
