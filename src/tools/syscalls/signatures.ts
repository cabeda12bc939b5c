/**
 * What the arguments of system calls are, as data: by section 2 of the manual pages.
 *
 * Kinds of arguments: fd, at (a directory, or AT_FDCWD), path, text, ptr, int, uint, size, off, mode (octal), hex, pid, sig, flags by the name of their set
 * (flags.ts), and what they point to by the name of its shape (memory.ts). How much of it there is: `:2` as many as argument 2 says, counted from 0;
 * `@2` as the int says that argument 2 points to; `=2` as the call returned, but no more than argument 2 says; else one. `>`: the call writes it. `<`: the call changes
 * it, so that it tells what was asked for only while the call lasts.
 * Calls that are not here are shown with six numbers in hex.
 */
import { COMPAT, I386 } from './signatures/compat.js';
import { DESCRIPTORS } from './signatures/descriptors.js';
import { FILES } from './signatures/files.js';
import { SYSTEM } from './signatures/system.js';

export interface Parameter {
  readonly kind: string;
  /** How much memory it points to: as many elements as argument `index` says, or the int that it points to, or the call returned; one if left out. */
  readonly length?: { readonly by: 'argument' | 'pointed' | 'result'; readonly index: number };
  /** Of account from its beginning to its end and then, after it alone, or while it lasts alone. */
  readonly told: 'always' | 'after' | 'during';
}

const COMMON = [FILES, DESCRIPTORS, SYSTEM, COMPAT].map((text) => text.trim()).join('\n');
const BY = { ':': 'argument', '@': 'pointed', '=': 'result' } as const;

function parse(word: string): Parameter {
  const [, kind = '', how, index, told] = /^(\w+)(?:([:@=])(\d?))?([<>])?$/.exec(word) ?? [];
  const length = how === undefined ? {} : { length: { by: BY[how as keyof typeof BY], index: Number(index) } };
  return { kind, ...length, told: told === '>' ? 'after' : told === '<' ? 'during' : 'always' };
}

const parseAll = (text: string): [string, readonly Parameter[]][] => text.trim().split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).map(parse)]);
/** Calls that have a signature. */
export const SIGNATURES = (): readonly string[] => [COMMON, I386].flatMap((text) => parseAll(text).map(([name]) => name));

let tables: readonly ReadonlyMap<string, readonly Parameter[]>[] | undefined;

/** Undefined for calls whose arguments are not known here. `compat`: of a 32-bit program. */
export function signatureOf(name: string, compat = false): readonly Parameter[] | undefined {
  tables ??= [new Map(parseAll(COMMON)), new Map(parseAll(I386))];
  return (compat ? tables[1]?.get(name) : undefined) ?? tables[0]?.get(name);
}
