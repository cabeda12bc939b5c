/** What comes after kills: victims end, their memory is free, and their programs are executed again. Pure. */
import type { OomStart } from '../../generated/oom.js';
import { podOf } from '../container.js';
import type { Later } from './incidents.js';
import type { AfterRecord, IncidentRecord, Victim } from './model.js';
import { pathOf } from './places.js';

/** The kernel may take long to write what an incident was about, on a slow console: its victims end meanwhile. */
const EARLY_NS = 60e9;
const MOST_EARLY = 4096;
/** What is executed later is no restart (RESTART_NS of bpf/oom.bpf.h). */
const RESTART_NS = 600e9;

type Kind = AfterRecord['type'];
/** Without the time by the clock on the wall. */
export type After = Omit<AfterRecord, 'at' | 'lostBefore'>;

interface Waiting {
  readonly number: number;
  readonly victim: Victim;
  readonly isFirst: boolean;
  readonly told: Set<Kind>;
}

interface Start {
  readonly type: 'restart';
  readonly pid: number;
  readonly time: number;
  readonly program: string;
  readonly place: string;
}

export class Aftermath {
  /** Victims of which more may come, the oldest first. */
  #waiting: readonly Waiting[] = [];
  #early: readonly (Later | Start)[] = [];
  /** Of the first victim of an incident, ns since it was marked, by number of the incident. */
  readonly #took = new Map<number, Partial<Record<Kind, number>>>();

  /** How long it took after the first victim of an incident was marked, ns; what has not happened is left out. */
  after(number: number): Readonly<Partial<Record<Kind, number>>> {
    return this.#took.get(number) ?? {};
  }

  watch({ number, victims }: IncidentRecord): void {
    this.#waiting = [...this.#waiting, ...victims.map((victim, i): Waiting => ({ number, victim, isFirst: i === 0, told: new Set() }))];
  }

  forget({ number }: IncidentRecord): void {
    this.#waiting = this.#waiting.filter((each) => each.number !== number);
    this.#took.delete(number);
  }

  /** Some come before their incident is whole. `now`: CLOCK_MONOTONIC, ns. */
  take(later: readonly Later[], starts: readonly OomStart[], now: number): After[] {
    const all = [...this.#early, ...later, ...starts.map(({ tgid, time, program, place }): Start => ({ type: 'restart', pid: tgid, time, program: program.name, place: pathOf(place) }))];
    const told = all.map((each) => ({ each, found: this.#of(each) }));
    this.#early = told.flatMap(({ each, found }) => (!found && now - each.time < EARLY_NS ? [each] : [])).slice(-MOST_EARLY);
    this.#waiting = this.#waiting.filter(({ victim, told: has }) => now - victim.time < RESTART_NS || !has.has('end'));
    return told.flatMap(({ found }) => found ?? []);
  }

  #of(news: Later | Start): After | undefined {
    const waiting = this.#waiting.find(({ victim, told }) => !told.has(news.type) && isOf(news, victim));
    if (!waiting) return undefined;
    const { number, victim, isFirst, told } = waiting;
    const tookNs = news.time - victim.time;
    told.add(news.type);
    if (isFirst) this.#took.set(number, { ...this.#took.get(number), [news.type]: tookNs });
    return { type: news.type, time: news.time, number, pid: victim.pid, process: victim.process, tookNs, successor: news.type === 'restart' && news.pid > 0 ? news.pid : null };
  }
}

function isOf(news: Later | Start, victim: Victim): boolean {
  if (news.time < victim.time || victim.pid === 0) return false;
  if (news.type !== 'restart') return news.pid === victim.pid;
  return victim.how === 'killed' && victim.program === news.program && victim.cgroup !== null && isSamePlace(victim.cgroup, news.place) && news.time - victim.time < RESTART_NS;
}

/** A pod starts another container, with a cgroup of its own. */
function isSamePlace(a: string, b: string): boolean {
  return a === b || (podOf(a) !== undefined && podOf(a) === podOf(b));
}
