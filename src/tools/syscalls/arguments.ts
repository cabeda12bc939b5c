/** The arguments of a call as people read them, much as strace(1) writes them. */
import { signalName } from '../signals.js';
import { flagNames } from './flags.js';
import { hex, mode, SHAPE_OF, SHAPES, type Abi, type Shape } from './memory.js';
import { signatureOf, type Parameter } from './signatures.js';
import { textOf, type Memory } from './text.js';

/** What the numbers stand for in the process that made the call; undefined where that cannot be said. */
export interface Meaning {
  readonly abi: Abi;
  /** Show what is read and written, too. */
  readonly data: boolean;
  /** What the call returned; undefined while it lasts. */
  readonly result: bigint | undefined;
  /** What a descriptor is: a path, `pipe:[4711]`, a socket with its addresses. Hostile. */
  descriptor(fd: number, index: number): string | undefined;
  /** The text, or `bytes` of memory, where argument `index` points to. Hostile. */
  memory(index: number, address: bigint, bytes: 'text' | number): Memory | undefined;
}

interface Given {
  readonly name: string;
  readonly args: readonly bigint[];
  readonly parameters: readonly Parameter[];
  readonly meaning: Meaning;
}

const EMPTY: Memory = { bytes: Buffer.alloc(0), cut: false };
const AT_FDCWD = -100;
const ARGUMENTS = 6;

const int = (value: bigint): number => Number(BigInt.asIntN(32, value));
const pointer = (value: bigint): string => (value === 0n ? 'NULL' : hex(value));

function descriptor(value: bigint, index: number, { meaning }: Given): string {
  const fd = int(value);
  const what = fd < 0 ? undefined : meaning.descriptor(fd, index);
  return what === undefined ? String(fd) : `${fd}<${what}>`;
}

function text(value: bigint, index: number, { meaning }: Given): string {
  const found = value === 0n ? undefined : meaning.memory(index, value, 'text');
  return found === undefined ? pointer(value) : textOf(found);
}

/** Memory that a call was to write is of no account where it did not, and what it has changed no longer tells what was asked for. */
function shaped(shape: Shape, { length, told }: Partial<Parameter>, value: bigint, index: number, { args, meaning }: Given): string {
  const { abi, result } = meaning;
  if (value === 0n || (told === 'after' && (result === undefined || result < 0n)) || (told === 'during' && result !== undefined)) return pointer(value);
  const counts = { argument: () => Number(BigInt.asUintN(32, args[length?.index ?? 0] ?? 0n)), pointed: () => Infinity, result: () => Math.min(Number(result ?? 0n), Number(BigInt.asUintN(32, args[length?.index ?? 0] ?? 0n))) };
  const bytes = shape.unit(abi) * (length ? counts[length.by]() : shape.count);
  const found = bytes === 0 ? EMPTY : meaning.memory(index, value, bytes);
  try {
    return found ? shape.show(found, abi, result) : pointer(value);
  } catch (error) {
    if (error instanceof RangeError) return pointer(value); // shorter than such a thing can be
    throw error;
  }
}

/** Of an argument that points to something in some calls alone. */
const shapeAt = (index: number, { parameters }: Given): Shape => SHAPES[SHAPE_OF[parameters[index]?.kind ?? ''] ?? ''] as Shape;

function wstatus(value: bigint, index: number, given: Given): string {
  return given.meaning.result === 0n ? pointer(value) : shaped(shapeAt(index, given), { told: 'after' }, value, index, given); // WNOHANG
}

const flags = (set: string, value: bigint, { meaning }: Given): string => flagNames(set, int(value), meaning.abi.machine) ?? hex(value);

/** What the third argument of fcntl(2) is, by its command. */
function fcntlArgument(value: bigint, index: number, given: Given): string {
  const command = flags('fcntl', given.args[1] ?? 0n, given);
  if (command === 'F_SETFL') return flags('open', value, given);
  if (command === 'F_SETFD') return flags('close_exec', value, given);
  if (/^F_OFD_(GET|SET)LKW?$/.test(command)) return shaped(shapeAt(index, given), {}, value, index, given);
  if (/^F_(GET|SET)LKW?$/.test(command)) return shaped(SHAPES['flock'] as Shape, {}, value, index, given);
  return /^F_DUPFD|PIPE_SZ$|^F_SETOWN$/.test(command) ? String(int(value)) : hex(value);
}

/** A time for those that wait, a number for those that requeue. */
function futexArgument(value: bigint, index: number, given: Given): string {
  return /WAIT|LOCK_PI/.test(flags('futex', given.args[1] ?? 0n, given)) ? shaped(shapeAt(index, given), {}, value, index, given) : int(value) < 0 ? hex(value) : String(value);
}

/** `FUTEX_WAIT_PRIVATE`, as strace(1) has it. */
const futexOperation = (value: bigint, _index: number, given: Given): string => flags('futex', value, given).replace(/^(\w+)((?:\|\w+)*)\|FUTEX_PRIVATE_FLAG/, '$1_PRIVATE$2');

const PROTOCOLS: Readonly<Record<string, string>> = { AF_INET: 'inet_protocol', AF_INET6: 'inet_protocol', AF_NETLINK: 'netlink' };
const SIGNAL_BITS = 0xffn; // CSIGNAL, linux/sched.h

/** Flags, and in the lowest byte the signal that the parent gets. */
function cloneFlags(value: bigint, _index: number, given: Given): string {
  const signal = value & SIGNAL_BITS;
  const names = (value & ~SIGNAL_BITS) === 0n ? [] : [flags('clone', value & ~SIGNAL_BITS, given)];
  return [...names, ...(signal === 0n && names.length > 0 ? [] : [signal === 0n ? '0' : signalName(Number(signal))])].join('|');
}

export const KINDS: Readonly<Record<string, (value: bigint, index: number, given: Given) => string>> = {
  fd: descriptor,
  at: (value, index, given) => (int(value) === AT_FDCWD ? 'AT_FDCWD' : descriptor(value, index, given)),
  path: text,
  text,
  ptr: pointer,
  argv: pointer,
  int: (value) => String(int(value)),
  pid: (value) => String(int(value)),
  uint: (value) => String(BigInt.asUintN(32, value)),
  size: String,
  off: (value, _index, { meaning }) => String(BigInt.asIntN(8 * meaning.abi.word, value)),
  mode: (value) => `0${BigInt.asUintN(16, value).toString(8)}`,
  node: (value, _index, { meaning }) => mode(Number(BigInt.asUintN(16, value)), meaning.abi),
  pages: (value) => hex(BigInt.asUintN(32, value) * 4096n),
  hex,
  sig: (value) => signalName(int(value)),
  wstatus,
  protocol: (value, _index, given) => flagNames(PROTOCOLS[flags('domain', given.args[0] ?? 0n, given)] ?? '', int(value), given.meaning.abi.machine) ?? String(int(value)),
  clone_flags: cloneFlags,
  sockopt: (value, _index, given) => flagNames(flags('sol', given.args[1] ?? 0n, given), int(value), given.meaning.abi.machine) ?? String(int(value)),
  fcntl_arg: fcntlArgument,
  futex_arg: futexArgument,
  futex_arg64: futexArgument,
  futex_op: futexOperation,
  bitset: (value, index, given) => (BigInt.asUintN(32, value) === 0xffffffffn && futexOperation(given.args[1] ?? 0n, index, given).includes('_BITSET') ? 'FUTEX_BITSET_MATCH_ANY' : hex(BigInt.asUintN(32, value))),
  fcntl64_arg: fcntlArgument,
  prctl_arg: (value, index, given) => (flags('prctl', given.args[0] ?? 0n, given) === 'PR_SET_NAME' ? text(value, index, given) : hex(value)),
};

const MAKES_FILE = 0o100 | 0o20000000; // O_CREAT, and the bit that is O_TMPFILE's own
const FUTEX_ARGUMENTS: readonly (readonly [RegExp, number])[] = [[/^FUTEX_(UN|TRY)LOCK_PI/, 2], [/^FUTEX_WAKE(?!_OP|_BITSET)/, 3], [/^FUTEX_(WAIT(?!_)|LOCK_PI)/, 4], [/^FUTEX_REQUEUE/, 5]];
const PRCTL_ARGUMENTS: Readonly<Record<string, number>> = { PR_SET_NAME: 2, PR_GET_NAME: 2, PR_SET_PDEATHSIG: 2, PR_GET_DUMPABLE: 1, PR_SET_DUMPABLE: 2, PR_CAPBSET_READ: 2 };

/** How many of the arguments mean something: by what the others are. */
function meant(given: Given): number {
  const { args, parameters } = given;
  const name = given.name.replace(/64$|_time64$/, '');
  const all = parameters.length;
  const open = parameters.findIndex(({ kind }) => kind === 'open');
  if (open >= 0 && parameters[open + 1]?.kind === 'mode') return (int(args[open] ?? 0n) & MAKES_FILE) === 0 ? open + 1 : all;
  if (name === 'futex') return FUTEX_ARGUMENTS.find(([op]) => op.test(flags('futex', args[1] ?? 0n, given)))?.[1] ?? all;
  if (name === 'fcntl') return /^F_GET(FD|FL|OWN|PIPE_SZ|LEASE|_SEALS)$/.test(flags('fcntl', args[1] ?? 0n, given)) ? 2 : all;
  if (name === 'prctl') return PRCTL_ARGUMENTS[flags('prctl', args[0] ?? 0n, given)] ?? all;
  if (name === 'mknod' || name === 'mknodat') return /^S_IF(CHR|BLK)/.test(mode(Number(BigInt.asUintN(16, args[all - 2] ?? 0n)), given.meaning.abi)) ? all : all - 1;
  return all;
}

/** Each argument as text; those that mean nothing beside the others are left out. */
export function argumentsOf(name: string, args: readonly bigint[], meaning: Meaning): string[] {
  const parameters = signatureOf(name, meaning.abi.word === 4);
  if (!parameters) return args.slice(0, ARGUMENTS).map(hex);
  const given = { name, args, parameters, meaning };
  return parameters.slice(0, meant(given)).map((parameter, i) => {
    const value = args[i] ?? 0n;
    const shape = SHAPES[parameter.kind];
    if (parameter.kind === 'data' && !meaning.data) return pointer(value);
    return shape ? shaped(shape, parameter, value, i, given) : (KINDS[parameter.kind]?.(value, i, given) ?? flags(parameter.kind, value, given));
  });
}

/** Of a call that has made its thread another program: path and arguments are told by that, and the others are gone. */
export function execArguments(name: string, path: string, argv: string): string[] {
  const known: Readonly<Record<string, string>> = { path, argv };
  return (signatureOf(name) ?? []).map(({ kind }) => known[kind] ?? '?');
}

/** The one that says most: a path, else a descriptor, else the first. */
export function mainArgument(name: string, texts: readonly string[]): string {
  const kinds = (signatureOf(name) ?? []).map(({ kind }) => kind);
  const at = ['path', 'fd'].map((kind) => kinds.indexOf(kind)).find((index) => index >= 0) ?? 0;
  return texts[at] ?? '';
}
