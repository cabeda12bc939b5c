/** The arguments of a call as people read them, much as strace(1) writes them. */
import { flagNames, signalName } from './flags.js';
import { signatureOf } from './signatures.js';

export interface Text {
  readonly text: string;
  /** There is more of it. */
  readonly cut: boolean;
}

/** What the numbers stand for in the process that made the call; undefined where that cannot be said. */
export interface Meaning {
  readonly machine: string;
  /** What a descriptor is: a path, `pipe:[4711]`, a socket with its addresses. Hostile. */
  descriptor(fd: number): string | undefined;
  /** The text at an address. Hostile. */
  text(address: bigint): Text | undefined;
}

const AT_FDCWD = -100;
const ARGUMENTS = 6;

const hex = (value: bigint): string => (value === 0n ? '0' : `0x${value.toString(16)}`);
const int = (value: bigint): number => Number(BigInt.asIntN(32, value));

function descriptor(value: bigint, meaning: Meaning): string {
  const fd = int(value);
  const what = fd < 0 ? undefined : meaning.descriptor(fd);
  return what === undefined ? String(fd) : `${fd}<${what}>`;
}

function text(value: bigint, meaning: Meaning): string {
  if (value === 0n) return 'NULL';
  const found = meaning.text(value);
  return found === undefined ? hex(value) : `${JSON.stringify(found.text)}${found.cut ? '...' : ''}`;
}

const KINDS: Readonly<Record<string, (value: bigint, meaning: Meaning) => string>> = {
  fd: descriptor,
  at: (value, meaning) => (int(value) === AT_FDCWD ? 'AT_FDCWD' : descriptor(value, meaning)),
  path: text,
  text,
  ptr: (value) => (value === 0n ? 'NULL' : hex(value)),
  int: (value) => String(int(value)),
  pid: (value) => String(int(value)),
  uint: (value) => String(BigInt.asUintN(32, value)),
  size: (value) => String(value),
  off: (value) => String(BigInt.asIntN(64, value)),
  mode: (value) => `0${BigInt.asUintN(32, value).toString(8)}`,
  hex,
  sig: (value) => signalName(int(value)),
};

const MAKES_FILE = 0o100 | 0o20000000; // O_CREAT, and the bit that is O_TMPFILE's own

/** Each argument as text; the mode of an open that makes no file is left out, as it means nothing. */
export function argumentsOf(name: string, args: readonly bigint[], meaning: Meaning): string[] {
  const kinds = signatureOf(name);
  if (!kinds) return args.slice(0, ARGUMENTS).map(hex);
  const texts = kinds.map((kind, i) => {
    const value = args[i] ?? 0n;
    return KINDS[kind]?.(value, meaning) ?? flagNames(kind, int(value), meaning.machine) ?? hex(value);
  });
  const open = kinds.indexOf('open');
  return open > 0 && kinds[open + 1] === 'mode' && (int(args[open] ?? 0n) & MAKES_FILE) === 0 ? texts.slice(0, -1) : texts;
}

/** The one that says most: a path, else a descriptor, else the first. */
export function mainArgument(name: string, texts: readonly string[]): string {
  const kinds = signatureOf(name) ?? [];
  const at = ['path', 'fd'].map((kind) => kinds.indexOf(kind)).find((index) => index >= 0) ?? 0;
  return texts[at] ?? '';
}
