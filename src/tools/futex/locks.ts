/** From map rows and present waits to locks as the program declared them. */
import { FutexOutcome, FutexPhase, FutexRole, FutexScope, type FutexKey, type FutexLock } from '../../generated/futex.js';
import type { Histogram, Share } from '../../report/model.js';
import { FIRST_BUCKET, fromSlots } from '../../report/buckets.js';
import { merge } from '../../report/histogram.js';
import { nameAddress } from '../mappings.js';
import { classify } from './classify.js';
import type { Classification, Evidence, FutexSnapshot, Sureness, Wait } from './model.js';
import { indexThreads, type Thread, type Threads } from './threads.js';
import { callOf, holderNow, isInFutexCall, sightingOf, sightingOfCall } from './waits.js';

export interface Lock {
  readonly id: string;
  readonly tgids: ReadonlySet<number>;
  readonly place: string;
  /** Of the object, in the first process that was seen using it; for shared locks of other processes it differs. */
  readonly address: bigint;
  readonly shared: boolean;
  readonly seen: Classification;
  readonly acquisitions: number;
  readonly sleeps: number;
  readonly outcomes: readonly number[];
  readonly totalNs: number;
  /** Longest acquisition; null when it is only known to lie in the histogram's last bucket. */
  readonly maxNs: number | null;
  readonly histogram: Histogram;
  /** null when it is not known for an interval. */
  readonly mostWaiting: number | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly wakeCalls: number;
  readonly moved: number;
  readonly preexisting: number;
  readonly waiters: readonly Share[];
  readonly holders: readonly Share[];
  readonly releasers: readonly Share[];
  readonly inFlight: readonly InFlight[];
}

/** A wait that has not ended. */
export interface InFlight {
  readonly tgid: number;
  readonly tid: number;
  readonly comm: string;
  /** Since it began; of a wait from before tracing, since the thread last got on a CPU (it has been asleep since). */
  readonly ageNs: number;
  readonly beforeTracing: boolean;
  readonly holder: Thread | undefined;
  /** The id where this kind keeps its owner, as the target numbers its threads; 0: nobody. Without `holder`, a thread that is not traced. */
  readonly holderOwnTid: number;
  readonly op: number;
}

type LockRow = FutexSnapshot['locks'][number];

interface Group {
  readonly key: FutexKey;
  readonly seen: Classification;
  readonly rows: LockRow[];
  /** Each with what its own word says: the parts of an object are read from different distances. */
  readonly waits: { readonly wait: Wait; readonly seen: Classification }[];
  /** Address of the word that stands for the object, in the first process seen. */
  readonly primary: bigint;
  /** Keys of the rows and waits merged here. */
  readonly keys: Set<string>;
}

const SURENESS: readonly Sureness[] = ['guess', 'likely', 'certain'];

/** Every lock that somebody waited for, or waits for now. Rows whose waits were all filtered out are left out. */
export function locksOf(snapshot: FutexSnapshot): Lock[] {
  const threads = indexThreads(snapshot);
  const groups = new Map<string, Group>();
  const memory = new Map(snapshot.waits.map((wait) => [keyText(keyOf(wait)), wait.memory]));
  for (const row of snapshot.locks) {
    if (row.value.sleeps === 0 && row.value.outcomes.every((count) => count === 0)) continue;
    const seen = classifyRow(row, memory.get(keyText(row.key)) ?? null, threads);
    group(groups, row.key, row.value.call.uaddr, seen).rows.push(row);
  }
  for (const wait of snapshot.waits) {
    if (wait.waits === 0) continue;
    const key = keyOf(wait);
    const seen = classifyWait(wait, key, threads);
    group(groups, key, callOf(wait).address, seen).waits.push({ wait, seen });
  }
  const parts = indexParts(snapshot);
  return [...groups.entries()].map(([id, members]) => lockOf(id, members, snapshot, threads, parts));
}

const keyText = (key: FutexKey, address = key.address): string =>
  `${key.scope} ${key.tgid} ${key.execId} ${key.space} ${key.dev} ${address.toString(16)}`;

function group(groups: Map<string, Group>, key: FutexKey, uaddr: bigint, seen: Classification): Group {
  const toPrimary = BigInt(seen.toPrimary);
  const id = keyText({ ...key, address: key.address - toPrimary });
  const known = groups.get(id) ?? { key, seen, rows: [], waits: [], keys: new Set<string>(), primary: uaddr - toPrimary };
  const surer = SURENESS.indexOf(seen.sure) > SURENESS.indexOf(known.seen.sure);
  const found = surer ? { ...known, seen } : known;
  groups.set(id, found);
  found.keys.add(keyText(key));
  return found;
}

function isThreadOf(key: FutexKey, threads: Threads): (ownTid: number) => boolean {
  return (ownTid) => threads.byOwnTid(key.tgid, ownTid) !== undefined;
}

/** `memory`: what user space read at the word of some thread that waits there now; for rows whose first waiter's could not be read. */
function classifyRow({ key, value }: LockRow, memory: Evidence | null, threads: Threads): Classification {
  const evidence: Evidence | null =
    value.evidenceSize > 0 ? { bytes: value.evidence.subarray(0, value.evidenceSize), before: value.evidenceFrom } : null;
  return classify({ ...sightingOfCall(value.call), evidence: evidence ?? memory, isThread: isThreadOf(key, threads) });
}

function classifyWait(wait: Wait, key: FutexKey, threads: Threads): Classification {
  return classify(sightingOf(wait, isThreadOf(key, threads)));
}

/** Waits that tracing did not see begin have no key of the kernel's: they are private until proven otherwise. */
function keyOf(wait: Wait): FutexKey {
  if (wait.state.phase === FutexPhase.FUTEX_WAITING && wait.state.inDoubt === 0) return wait.state.key;
  const { address } = callOf(wait);
  return { address, space: wait.startTime, tgid: wait.tgid, execId: wait.execId, dev: 0, scope: FutexScope.FUTEX_PRIVATE };
}

type Parts = ReadonlyMap<string, FutexSnapshot['parts'][number][]>;

function indexParts({ parts }: FutexSnapshot): Parts {
  const index = new Map<string, FutexSnapshot['parts'][number][]>();
  for (const part of parts) {
    const id = keyText(part.key.lock);
    const list = index.get(id);
    if (list) list.push(part);
    else index.set(id, [part]);
  }
  return index;
}

/** The largest; negative ones are mere bounds (interval.ts), and one above the rest makes the largest unknown. */
function maximum(values: readonly number[]): number | null {
  const known = values.reduce((max, value) => Math.max(max, value), 0);
  const bound = values.reduce((max, value) => Math.max(max, -value), 0);
  return known > 0 && known >= bound ? known : null;
}

const sum = (rows: readonly LockRow[], pick: (value: FutexLock) => number): number => rows.reduce((total, { value }) => total + pick(value), 0);

function lockOf(id: string, { key, seen, rows, waits, keys, primary }: Group, snapshot: FutexSnapshot, threads: Threads, index: Parts): Lock {
  const parts = [...keys].flatMap((text) => index.get(text) ?? []);
  const own = parts.filter(({ key: { role } }) => role === FutexRole.FUTEX_WAITER);
  const first = rows[0]?.value;
  const tgid = first?.tgid ?? waits[0]?.wait.tgid ?? 0;
  const address = primary - BigInt(seen.back - seen.toPrimary);
  const sleeps = sum(rows, (value) => value.sleeps);
  const histogram = rows.map(({ value }) => histogramOf(value)).reduce(merge, { scale: 2, offset: 0, counts: [] });
  return {
    id,
    tgids: new Set([...rows.map(({ value }) => value.tgid), ...own.map(({ value }) => value.tgid), ...waits.map(({ wait }) => wait.tgid)]),
    place: placeOf(snapshot, tgid, address, key),
    address,
    shared: key.scope !== FutexScope.FUTEX_PRIVATE,
    seen,
    acquisitions: sum(rows, (value) => value.acquisitions),
    sleeps,
    outcomes: [0, 1, 2, 3, 4].map((outcome) => sum(rows, ({ outcomes }) => outcomes[outcome] ?? 0)),
    totalNs: sum(rows, (value) => value.totalNs),
    maxNs: maximum(own.map(({ value }) => value.maxNs)),
    histogram,
    mostWaiting: maximum([waits.length, ...own.map(({ value }) => value.maxWaiting)]),
    firstSeen: rows.reduce((min, { value }) => Math.min(min, value.firstSeen), Infinity),
    lastSeen: rows.reduce((max, { value }) => Math.max(max, value.lastSeen), 0),
    wakeCalls: sum(rows, (value) => value.wakeCalls),
    moved: sum(rows, (value) => value.moved),
    preexisting: sum(rows, (value) => value.preexisting),
    waiters: shares(parts, FutexRole.FUTEX_WAITER, sleeps, threads, tgid),
    holders: seen.namesHolder ? shares(parts, FutexRole.FUTEX_HOLDER, sleeps, threads, key.tgid) : [],
    releasers: shares(parts, FutexRole.FUTEX_RELEASER, (rows.length && sum(rows, ({ outcomes }) => outcomes[FutexOutcome.FUTEX_WOKEN] ?? 0)) || 0, threads, tgid),
    inFlight: waits.map((each) => inFlight(each.wait, each.seen, snapshot, threads)),
  };
}

const histogramOf = ({ histogram }: FutexLock): Histogram => fromSlots(histogram, FIRST_BUCKET);

function placeOf({ mappings }: FutexSnapshot, tgid: number, address: bigint, key: FutexKey): string {
  const known = mappings.get(tgid);
  if (known) return nameAddress(known, address);
  return key.scope === FutexScope.FUTEX_SHARED ? `shared inode ${key.space}+0x${key.address.toString(16)}` : `0x${address.toString(16)}`;
}

/** The parts of one role by thread, largest first. Holders count only if they are threads that we know. */
function shares(parts: readonly FutexSnapshot['parts'][number][], role: number, whole: number, threads: Threads, tgid: number): Share[] {
  const byName = new Map<string, Share>();
  for (const { key, value } of parts) {
    if (key.role !== role) continue;
    const thread = role === FutexRole.FUTEX_HOLDER ? threads.byOwnTid(tgid, key.tid) : threads.byTid(key.tid);
    if (role === FutexRole.FUTEX_HOLDER && !thread) continue;
    const tid = thread?.tid ?? key.tid;
    const before = byName.get(String(tid));
    const count = (before?.count ?? 0) + value.sleeps;
    const name = role === FutexRole.FUTEX_HOLDER ? (thread?.comm ?? '') : value.comm || (thread?.comm ?? '');
    const share = whole > 0 ? count / whole : 0;
    byName.set(String(tid), { name, pid: value.tgid || (thread?.tgid ?? 0), tid, count, ns: (before?.ns ?? 0) + value.ns, share });
  }
  return [...byName.values()].sort((a, b) => b.count - a.count || b.ns - a.ns || a.tid - b.tid);
}

/**
 * The last look comes after the end of tracing, when threads have gone on: then the word tells of another moment. And a thread that holds
 * what it waits for has just got it, unless it is a deadlock of its own.
 */
function holderAt(wait: Wait, seen: Classification, { deadlocks }: FutexSnapshot): number {
  const holder = isInFutexCall(wait) ? holderNow(wait, seen) : wait.state.holder;
  const waitsForItself = deadlocks.some(({ links }) => links.length === 1 && links[0]?.tid === wait.tid);
  return holder === wait.ownTid && !waitsForItself ? 0 : holder;
}

function inFlight(wait: Wait, seen: Classification, snapshot: FutexSnapshot, threads: Threads): InFlight {
  const { startedAt, takenAt } = snapshot;
  const seenBegin = wait.state.begin !== 0 && wait.state.preexisting === 0;
  const lastRan = wait.lastRan > 0 ? wait.clockNow - wait.lastRan : takenAt - (wait.state.begin || startedAt);
  const holder = seen.namesHolder ? holderAt(wait, seen, snapshot) : 0;
  return {
    tgid: wait.tgid,
    tid: wait.tid,
    comm: wait.comm,
    ageNs: Math.max(0, seenBegin ? Math.min(wait.now, takenAt) - wait.state.begin : lastRan),
    beforeTracing: !seenBegin,
    holder: holder > 0 ? (threads.byOwnTid(wait.tgid, holder) ?? (wait.state.key.tgid === 0 ? threads.byOwnTid(0, holder) : undefined)) : undefined,
    holderOwnTid: holder,
    op: callOf(wait).op,
  };
}

