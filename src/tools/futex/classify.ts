/**
 * What a futex word belongs to, by the operation, the expected value and the memory around it. Layouts are glibc's for 64-bit
 * (2.36 in sysdeps/nptl/bits, the same on x86-64 and arm64 but for trailing padding); distances are bytes from the futex word.
 */
import { FutexOp } from '../../generated/futex.js';
import type { Classification, Evidence, Kind, Sureness } from './model.js';
import { wordsOf, type Words } from './words.js';

export interface Sighting {
  readonly op: number;
  readonly val: number;
  readonly address: bigint;
  /** The call had a time-out. */
  readonly timed: boolean;
  /** FUTEX_PRIVATE_FLAG was not set. */
  readonly nonprivate: boolean;
  readonly evidence: Evidence | null;
  /** Whether the process has, or had while traced, a thread that calls itself by this id. */
  readonly isThread: (ownTid: number) => boolean;
}

const WAITERS = 0x80000000; // linux/futex.h
const TID_MASK = 0x3fffffff;
const KIND_ROBUST = 16; // PTHREAD_MUTEX_ROBUST_NORMAL_NP
const KIND_PSHARED = 128; // PTHREAD_MUTEX_PSHARED_BIT
const KIND_ELISION = 256 | 512; // PTHREAD_MUTEX_ELISION_NP, PTHREAD_MUTEX_NO_ELISION_NP
const MANY = 1 << 20; // no object has so many users: larger counts mean that it is something else

const NO_WORDS: Words = () => undefined;

const is = (kind: Kind, sure: Sureness, namesHolder = false, back = 0, toPrimary = 0): Classification => ({
  kind,
  sure,
  back,
  toPrimary,
  namesHolder,
});

type Rule = (seen: Sighting, word: Words) => Classification | undefined;

/** First match wins; the more a rule demands, the earlier it stands. */
const RULES: readonly Rule[] = [piMutex, requeuePi, ownerInWord, barrier, mutex, rwlock, join, conditionVariable, semaphore, newConditionVariable, plainLock];

export function classify(seen: Sighting): Classification {
  const word = seen.evidence ? wordsOf(seen.evidence) : NO_WORDS;
  for (const rule of RULES) {
    const found = rule(seen, word);
    if (found) return found;
  }
  return is('other', seen.evidence ? 'likely' : 'guess');
}

/** Kinds in which waiting means that another thread holds what this one wants; waiting on the others is by design. */
export function isContention(kind: Kind): boolean {
  return kind === 'mutex' || kind === 'PI mutex' || kind === 'robust mutex' || kind === 'rwlock';
}

const between = (value: number | undefined, low: number, high: number): boolean => value !== undefined && value >= low && value <= high;
const isWait = (op: number): boolean => op === FutexOp.FUTEX_OP_WAIT || op === FutexOp.FUTEX_OP_WAIT2;
const isBitset = (op: number): boolean => op === FutexOp.FUTEX_OP_WAIT_BITSET;

function piMutex({ op }: Sighting): Classification | undefined {
  return op === FutexOp.FUTEX_OP_LOCK_PI || op === FutexOp.FUTEX_OP_LOCK_PI2 ? is('PI mutex', 'certain', true) : undefined;
}

function requeuePi({ op }: Sighting): Classification | undefined {
  return op === FutexOp.FUTEX_OP_WAIT_REQUEUE_PI ? is('condition variable', 'likely') : undefined;
}

/** The expected word is FUTEX_WAITERS and a thread id: a robust mutex of glibc, or a mutex of musl. */
function ownerInWord({ op, val, nonprivate, isThread }: Sighting, word: Words): Classification | undefined {
  if (op === FutexOp.FUTEX_OP_WAITV || (val & WAITERS) === 0) return undefined;
  const owner = val & TID_MASK;
  const robust = ((word(16) ?? 0) & KIND_ROBUST) !== 0;
  if (robust && (word(8) === owner || isThread(owner))) return is('robust mutex', word(8) === owner && isThread(owner) ? 'certain' : 'likely', true);
  return isThread(owner) ? is(nonprivate ? 'robust mutex' : 'mutex', 'likely', true) : undefined;
}

/**
 * pthread_mutex_t: lock 0, count 4, owner 8, nusers 12, kind 16. The expected value is 2: locked, with waiters. glibc waits with
 * FUTEX_WAIT, or with a time-out and FUTEX_WAIT_BITSET; other makers of such a word use the latter without one.
 */
function mutex({ op, val, timed, nonprivate, isThread }: Sighting, word: Words): Classification | undefined {
  if (val !== 2 || !(isWait(op) || (isBitset(op) && timed))) return undefined;
  const owner = word(8);
  const kind = word(16);
  if (owner === undefined || kind === undefined || (kind & ~(3 | KIND_PSHARED | KIND_ELISION)) !== 0) return undefined;
  if (((kind & KIND_PSHARED) !== 0) !== nonprivate || !between(word(12), 0, MANY)) return undefined;
  if (owner !== 0 && isThread(owner)) return is('mutex', 'certain', true);
  return owner === 0 && isWait(op) ? is('mutex', 'likely', true) : undefined;
}

/** pthread_join waits, not private, for the thread's id to leave the word. In a pid namespace that may be 2 or 3, as an rwlock shared by processes has it. */
function join({ op, val, nonprivate, isThread }: Sighting, word: Words): Classification | undefined {
  return isBitset(op) && nonprivate && (val > 3 || (val > 1 && word(0) === val)) && isThread(val) ? is('join', 'likely', true) : undefined;
}

/** pthread_rwlock_t: readers 0, writers 4, wrphase_futex 8, writers_futex 12, pads 16 and 20, cur_writer 24, shared 28; waits on 8 or 12. */
function rwlock({ op, val, address, nonprivate, isThread }: Sighting, word: Words): Classification | undefined {
  if (!isBitset(op) || (val !== 2 && val !== 3)) return undefined;
  const back = address % 8n === 0n ? 8 : 12;
  const at = (offset: number): number | undefined => word(offset - back);
  const writer = at(24);
  if (at(16) !== 0 || at(20) !== 0 || writer === undefined || at(28) !== (nonprivate ? 1 : 0)) return undefined;
  if (!between(at(8), 0, 3) || !between(at(12), 0, 3) || (writer !== 0 && !isThread(writer))) return undefined;
  const inUse = writer !== 0 || (at(0) ?? 0) !== 0 || (at(4) ?? 0) !== 0;
  return inUse ? is('rwlock', 'certain', true, back, back - 8) : undefined;
}

/** pthread_cond_t until glibc 2.40: g_refs 16, wrefs 36, g_signals 40; waits on g_signals[g]. */
function conditionVariable({ op, val, address, nonprivate }: Sighting, word: Words): Classification | undefined {
  if (!isBitset(op) || val !== 0) return undefined;
  const group = address % 8n === 0n ? 0 : 1;
  const back = 40 + 4 * group;
  const references = word(16 + 4 * group - back);
  if (!waitersNoted(word(36 - back), nonprivate) || references === undefined || !between(references >>> 1, 1, MANY)) return undefined;
  return is('condition variable', 'certain', false, back, 4 * group);
}

/** wrefs: waiters << 3, and bit 0 for process-shared. */
const waitersNoted = (wrefs: number | undefined, nonprivate: boolean): boolean =>
  wrefs !== undefined && between(wrefs >>> 3, 1, MANY) && (wrefs & 1) === (nonprivate ? 1 : 0);

/** pthread_cond_t from glibc 2.41: wrefs 28, g_signals 32. */
function newConditionVariable({ op, address, nonprivate }: Sighting, word: Words): Classification | undefined {
  if (!isBitset(op)) return undefined;
  const group = address % 8n === 0n ? 0 : 1;
  const back = 32 + 4 * group;
  return waitersNoted(word(28 - back), nonprivate) ? is('condition variable', 'likely', false, back, 4 * group) : undefined;
}

/** pthread_barrier_t: in 0, current_round 4, count 8, shared 12; waits on current_round. */
function barrier({ op, val, nonprivate }: Sighting, word: Words): Classification | undefined {
  const arrived = word(-4);
  const count = word(4);
  if (!isWait(op) || arrived === undefined || count === undefined || word(8) !== (nonprivate ? 128 : 0)) return undefined;
  const present = (arrived - val) >>> 0;
  return between(count, 2, MANY) && between(present, 1, count) ? is('barrier', 'certain', false, 4) : undefined;
}

/** sem_t: value 0, waiters 4, private 8 (128 when process-shared). */
function semaphore({ op, val, address, nonprivate }: Sighting, word: Words): Classification | undefined {
  if (!isBitset(op) || val !== 0 || address % 8n !== 0n) return undefined;
  return between(word(4), 1, MANY) && word(8) === (nonprivate ? 128 : 0) ? is('semaphore', 'likely') : undefined;
}

/** The 0, 1, 2 protocol of glibc's internal locks, Rust's and many others': a lock, but its word does not say whose. */
function plainLock({ op, val }: Sighting): Classification | undefined {
  return (isWait(op) || isBitset(op)) && val === 2 ? is('mutex', 'likely') : undefined;
}
