/** Cycles in the graph "thread waits for a lock that thread holds", and how to be sure of them. */
import { nameAddress, type Mapping } from '../mappings.js';
import { classify, isContention } from './classify.js';
import type { Classification, Deadlock, DeadlockLink, Wait } from './model.js';
import { callOf, holderNow, isInFutexCall, sightingOf } from './waits.js';

interface Edge {
  readonly wait: Wait;
  readonly seen: Classification;
  readonly holder: Wait | undefined;
}

/**
 * Deadlocks among the waits of two looks, taken some milliseconds apart: a cycle counts only if none of its threads ran in between and
 * each still waits for the same holder, so a lock that changed hands while the first look was taken makes no false alarm.
 */
export function findDeadlocks(
  first: readonly Wait[],
  second: readonly Wait[],
  mappings: ReadonlyMap<number, readonly Mapping[]>,
): Deadlock[] {
  const before = edgesOf(first);
  const now = edgesOf(second);
  return cycles(now)
    .filter((cycle) => cycle.every((tid) => unchanged(before.get(tid), now.get(tid))))
    .map((cycle) => tell(cycle, now, mappings));
}

function edgesOf(all: readonly Wait[]): Map<number, Edge> {
  const waits = all.filter((wait) => wait.waits !== 0 && isInFutexCall(wait));
  const own = new Map<string, Wait>();
  const anywhere = new Map<number, Wait | undefined>();
  for (const wait of waits) {
    own.set(`${wait.tgid} ${wait.ownTid}`, wait);
    anywhere.set(wait.ownTid, anywhere.has(wait.ownTid) ? undefined : wait); // two pid namespaces: the id names neither
  }
  const edges = new Map<number, Edge>();
  for (const wait of waits) {
    const named = (ownTid: number): Wait | undefined => own.get(`${wait.tgid} ${ownTid}`) ?? (nonprivate(wait) ? anywhere.get(ownTid) : undefined);
    const seen = classify(sightingOf(wait, (ownTid) => named(ownTid) !== undefined));
    const holder = seen.namesHolder && (isContention(seen.kind) || seen.kind === 'join') ? holderNow(wait, seen) : 0;
    edges.set(wait.tid, { wait, seen, holder: named(holder) });
  }
  return edges;
}

const nonprivate = (wait: Wait): boolean => callOf(wait).nonprivate;

/** Every thread has at most one edge, so following them finds each cycle once. */
function cycles(edges: ReadonlyMap<number, Edge>): number[][] {
  const done = new Set<number>();
  const found: number[][] = [];
  for (const start of edges.keys()) {
    const path: number[] = [];
    const position = new Map<number, number>();
    let tid: number | undefined = start;
    while (tid !== undefined && !done.has(tid) && !position.has(tid)) {
      position.set(tid, path.length);
      path.push(tid);
      tid = edges.get(tid)?.holder?.tid;
    }
    if (tid !== undefined && position.has(tid)) found.push(path.slice(position.get(tid)));
    for (const visited of path) done.add(visited);
  }
  return found;
}

function unchanged(before: Edge | undefined, now: Edge | undefined): boolean {
  if (!before || !now || before.holder?.tid !== now.holder?.tid) return false;
  const [a, b] = [before.wait, now.wait];
  return a.sleeping !== 0 && b.sleeping !== 0 && a.lastRan === b.lastRan && a.args[0] === b.args[0] && a.startTime === b.startTime;
}

function tell(cycle: readonly number[], edges: ReadonlyMap<number, Edge>, mappings: ReadonlyMap<number, readonly Mapping[]>): Deadlock {
  const start = cycle.indexOf(Math.min(...cycle));
  const ordered = [...cycle.slice(start), ...cycle.slice(0, start)].map((tid) => edges.get(tid) as Edge);
  return { links: ordered.map((edge) => link(edge, mappings)), behind: countBehind(new Set(cycle), edges), timed: ordered.some(({ wait }) => callOf(wait).timed) };
}

function link({ wait, seen }: Edge, mappings: ReadonlyMap<number, readonly Mapping[]>): DeadlockLink {
  const address = callOf(wait).address - BigInt(seen.back);
  const lock = seen.kind === 'join' ? 'the end of the next thread' : nameAddress(mappings.get(wait.tgid) ?? [], address);
  return { tgid: wait.tgid, tid: wait.tid, comm: wait.comm, lock, address, kind: seen.kind, idleNs: Math.max(0, wait.clockNow - wait.lastRan) };
}

/** Each thread is asked once, however long the lines of waiters are. */
function countBehind(cycle: ReadonlySet<number>, edges: ReadonlyMap<number, Edge>): number {
  const leads = new Map<number, boolean>([...cycle].map((tid) => [tid, true]));
  for (const start of edges.keys()) {
    const path: number[] = [];
    let tid: number | undefined = start;
    while (tid !== undefined && !leads.has(tid)) {
      leads.set(tid, false);
      path.push(tid);
      tid = edges.get(tid)?.holder?.tid;
    }
    const answer = tid !== undefined && leads.get(tid) === true;
    for (const each of path) leads.set(each, answer);
  }
  return [...leads.values()].filter(Boolean).length - cycle.size;
}
