/** Puts together what the kernel side tells of one incident in three rings. Pure: no clock, no I/O. */
import { OomConstraint, OomKind, type OomCandidate, type OomIncident, type OomMemory, type OomVictim } from '../../generated/oom.js';
import { containerOf } from '../container.js';
import type { Candidate, Constraint, Incident, Memory, Victim } from './model.js';
import { pathOf } from './places.js';
import { USUAL_PAGE as PAGE } from './score.js';

const UNLIMITED_PAGES = 2 ** 51; // PAGE_COUNTER_MAX, include/linux/page_counter.h: rounded down to pages
const MOST_FRUITLESS = 64;
/** After this time all rings have been read of what came before. */
const READ_AFTER_NS = 200e6;
/**
 * Further victims of a group, each by itself, come with the first one: nobody else runs out of memory meanwhile. The kernel writes a line of each
 * before the next, and all of its table of tasks may stand before the first: half a second on a serial console.
 */
export const GROUP_NS = 1e9;
/** Where the kernel's functions are not hooked an incident has no end: it is whole when no further victim will come. */
const WHOLE_AFTER_NS = GROUP_NS + READ_AFTER_NS;
/** Where they are, its end has been lost if it does not come this long after the last victim. Before the first one the kernel writes its table of tasks, which takes as long as the console is slow. */
const LOST_AFTER_NS = 60e9;
const CONSTRAINTS: Readonly<Record<number, Constraint>> = { [OomConstraint.CONSTRAINT_NONE]: 'none', [OomConstraint.CONSTRAINT_CPUSET]: 'cpuset', [OomConstraint.CONSTRAINT_MEMORY_POLICY]: 'memoryPolicy', [OomConstraint.CONSTRAINT_MEMCG]: 'memcg' };

export interface Raw {
  readonly incidents: readonly OomIncident[];
  readonly victims: readonly OomVictim[];
  readonly candidates: readonly OomCandidate[];
}

/** What comes after: the last thread of a victim has ended, or its memory is free. */
export interface Later {
  readonly type: 'end' | 'freed';
  readonly pid: number;
  /** The process, CLOCK_MONOTONIC in ns. */
  readonly began: number;
  readonly time: number;
  /** Events of this CPU before it. */
  readonly lost: number;
}

/** An incident of which nothing more will come. `known`: hooks have seen all of it, not only who was marked. */
export interface Whole {
  readonly incident: Incident;
  readonly known: boolean;
  readonly lost: number;
  /** By process of each victim the thread that the kernel has marked. */
  readonly threads: ReadonlyMap<number, number>;
  /** When processes began, CLOCK_MONOTONIC in ns, where hooks have told of them. */
  readonly began: ReadonlyMap<number, number>;
}

interface Open {
  readonly number: number;
  head: OomIncident | undefined;
  readonly victims: OomVictim[];
  readonly candidates: OomCandidate[];
  over: boolean;
  lost: number;
}

export class Incidents {
  readonly #open = new Map<number, Open>();

  /** Whether one has begun of which more will come. */
  get pending(): boolean {
    return [...this.#open.values()].some(({ head, victims }) => head ?? victims[0]);
  }

  /** `now`: CLOCK_MONOTONIC, ns. `more`: the rings had more than was read, so that nothing is whole. `all`: nothing follows. What is whole comes out, the oldest first. */
  take(raw: Raw, now: number, { more = false, all = false } = {}): { whole: Whole[]; later: Later[] } {
    const later: Later[] = [];
    for (const head of raw.incidents) this.#of(head.incident, head.lost).head = head;
    for (const candidate of raw.candidates) this.#of(candidate.incident, candidate.lost).candidates.push(candidate);
    for (const victim of raw.victims) {
      const type = LATER[victim.kind];
      if (type) later.push({ type, pid: victim.tgid, began: victim.began, time: victim.time, lost: victim.lost });
      else this.#add(victim);
    }
    if (more) return { whole: [], later };
    const begun = [...this.#open.values()].filter(({ head, victims }) => head ?? victims[0]);
    const begunBefore = begun.filter(({ head, victims }) => now - (head ?? victims[0] ?? { time: now }).time > READ_AFTER_NS);
    const last = Math.max(...begunBefore.map(({ number }) => number));
    const some = begun.some((open) => isWhole(open, last, now));
    const whole = begun.filter((open) => all || (some && isWhole(open, last, now + GROUP_NS)));
    for (const { number } of whole) this.#open.delete(number);
    this.#forget();
    return { whole: whole.sort((a, b) => a.number - b.number).map(wholeOf), later };
  }

  #add(victim: OomVictim): void {
    const open = this.#of(victim.incident, victim.lost);
    if (victim.kind === OomKind.OOM_OVER) open.over = true;
    else open.victims.push(victim);
  }

  #of(number: number, lost: number): Open {
    const open = this.#open.get(number) ?? { number, head: undefined, victims: [], candidates: [], over: false, lost: 0 };
    this.#open.set(number, open);
    open.lost += lost;
    return open;
  }

  /** Candidates of times that nobody was chosen. */
  #forget(): void {
    const fruitless = [...this.#open.values()].filter(({ head, victims }) => !head && victims.length === 0);
    for (const { number } of fruitless.slice(0, -MOST_FRUITLESS)) this.#open.delete(number);
  }
}

const LATER: Readonly<Record<number, Later['type']>> = { [OomKind.OOM_ENDED]: 'end', [OomKind.OOM_FREED]: 'freed' };

function wholeOf(open: Open): Whole {
  const { head, lost, victims, candidates } = open;
  const began = [...candidates, ...victims].flatMap(({ tgid, began: at }): [number, number][] => (tgid > 0 && at > 0 ? [[tgid, at]] : []));
  return { incident: incidentOf(open), known: head !== undefined && head.known !== 0, lost, threads: new Map(victims.map(({ tgid, tid }) => [tgid || tid, tid])), began: new Map(began) };
}

/** `newest`: the number of the last incident, all of the time before which has been read from all rings. The kernel has one at a time. */
function isWhole({ number, over, head, victims }: Open, newest: number, now: number): boolean {
  const last = victims[victims.length - 1] ?? head;
  const isHooked = head !== undefined && head.known !== 0;
  if (over || (isHooked && number < newest)) return true;
  if (isHooked && victims.length === 0) return false;
  return last !== undefined && now - last.time > (isHooked ? LOST_AFTER_NS : WHOLE_AFTER_NS);
}

const memoryOf = (known: number, memory: OomMemory): Memory | null => (known === 0 ? null : { rss: memory.anon + memory.file + memory.shmem, ...memory });
const bytesOf = (pages: number): number | null => (pages >= UNLIMITED_PAGES ? null : pages * PAGE);

/** With cgroup v1 the kernel counts memory and swap together. */
function limitsOf({ place, limit, usage, swapLimit, swapUsage }: OomIncident): Pick<Incident, 'limit' | 'usage' | 'swapLimit' | 'swapUsage'> {
  const memory = place.unified !== 0 ? { limit: 0, usage: 0 } : { limit, usage };
  return { limit: bytesOf(limit), usage: usage * PAGE, swapLimit: swapLimit >= UNLIMITED_PAGES ? null : Math.max(0, swapLimit - memory.limit) * PAGE, swapUsage: Math.max(0, swapUsage - memory.usage) * PAGE };
}

const NO_LIMITS = { limit: null, usage: null, swapLimit: null, swapUsage: null } as const;

function incidentOf({ head, victims, candidates }: Open): Incident {
  const victimFor = (candidate: OomCandidate): OomVictim | undefined => victims.find((victim) => isSame(victim, candidate));
  const pairs = candidates.map((each) => ({ victim: victimFor(each), candidate: candidateOf(each, victimFor(each) !== undefined) }));
  const seen = pairs.map(({ candidate }) => candidate).sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity) || a.pid - b.pid);
  const isKnown = head !== undefined && head.known !== 0;
  const inCgroup = isKnown && head.inCgroup !== 0;
  const cgroup = inCgroup ? pathOf(head.place) : null;
  return {
    time: head?.time ?? victims[0]?.time ?? 0,
    at: null,
    constraint: isKnown ? (CONSTRAINTS[head.constraint] ?? null) : null,
    trigger: head ? { pid: head.tgid, tid: head.tid, thread: head.comm, process: head.process } : null,
    allocation: null,
    gfp: isKnown ? [`0x${head.gfp.toString(16)}`] : [],
    order: isKnown ? head.order : null,
    cgroup,
    container: cgroup === null ? null : (containerOf(cgroup) ?? null),
    ...(inCgroup ? limitsOf(head) : NO_LIMITS),
    totalPages: isKnown ? head.totalPages : null,
    stat: null,
    victims: victims.map((victim) => victimOf(victim, pairs.find((pair) => pair.victim === victim)?.candidate)),
    candidates: seen,
    origin: 'kernel',
    missing: [...(head ? [] : ['Who asked for memory, and where: its event was lost.'])],
  };
}

/** LONG_MIN, or so: it may not be killed. */
const LEAST = -(2 ** 62);

/** Processes of other pid namespaces have no id here; where hooks know the id of a victim alone, they do not know when it began. */
const isSame = (victim: OomVictim, candidate: OomCandidate): boolean => (victim.began > 0 ? victim.began === candidate.began && victim.tgid === candidate.tgid : victim.tid > 0 && victim.tid === candidate.tgid);

function candidateOf({ tgid, comm, uid, known, memory, adj, score }: OomCandidate, victim: boolean): Candidate {
  return { pid: tgid, process: comm, uid, memory: memoryOf(known, memory), adj, score: score < LEAST ? null : score, victim, before: null };
}

/** Where the tracepoint has given an id alone, the table of candidates knows the rest. */
function victimOf(victim: OomVictim, candidate: Candidate | undefined): Victim {
  const { time, tgid, tid, began, comm, program, uid, known, memory, adj, place, dying } = victim;
  const isSeen = began > 0;
  const cgroup = isSeen ? pathOf(place) : null;
  return {
    time,
    pid: tgid || tid,
    process: isSeen ? comm : (candidate?.process ?? ''),
    program: program.name === '' ? null : program.name,
    uid: isSeen ? uid : (candidate?.uid ?? null),
    memory: memoryOf(known, memory) ?? candidate?.memory ?? null,
    adj: isSeen ? adj : (candidate?.adj ?? null),
    score: candidate?.score ?? null,
    cgroup,
    container: cgroup === null ? null : (containerOf(cgroup) ?? null),
    how: dying !== 0 ? 'marked' : 'killed',
    before: [],
  };
}
