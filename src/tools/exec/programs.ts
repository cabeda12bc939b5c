/** What happened to each program. Pure: no clock, no I/O. */
import { bucketOf } from '../../report/buckets.js';
import { count, less, type Counts } from '../../report/counts.js';
import type { News } from './lives.js';
import { endOf } from './records.js';

const SLOTS = 240; // buckets up to 2^60 ns

export interface ProgramTotals {
  readonly program: string;
  /** Processes that became it. */
  readonly started: number;
  /** Those that could not. */
  readonly failed: number;
  /** Of `started`: those that ended, by how; those that became another program among them, as `exec`. */
  readonly ended: number;
  readonly ends: Counts;
  readonly errors: Counts;
  /** Names of processes by which it was started, and by which it was to be, each with its id. */
  readonly parents: Counts;
  readonly triedBy: Counts;
  readonly cpuNs: number;
  /** Ends whose CPU time is not whole. */
  readonly partial: number;
  readonly peakBytes: number;
  readonly longestNs: number;
  /** Both maxima since the last interval. */
  readonly recent: Maxima;
  /** Of lifetimes, by bucket + 1. */
  readonly lifetimes: readonly number[];
  /** Sum of ends with a signal, or a code other than 0. */
  readonly unwell: number;
}

type Maxima = Readonly<Record<'peakBytes' | 'longestNs', number>>;

interface Mutable {
  recent: Record<keyof Maxima, number>;
  started: number;
  failed: number;
  ended: number;
  readonly ends: Map<string, number>;
  readonly errors: Map<string, number>;
  readonly parents: Map<string, number>;
  readonly triedBy: Map<string, number>;
  cpuNs: number;
  partial: number;
  peakBytes: number;
  longestNs: number;
  readonly lifetimes: number[];
  unwell: number;
}

export const REPLACED = 'exec';
const ALONG_PATH = ' (along PATH)';

export class Programs {
  readonly #programs = new Map<string, Mutable>();
  /** Execs in no row: the table is full. */
  full = 0;
  /** Execs that ended or failed, in rows. */
  aggregated = 0;

  constructor(private readonly most: number) {}

  /** Whether it has a row. */
  add(news: News): boolean {
    const program = programOf(news);
    const totals = this.#of(program, news.kind === 'exec' || news.kind === 'failed');
    if (!totals) return false;
    if (news.kind === 'exec') this.#started(news, totals);
    if (news.kind === 'failed') this.#failed(news, totals);
    if (news.kind === 'exit' && !news.beforeTracing) this.#exit(news, totals);
    if (news.kind === 'left') this.#end(totals, REPLACED, news.time - news.image.time, false);
    if (news.kind === 'freed') {
      totals.cpuNs += news.moreCpuNs;
      totals.partial--;
    }
    return true;
  }

  #started({ image }: Extract<News, { readonly kind: 'exec' }>, totals: Mutable): void {
    totals.started++;
    count(totals.parents, parentOf(image));
  }

  #failed({ image, error }: Extract<News, { readonly kind: 'failed' }>, totals: Mutable): void {
    totals.failed++;
    this.aggregated++;
    count(totals.errors, error);
    count(totals.triedBy, parentOf(image));
  }

  #exit({ end }: Extract<News, { readonly kind: 'exit' }>, totals: Mutable): void {
    this.#end(totals, endOf(end), end.lifetimeNs, end.code !== 0);
    totals.cpuNs += end.cpuNs;
    totals.partial += end.cpuIsWhole ? 0 : 1;
    raise(totals, 'peakBytes', end.peakBytes);
  }

  #end(totals: Mutable, how: string, lifetimeNs: number, unwell: boolean): void {
    const slot = Math.min(SLOTS - 1, bucketOf(Math.round(Math.max(0, lifetimeNs))) + 1);
    this.aggregated++;
    totals.ended++;
    totals.unwell += unwell ? 1 : 0;
    raise(totals, 'longestNs', lifetimeNs);
    totals.lifetimes[slot] = (totals.lifetimes[slot] ?? 0) + 1;
    count(totals.ends, how);
  }

  #of(program: string, begins: boolean): Mutable | undefined {
    const known = this.#programs.get(program);
    if (known || !begins) return known;
    if (this.#programs.size >= this.most) {
      this.full++;
      return undefined;
    }
    const made: Mutable = { started: 0, failed: 0, ended: 0, ends: new Map(), errors: new Map(), parents: new Map(), triedBy: new Map(), cpuNs: 0, partial: 0, peakBytes: 0, longestNs: 0, recent: { peakBytes: 0, longestNs: 0 }, lifetimes: Array<number>(SLOTS).fill(0), unwell: 0 };
    this.#programs.set(program, made);
    return made;
  }

  /** What comes from now on is of the next interval. */
  nextInterval(): void {
    for (const totals of this.#programs.values()) totals.recent = { peakBytes: 0, longestNs: 0 };
  }

  /** A copy. */
  snapshot(): ProgramTotals[] {
    return [...this.#programs].map(([program, { ends, errors, parents, triedBy, lifetimes, recent, ...rest }]) => ({ program, ...rest, recent: { ...recent }, ends: new Map(ends), errors: new Map(errors), parents: new Map(parents), triedBy: new Map(triedBy), lifetimes: [...lifetimes] }));
  }
}

function raise(totals: Mutable, which: keyof Maxima, value: number): void {
  totals[which] = Math.max(totals[which], value);
  totals.recent[which] = Math.max(totals.recent[which], value);
}

/** A name that is tried along PATH is one program, wherever it was not. */
function programOf(news: News): string {
  const { program, path, argv: [name = ''] } = news.image;
  const isTried = news.kind === 'failed' && news.error === 'ENOENT' && name !== '' && !name.includes('/') && path.endsWith(`/${name}`);
  return isTried ? `${name}${ALONG_PATH}` : program;
}

/** The name that was tried, of such a row. */
export const triedName = (program: string): string | undefined => (program.endsWith(ALONG_PATH) ? program.slice(0, -ALONG_PATH.length) : undefined);

function parentOf({ ancestors: [parent] }: News['image']): string {
  return parent ? `${parent.name} (${parent.pid})` : 'unknown';
}

/** What came between two snapshots, of which the first was followed by nextInterval(). */
export function since(before: readonly ProgramTotals[], now: readonly ProgramTotals[]): ProgramTotals[] {
  const earlier = new Map(before.map((totals) => [totals.program, totals]));
  return now.map((totals) => minus(totals, earlier.get(totals.program))).filter(({ started, failed, ended }) => started + failed + ended > 0);
}

function minus(now: ProgramTotals, before: ProgramTotals | undefined): ProgramTotals {
  if (!before) return now;
  return {
    program: now.program,
    started: now.started - before.started,
    failed: now.failed - before.failed,
    ended: now.ended - before.ended,
    unwell: now.unwell - before.unwell,
    cpuNs: now.cpuNs - before.cpuNs,
    partial: now.partial - before.partial,
    ...now.recent,
    recent: now.recent,
    ends: less(now.ends, before.ends),
    errors: less(now.errors, before.errors),
    parents: less(now.parents, before.parents),
    triedBy: less(now.triedBy, before.triedBy),
    lifetimes: now.lifetimes.map((n, i) => n - (before.lifetimes[i] ?? 0)),
  };
}

/** Slot s is bucket s - 1. */
export const FIRST_LIFETIME = -1;
