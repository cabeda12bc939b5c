/** From a snapshot to the report: what is on top, what is only idle, and the finding in words. */
import { FutexDrop } from '../../generated/futex.js';
import type { Report, Row, Section } from '../../report/model.js';
import { FIRST_BUCKET } from '../../report/buckets.js';
import { quantile } from '../../report/histogram.js';
import type { ReportOptions } from '../contract.js';
import { accountingOf, callTallies, lossesOf, OP_NAMES } from './accounting.js';
import { CALL_COLUMNS, DEADLOCK_COLUMNS, LOCK_COLUMNS, PROCESS_COLUMNS, WAIT_COLUMNS } from './columns.js';
import { isContention } from './classify.js';
import { findingOf, nextOf } from './finding.js';
import { locksOf, type InFlight, type Lock } from './locks.js';
import type { Deadlock, FutexSnapshot } from './model.js';
import { threadTime } from './threads.js';
import { age, holderWords, listed, place } from './words-for.js';

export interface FutexReportOptions extends Omit<ReportOptions, 'sort'> {
  readonly sort: FutexSort;
}

export const FUTEX_SORTS = ['total', 'waits', 'mean', 'p99', 'max', 'now'] as const;
export type FutexSort = (typeof FUTEX_SORTS)[number];

export function futexReport(snapshot: FutexSnapshot, options: FutexReportOptions): Report {
  const several = severalProcesses(snapshot);
  const locks = locksOf(snapshot).map((lock) => ({ ...lock, place: place(lock, several) }));
  const shown = locks.filter((lock) => options.all || lock.sleeps > 0 || lock.inFlight.length > 0).sort(by(options.sort));
  const contended = shown.filter(({ seen }) => isContention(seen.kind));
  const designed = shown.filter(({ seen }) => !isContention(seen.kind));
  return {
    schemaVersion: 1,
    header: { tool: 'futex', ...options.header, ...intervalOf(snapshot), accounting: accountingOf(snapshot, options.skippedInAll) },
    losses: lossesOf(snapshot, options),
    sections: [
      deadlockSection(snapshot.deadlocks),
      lockSection('locks', 'Contention', contended, snapshot, options, emptyWords(snapshot, designed)),
      waitSection(contended, designed, options),
      lockSection('idle', 'Waiting by design', designed, snapshot, { ...options, rows: options.all ? options.rows : 0 }, idleWords(designed)),
      processSection(contended, snapshot),
      ...(options.verbose ? [callSection(snapshot)] : []),
    ],
    finding: findingOf(snapshot, contended, designed),
    next: nextOf(snapshot.deadlocks, contended, designed, (tid) => snapshot.threads.get(tid)?.exited === 0),
  };
}

const intervalOf = ({ whole, startedAt, takenAt }: FutexSnapshot): { intervalNs?: number } => (whole ? { intervalNs: Math.max(0, takenAt - startedAt) } : {});

const SORT_KEYS: Readonly<Record<FutexSort, (lock: Lock) => number>> = {
  total: (lock) => lock.totalNs,
  waits: (lock) => lock.acquisitions,
  mean: (lock) => lock.totalNs / Math.max(1, lock.acquisitions),
  p99: (lock) => quantileOf(lock, 0.99) ?? 0,
  max: (lock) => lock.maxNs ?? 0,
  now: (lock) => lock.inFlight.length,
};

const quantileOf = (lock: Lock, q: number): number | null => quantile(lock.histogram, q, { first: FIRST_BUCKET, ...(lock.maxNs === null ? {} : { max: lock.maxNs }) });

function by(sort: FutexSort): (a: Lock, b: Lock) => number {
  const key = SORT_KEYS[sort];
  return (a, b) => key(b) - key(a) || b.inFlight.length - a.inFlight.length || (a.id < b.id ? -1 : 1);
}

function deadlockSection(deadlocks: readonly Deadlock[]): Section {
  const rows = deadlocks.flatMap((deadlock, index) =>
    deadlock.links.map((link) => ({
      thread: link.comm,
      tid: link.tid,
      pid: link.tgid,
      waitsFor: link.lock,
      address: link.address,
      kind: link.kind,
      age: link.idleNs,
      cycle: index + 1,
    })),
  );
  const title = deadlocks.length === 1 ? 'DEADLOCK' : `${deadlocks.length} DEADLOCKS`;
  return { id: 'deadlocks', title, columns: DEADLOCK_COLUMNS, rows, hiddenRows: 0, story: deadlocks.flatMap(storyOf) };
}

/** A deadlock told thread by thread, with the locks between them. */
export function storyOf(deadlock: Deadlock): string[] {
  const { links, behind, timed } = deadlock;
  const lines = links.map((link, index) => {
    const next = links[(index + 1) % links.length] ?? link;
    const holder = links.length === 1 ? 'itself' : `${next.comm} (${next.tid})`;
    const what = link.kind === 'join' ? `${link.comm} (${link.tid}) waits for ${holder} to end` : `${link.comm} (${link.tid}) waits for ${link.kind} ${link.lock}, held by ${holder}`;
    return `${what}; asleep for ${age(link.idleNs)}`;
  });
  if (behind > 0) lines.push(`${behind} more ${behind === 1 ? 'thread waits' : 'threads wait'} behind it`);
  lines.push(timed ? 'A wait in it has a time-out, so it may end by itself.' : 'None of these threads has run since; it does not end by itself.');
  return lines;
}

function lockSection(
  id: string,
  title: string,
  locks: readonly Lock[],
  snapshot: FutexSnapshot,
  { rows }: FutexReportOptions,
  empty?: string,
): Section {
  const shown = locks.slice(0, rows).map((lock) => lockRow(lock, snapshot));
  const section = { id, title, columns: LOCK_COLUMNS, rows: shown, hiddenRows: rows === 0 ? 0 : locks.length - shown.length };
  return shown.length === 0 && empty !== undefined ? { ...section, empty } : section;
}

function lockRow(lock: Lock, snapshot: FutexSnapshot): Row {
  const at = (q: number): number | null => quantileOf(lock, q);
  return {
    place: lock.place,
    kind: lock.seen.kind + { certain: '', likely: '?', guess: '??' }[lock.seen.sure],
    acquisitions: lock.acquisitions,
    total: onlyStuck(lock) ? null : lock.totalNs,
    mean: lock.acquisitions > 0 ? Math.round(lock.totalNs / lock.acquisitions) : null,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: lock.maxNs,
    share: onlyStuck(lock) ? null : shareOf(lock, snapshot),
    holders: lock.holders,
    releasers: lock.releasers,
    waiters: lock.waiters,
    outcomes: ['woken', 'timed out', 'never slept', 'interrupted', 'failed'].map((name, i) => ({ name, count: lock.outcomes[i] ?? 0 })),
    now: nowWords(lock.inFlight),
    mostWaiting: lock.mostWaiting,
    seenFor: seenFor(lock, snapshot),
    histogram: lock.histogram,
    id: lock.id,
    address: lock.address,
    shared: lock.shared ? 'yes' : 'no',
    sure: lock.seen.sure,
    pids: [...lock.tgids].sort((a, b) => a - b).join(','),
    sleeps: lock.sleeps,
    firstSeen: Math.max(0, Number.isFinite(lock.firstSeen) ? lock.firstSeen - snapshot.startedAt : 0),
    lastSeen: Math.max(0, lock.lastSeen - snapshot.startedAt),
    wakeCalls: lock.wakeCalls,
    moved: lock.moved,
    preexisting: lock.preexisting,
    inFlight: lock.inFlight.length,
  };
}

/** Whether the locks belong to more than one process. */
function severalProcesses({ locks, waits }: FutexSnapshot): boolean {
  const first = locks[0]?.value.tgid ?? waits[0]?.tgid;
  return locks.some(({ value }) => value.tgid !== first) || waits.some(({ tgid }) => tgid !== first);
}

/** No wait has ended, so nothing is known of how long they are: their ages stand elsewhere. */
const onlyStuck = ({ acquisitions, inFlight }: Lock): boolean => acquisitions === 0 && inFlight.length > 0;

function seenFor(lock: Lock, { startedAt }: FutexSnapshot): string {
  if (!Number.isFinite(lock.firstSeen)) return '';
  return `from ${age(Math.max(0, lock.firstSeen - startedAt))} to ${age(Math.max(0, lock.lastSeen - startedAt))} after the start`;
}

function shareOf(lock: Lock, snapshot: FutexSnapshot): number | null {
  const time = [...lock.tgids].reduce((sum, tgid) => sum + threadTime(snapshot, tgid), 0);
  return time > 0 ? lock.totalNs / time : null;
}

function nowWords(inFlight: readonly InFlight[]): string {
  if (inFlight.length === 0) return '';
  const oldest = Math.max(...inFlight.map(({ ageNs }) => ageNs));
  const holder = holderWords(inFlight);
  return `${inFlight.length} waiting, the oldest for ${age(oldest)}${holder === '' ? '' : `, held by ${holder}`}`;
}

/** Present waits: those for locks always; those by design with --all (JSON has them in the rows of `idle`). */
function waitSection(contended: readonly Lock[], designed: readonly Lock[], { rows, all }: FutexReportOptions): Section {
  const found = [...contended, ...(all ? designed : [])].flatMap((lock) => lock.inFlight.map((wait) => ({ lock, wait })));
  found.sort((a, b) => b.wait.ageNs - a.wait.ageNs || a.wait.tid - b.wait.tid);
  const shown = found.slice(0, rows).map(({ lock, wait }) => waitRow(lock, wait));
  return { id: 'inFlight', title: 'Waiting now', columns: WAIT_COLUMNS, rows: shown, hiddenRows: found.length - shown.length };
}

function waitRow(lock: Lock, wait: InFlight): Row {
  return {
    thread: wait.comm,
    tid: wait.tid,
    age: wait.ageNs,
    place: lock.place,
    kind: lock.seen.kind,
    holder: holderWords([wait]),
    pid: wait.tgid,
    op: OP_NAMES[wait.op] ?? 'other',
    beforeTracing: wait.beforeTracing ? 'yes' : 'no',
    holderTid: wait.holder?.tid ?? 0,
    designed: isContention(lock.seen.kind) ? 'no' : 'yes',
  };
}

function idleWords(designed: readonly Lock[]): string | undefined {
  if (designed.length === 0) return undefined;
  const waiting = designed.reduce((sum, { inFlight }) => sum + inFlight.length, 0);
  const places = `${designed.length} ${designed.length === 1 ? 'place' : 'places'}`;
  return `${places}, ${waiting} ${waiting === 1 ? 'thread' : 'threads'} waiting now (--all lists them)`;
}

function emptyWords({ counters }: FutexSnapshot, designed: readonly Lock[]): string {
  const { drops, calls } = counters;
  const unseen = (drops[FutexDrop.FUTEX_DROP_LOCK] ?? 0) + (drops[FutexDrop.FUTEX_DROP_STATE] ?? 0);
  if (unseen > 0) return `Not known: ${unseen} waits are in no row (see LOST above).`;
  if (designed.some(({ sleeps, inFlight }) => sleeps > 0 || inFlight.length > 0)) return 'None: every wait was by design.';
  const filtered = drops[FutexDrop.FUTEX_FILTERED] ?? 0;
  if (filtered > 0) return `None: ${filtered} waits were shorter than --min-wait.`;
  const made = calls.reduce((sum, { calls: n }, i) => sum + (i % 8 >= 6 ? 0 : n), 0);
  return made === 0 ? 'None: no futex call was made, or the filters match nothing.' : `None: ${made} futex calls, and none of them slept.`;
}

/** Per process, where several waited. */
function processSection(contended: readonly Lock[], snapshot: FutexSnapshot): Section {
  const tgids = [...new Set(contended.flatMap(({ tgids: of }) => [...of]))];
  const rows = tgids.length < 2 ? [] : tgids.map((tgid) => processRow(tgid, contended, snapshot)).sort((a, b) => Number(b['total']) - Number(a['total']));
  return { id: 'processes', title: 'By process', columns: PROCESS_COLUMNS, rows, hiddenRows: 0 };
}

function processRow(tgid: number, contended: readonly Lock[], snapshot: FutexSnapshot): Row {
  const mine = contended.filter(({ tgids }) => tgids.has(tgid));
  const waits = mine.flatMap(({ waiters }) => waiters.filter(({ pid }) => pid === tgid));
  const total = waits.reduce((sum, { ns }) => sum + ns, 0);
  const time = threadTime(snapshot, tgid);
  return {
    name: listed(snapshot, tgid),
    pid: tgid,
    threads: snapshot.processes.get(tgid)?.threads ?? 0,
    locks: mine.length,
    sleeps: waits.reduce((sum, { count }) => sum + count, 0),
    total,
    share: time > 0 ? total / time : null,
  };
}

function callSection(snapshot: FutexSnapshot): Section {
  const rows = callTallies(snapshot).map(({ op, entered, outcomes, threads }) => ({
    op,
    calls: entered,
    woken: outcomes[0] ?? 0,
    timedOut: outcomes[1] ?? 0,
    neverSlept: outcomes[2] ?? 0,
    interrupted: outcomes[3] ?? 0,
    errors: outcomes[4] ?? 0,
    threads,
  }));
  return { id: 'calls', title: 'Calls', columns: CALL_COLUMNS, rows, hiddenRows: 0 };
}
