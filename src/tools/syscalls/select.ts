/** Which system calls: the expression of `-e`, as strace(1) has it, to sets of numbers for the kernel. */
import { KtraceError } from '../../errors.js';
import { patternOf } from '../own.js';
import { CLASSES } from './classes.js';
import type { CallNames } from '../call-names.js';

const CALLS_PER_ABI = 512; // as in bpf/syscalls.bpf.c
const WORD = 64;

/** `openat,read`, `trace=%file`, `!futex`, `/^epoll`; names of the calls that it means. Throws KtraceError for a word that means none. */
export function selectCalls(expression: string, { names }: CallNames): ReadonlySet<string> {
  const [, negated, list = ''] = /^(?:trace=)?(!?)(.*)$/s.exec(expression) ?? [];
  const chosen = new Set(list.split(',').flatMap((word) => meant(word.trim(), names)));
  return negated ? new Set(names.filter((name) => !chosen.has(name))) : chosen;
}

function meant(word: string, names: readonly string[]): readonly string[] {
  if (word === 'all' || word === 'none') return word === 'all' ? names : [];
  const kind = word.replace(/^%/, '').replace(/^net$/, 'network');
  const set = Object.hasOwn(CLASSES, kind) ? CLASSES[kind] : undefined;
  if (set) return names.filter((name) => set.has(name));
  const pattern = word.startsWith('/') ? patternOf(word.slice(1), '--trace') : undefined;
  const found = names.filter((name) => pattern?.test(name) ?? name === word);
  if (found.length > 0) return found;
  if (word.startsWith('?')) return names.filter((name) => name === word.slice(1)); // on this machine or not
  throw new KtraceError(`There is no system call ${JSON.stringify(word)}`, 'USAGE', `name calls, /patterns, or classes: ${Object.keys(CLASSES).map((name) => `%${name}`).join(' ')}`);
}

/** A bit for each call: words of 64, those of this machine before those of its 32-bit programs. */
export function bitsOf(chosen: ReadonlySet<string>, calls: CallNames): bigint[] {
  const bits = Array<bigint>((2 * CALLS_PER_ABI) / WORD).fill(0n);
  for (const compat of [false, true]) {
    for (const name of chosen) {
      const nr = calls.number(name, compat);
      if (nr === undefined || nr >= CALLS_PER_ABI) continue;
      const index = Math.floor((Number(compat) * CALLS_PER_ABI + nr) / WORD);
      bits[index] = (bits[index] ?? 0n) | (1n << BigInt(nr % WORD));
    }
  }
  return bits;
}
