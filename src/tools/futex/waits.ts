/** Reading one thread's present wait: its system call's arguments and the memory at the word. */
import { FutexOp, FutexPhase, type FutexCall, type FutexTask } from '../../generated/futex.js';
import type { Sighting } from './classify.js';
import type { Classification, Wait } from './model.js';
import { wordsOf } from './words.js';

const PRIVATE = 128; // FUTEX_PRIVATE_FLAG, also FUTEX2_PRIVATE
const HAS_TIMEOUT = 1 << 16; // FUTEX_HAS_TIMEOUT in bpf/futex.bpf.h
const TID_MASK = 0x3fffffff;
const NR_FUTEX: readonly number[] = [202, 98]; // x86-64, arm64
const NR_FUTEX_WAKE = 454;
const NR_FUTEX_WAIT = 455;
const NR_FUTEX_REQUEUE = 456;
const NR_FUTEX_WAITV = 449;
const NR_RESTART_SYSCALL: readonly number[] = [219, 128];

/** By its registers: a state that was left behind says nothing of where the thread is now. */
export const isInFutexCall = ({ syscall, sleeping }: Wait): boolean =>
  sleeping !== 0 && (NR_FUTEX.includes(syscall) || syscall === NR_FUTEX_WAIT || syscall === NR_FUTEX_WAITV || NR_RESTART_SYSCALL.includes(syscall));

/** The same of a wake call, which does not sleep. */
export function isInWake({ syscall, args }: FutexTask, op: number): boolean {
  if (op === FutexOp.FUTEX_OP_WAKE2) return syscall === NR_FUTEX_WAKE;
  if (op === FutexOp.FUTEX_OP_REQUEUE2) return syscall === NR_FUTEX_REQUEUE;
  const command = low32(args[1] ?? 0n) & 127;
  return NR_FUTEX.includes(syscall) && (command <= FutexOp.FUTEX_OP_LOCK_PI2 ? command : FutexOp.FUTEX_OP_OTHER) === op;
}

export interface Call {
  readonly op: number;
  readonly val: number;
  readonly address: bigint;
  readonly nonprivate: boolean;
  readonly timed: boolean;
}

/** What tracing saw begin is in the state; for the rest the registers say the same. */
export function callOf(wait: Wait): Call {
  const { state, args, syscall } = wait;
  const [first = 0n, second = 0n, third = 0n, fourth = 0n, fifth = 0n] = args;
  if (state.phase === FutexPhase.FUTEX_WAITING) return sightingOfCall(state.call);
  const flags = syscall === NR_FUTEX_WAIT ? low32(fourth) : low32(second);
  const nonprivate = (flags & PRIVATE) === 0;
  if (NR_FUTEX.includes(syscall)) return { op: flags & 127, val: low32(third), address: first, nonprivate, timed: fourth !== 0n };
  if (syscall === NR_FUTEX_WAIT) return { op: FutexOp.FUTEX_OP_WAIT2, val: low32(second), address: first, nonprivate, timed: fifth !== 0n };
  return { op: FutexOp.FUTEX_OP_WAITV, val: 0, address: 0n, nonprivate: false, timed: fourth !== 0n };
}

/** The part of a sighting that the kernel side noted. */
export function sightingOfCall({ op, val, uaddr, flags }: FutexCall): Call {
  return { op, val, address: uaddr, nonprivate: (flags & PRIVATE) === 0, timed: (flags & HAS_TIMEOUT) !== 0 };
}

const low32 = (value: bigint): number => Number(value & 0xffffffffn);

export function sightingOf(wait: Wait, isThread: (ownTid: number) => boolean): Sighting {
  return { ...callOf(wait), evidence: wait.memory, isThread };
}

/** The owner that the memory names now, as the target numbers its threads; 0 when nobody does. */
export function holderNow(wait: Wait, seen: Classification): number {
  const { val } = callOf(wait);
  if (seen.kind === 'join') return val;
  const word = wait.memory ? wordsOf(wait.memory) : undefined;
  if (!word) return wait.state.holder;
  const current = word(0) ?? 0;
  if (seen.kind === 'PI mutex' || seen.kind === 'robust mutex' || (val & 0x80000000) !== 0) return current & TID_MASK;
  if (seen.kind === 'rwlock') return val === 2 ? 0 : (word(24 - seen.back) ?? 0); // 2: a writer waits for readers, whom nobody notes
  return current === 0 ? 0 : (word(8) ?? 0);
}
