/** The report's last word: what was found, in one or two sentences, and what to run next. */
import { FutexDrop } from '../../generated/futex.js';
import type { Share } from '../../report/model.js';
import type { Lock } from './locks.js';
import type { Deadlock, FutexSnapshot } from './model.js';
import { age, holderWords, percent } from './words-for.js';

export function findingOf({ deadlocks, counters }: Pick<FutexSnapshot, 'deadlocks' | 'counters'>, contended: readonly Lock[], designed: readonly Lock[]): string[] {
  const found = deadlocks.map(deadlockWords);
  const stuck = deadlocks.length === 0 ? stuckWords(contended) : undefined;
  const hot = hotWords(contended);
  if (stuck) found.push(stuck);
  if (hot) found.push(hot);
  if (found.length === 0) found.push(quietWords(counters, designed));
  const suspect = suspectWords(designed);
  if (suspect) found.push(suspect);
  return found;
}

function deadlockWords({ links, timed }: Deadlock): string {
  const names = links.map(({ comm, tid }) => `${comm} (${tid})`);
  const who = names.length === 1 ? `${names[0]} waits for a lock that it holds itself` : `${names.join(', ')} wait for each other`;
  return `Deadlock: ${who}${timed ? ', some with a time-out' : ' and will not go on by themselves'}.`;
}

/** Nobody got the lock while we looked, yet somebody wants it: the holder is the story. */
function stuckLock(contended: readonly Lock[]): Lock | undefined {
  return contended
    .filter(({ acquisitions, inFlight }) => acquisitions === 0 && inFlight.length > 0)
    .sort((a, b) => b.inFlight.length - a.inFlight.length)[0];
}

function stuckWords(contended: readonly Lock[]): string | undefined {
  const stuck = stuckLock(contended);
  if (!stuck) return undefined;
  const { inFlight, place } = stuck;
  const holder = holderWords(inFlight);
  const oldest = Math.max(...inFlight.map(({ ageNs }) => ageNs));
  const waiting = `${inFlight.length} ${inFlight.length === 1 ? 'thread has' : 'threads have'} been waiting for ${place} for up to ${age(oldest)}, and none got it`;
  return `${waiting}; ${holder === '' ? 'who holds it is not known' : `held by ${holder}`}.`;
}

function hotWords(contended: readonly Lock[]): string | undefined {
  const total = contended.reduce((sum, { totalNs }) => sum + totalNs, 0);
  const hot = [...contended].sort((a, b) => b.totalNs - a.totalNs)[0];
  if (!hot || total === 0) return undefined;
  const holder = hot.holders[0];
  const releaser = hot.releasers[0];
  const held = holder ? `, held by ${holder.name} (${holder.tid}) in ${holder.count} of ${hot.sleeps} sleeps` : '';
  const released = !holder && releaser ? `, released most often by ${releaser.name} (${releaser.tid})` : '';
  return `${percent(hot.totalNs / total)} of the waiting for locks (${age(hot.totalNs)} of ${age(total)}) is for ${hot.place}${held}${released}.`;
}

/**
 * A semaphore can be used as a lock (Python's are), a condition variable can be the queue of a monitor (Java's are). Then those who
 * wait are those who release; a pool's jobs come from elsewhere. That is a hint and no proof, so it is said and not ranked.
 */
function suspectWords(designed: readonly Lock[]): string | undefined {
  const suspect = designed
    .filter(({ seen, sleeps, waiters }) => (seen.kind === 'semaphore' || seen.kind === 'condition variable') && sleeps >= FEW && waiters.length > 1)
    .filter(({ waiters, releasers }) => releasedBy(releasers, new Set(waiters.map(({ tid }) => tid))) >= MOSTLY)
    .sort((a, b) => b.totalNs - a.totalNs)[0];
  if (!suspect) return undefined;
  const { seen, place, sleeps, totalNs } = suspect;
  return `The ${seen.kind} ${place} is released by the threads that wait for it, as a lock would be (${sleeps} sleeps, ${age(totalNs)}; --all lists it).`;
}

const FEW = 10;
const MOSTLY = 0.9;

function releasedBy(releasers: readonly Share[], tids: ReadonlySet<number>): number {
  const all = releasers.reduce((sum, { count }) => sum + count, 0);
  return all === 0 ? 0 : releasers.filter(({ tid }) => tids.has(tid)).reduce((sum, { count }) => sum + count, 0) / all;
}

function quietWords({ drops }: FutexSnapshot['counters'], designed: readonly Lock[]): string {
  const lost = (drops[FutexDrop.FUTEX_DROP_LOCK] ?? 0) + (drops[FutexDrop.FUTEX_DROP_STATE] ?? 0);
  if (lost > 0) return `${lost} waits were lost, so whether threads waited for a lock is not known.`;
  if ((drops[FutexDrop.FUTEX_FILTERED] ?? 0) > 0) return 'No thread waited for a lock as long as --min-wait.';
  if (!designed.some(({ sleeps, inFlight }) => sleeps > 0 || inFlight.length > 0)) return 'No thread waited for a lock.';
  const hung = designed.every(({ sleeps }) => sleeps === 0) ? ' None of them ended: if the process hangs, one may be for what does not come (--all lists them).' : '';
  return `No thread waited for a lock; the waits seen are idle by design.${hung}`;
}

/** Commands to paste: a name that somebody else chose stands only behind a `#`. */
export function nextOf(deadlocks: readonly Deadlock[], contended: readonly Lock[], designed: readonly Lock[], isAlive: (tid: number) => boolean): string[] {
  const link = deadlocks[0]?.links[0];
  if (link) return [`gdb -p ${link.tgid} -batch -ex 'thread apply all bt'   # where each of them waits`];
  const hot = stuckLock(contended) ?? [...contended].sort((a, b) => b.totalNs - a.totalNs)[0];
  const holder = hot?.inFlight.find((wait) => wait.holder)?.holder?.tid ?? hot?.holders[0]?.tid;
  if (hot && holder !== undefined && isAlive(holder)) return [`strace -r -p ${holder}   # what ${holder} does while it holds ${hot.place}`];
  const pid = [...(hot?.tgids ?? [])].find(isAlive);
  if (pid !== undefined && stuckLock(contended)) return [`gdb -p ${pid} -batch -ex 'thread apply all bt'   # where its threads wait`];
  if (pid !== undefined) return [`ktrace futex -p ${pid} --events   # each wait with its waker`];
  const idle = designed.flatMap(({ tgids }) => [...tgids]).find(isAlive);
  return contended.length === 0 && idle !== undefined ? [`ktrace futex -p ${idle} -d 5s --all   # list what waits by design, too`] : [];
}
