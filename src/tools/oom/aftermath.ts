/** What comes after kills: victims end, their memory is free, and their programs are executed again. Pure. */
import type { OomStart } from '../../generated/oom.js';
import { podOf } from '../container.js';
import type { Later } from './incidents.js';
import type { AfterRecord, IncidentRecord, Victim } from './model.js';
import { pathOf } from './places.js';

/** The kernel may take long to write what an incident was about, on a slow console: its victims end meanwhile. */
const EARLY_NS = 60e9;
const MOST_EARLY = 4096;
/** So long after it happened the rings have been read, whatever their order. */
const READ_NS = 1e9;
const MOST_WAITING = 4096;
/** What is executed later is no restart (RESTART_NS of bpf/oom.bpf.h). */
const RESTART_NS = 600e9;

type Kind = AfterRecord['type'];
/** Without the time by the clock on the wall. */
export type After = Omit<AfterRecord, 'at'>;

interface Waiting {
  readonly number: number;
  readonly victim: Victim;
  /** CLOCK_MONOTONIC, ns; undefined: not known. */
  readonly began: number | undefined;
  readonly pod: string | undefined;
  readonly isFirst: boolean;
  readonly told: Set<Kind>;
}

interface Start {
  readonly type: 'restart';
  readonly pid: number;
  readonly time: number;
  readonly lost: number;
  readonly program: string;
  readonly place: string;
}

type News = Later | Start;

export class Aftermath {
  /** Victims of which more may come, the oldest first. */
  #waiting: readonly Waiting[] = [];
  /** What came before its incident was whole. */
  #early: readonly News[] = [];
  #hasNewVictims = false;
  #dropped = 0;
  /** Of the first victim of an incident, ns since it was marked, by number of the incident. */
  readonly #took = new Map<number, Partial<Record<Kind, number>>>();

  /** How long it took after the first victim of an incident was marked, ns; what has not happened is left out. */
  after(number: number): Readonly<Partial<Record<Kind, number>>> {
    return this.#took.get(number) ?? {};
  }

  /** What came too early, and was too much to be kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `began`: by process, CLOCK_MONOTONIC in ns, as far as it is known. */
  watch({ number, victims }: IncidentRecord, began: ReadonlyMap<number, number>): void {
    const more = victims.map((victim, i): Waiting => ({ number, victim, began: began.get(victim.pid), pod: victim.cgroup === null ? undefined : podOf(victim.cgroup), isFirst: i === 0, told: new Set() }));
    this.#waiting = [...this.#waiting, ...more].slice(-MOST_WAITING);
    this.#took.set(number, {});
    this.#hasNewVictims = true;
  }

  /** The incident is in no row any more; what comes after is told all the same. */
  forget({ number }: IncidentRecord): void {
    this.#took.delete(number);
  }

  /** `now`: CLOCK_MONOTONIC, ns. `pending`: an incident is under way, whose victims are not known yet. */
  take(later: readonly Later[], starts: readonly OomStart[], now: number, pending: boolean): After[] {
    const news: News[] = [...later, ...starts.map(({ tgid, time, lost, program, place }): Start => ({ type: 'restart', pid: tgid, time, lost, program: program.name, place: pathOf(place) }))];
    const seen = this.#hasNewVictims ? [...this.#early, ...news] : news;
    const found = seen.map((each) => this.#of(each));
    const unknown = seen.filter((each, i) => found[i]?.length === 0 && now - each.time < EARLY_NS && (pending || each.type !== 'restart' || now - each.time < READ_NS));
    const early = this.#hasNewVictims ? unknown : [...this.#early, ...unknown];
    this.#dropped += Math.max(0, early.length - MOST_EARLY);
    this.#early = early.slice(-MOST_EARLY);
    this.#hasNewVictims = false;
    this.#waiting = this.#waiting.filter(({ victim, told }) => now - victim.time < RESTART_NS || !told.has('end'));
    return found.flat();
  }

  /** A process that was marked more than once ends for each time. A program that is executed again takes the place of one: of the last incident. */
  #of(news: News): After[] {
    const waiting = this.#waiting.filter((each) => !each.told.has(news.type) && isOf(news, each));
    const last = waiting.find(({ number }) => number === waiting.at(-1)?.number);
    return (news.type === 'restart' ? waiting.filter((each) => each === last) : waiting).map((each) => this.#tell(news, each));
  }

  #tell({ type, time, pid, lost }: News, { number, victim, isFirst, told }: Waiting): After {
    const tookNs = time - victim.time;
    told.add(type);
    const took = this.#took.get(number);
    if (isFirst && took) took[type] = tookNs;
    return { type, time, number, pid: victim.pid, process: victim.process, tookNs, successor: type === 'restart' && pid > 0 ? pid : null, lostBefore: lost };
  }
}

function isOf(news: News, { victim, began, pod }: Waiting): boolean {
  if (news.time < victim.time || victim.pid === 0) return false;
  if (news.type !== 'restart') return news.pid === victim.pid && (began === undefined || news.began === began);
  if (victim.how !== 'killed' || victim.program !== news.program || news.time - victim.time >= RESTART_NS) return false;
  return victim.cgroup === news.place || (pod !== undefined && pod === podOf(news.place)); // a pod starts another container, with a cgroup of its own
}
