/** `ktrace syscalls` as data: its object, its options and its eyes. */
import { KtraceError } from '../../errors.js';
import { formatDuration } from '../../render/format.js';
import { schema, SyscallsBy } from '../../generated/syscalls.js';
import type { Own, Setting, Tool, ToolOptions } from '../contract.js';
import { EXEC, FUTEX, LAST, READING, RESTART, WAITING } from './classes.js';
import { errnoNumber } from '../errno.js';
import { lineOf, type SyscallEventRecord } from './events.js';
import { SyscallsLook } from './look.js';
import type { Abi } from './memory.js';
import { BYS, type By } from './model.js';
import { callNames, type CallNames } from '../call-names.js';
import { FILES, filesOf, PIECES, piecesOf } from './pieces.js';
import { bitsOf, selectCalls } from './select.js';
import { SYSCALLS_SORTS } from './report.js';

const NO_SUCH_CALL = 0xffff;
const ROWS_BY: Readonly<Record<By, number>> = { syscall: SyscallsBy.SYSCALLS_BY_CALL, process: SyscallsBy.SYSCALLS_BY_PROCESS, thread: SyscallsBy.SYSCALLS_BY_THREAD, cgroup: SyscallsBy.SYSCALLS_BY_CGROUP };

const CALLS_PER_ABI = 512; // as in bpf/syscalls.bpf.h
const PIECE_KIND_BYTES = 4;
const DEFAULT_RATE = 100; // as in cli.ts
const ERRORS = 4096; // MAX_ERRNO + 1, as in bpf/syscalls.bpf.h
const WORD = 64;
const CPU_ROWS = 256; // as in bpf/syscalls.bpf.h
const LEAST_CPU_ROWS = 32;
const CPU_ROWS_BYTES = 8 << 20; // of all CPUs together; calls that find no row are counted in the table that all CPUs share
const ROW_BYTES = 1280;

const byOf = ({ by }: Own): By => BYS.find((each) => each === by) ?? 'syscall';
const numbersOf = (name: string, names: CallNames): number[] => [false, true].map((compat) => names.number(name, compat) ?? NO_SUCH_CALL);

/** Of `--errno` and `--failed`: a bit for each error. */
function wantedErrors({ errno, failed }: Own): object {
  const chosen = Array.isArray(errno) ? errno.map((text) => errnoNumber(String(text))) : [];
  const wanted = (error: number): boolean => (chosen.length > 0 ? chosen.includes(error) : error > 0);
  const words = Array.from({ length: ERRORS / WORD }, (_, word) => Array.from({ length: WORD }, (_, bit) => BigInt(wanted(WORD * word + bit)) << BigInt(bit)).reduce((a, b) => a | b, 0n));
  return { someErrors: failed === true || chosen.length > 0, wantedErrors: words };
}

/** Bytes for each call, its numbers of this machine before those of 32-bit programs; `each` for every one. */
function callTable(names: CallNames, machine: string, each: number, entry: (name: string, abi: Abi) => readonly number[]): Uint8Array {
  const table = new Uint8Array(2 * CALLS_PER_ABI * each);
  for (const word of [8, 4] as const) {
    for (let nr = 0; nr < CALLS_PER_ABI; nr++) table.set(entry(names.name(nr, word === 4), { machine, word }), ((word === 4 ? CALLS_PER_ABI : 0) + nr) * each);
  }
  return table;
}

function filterWords({ trace, failed, errno, slow }: Own): string[] {
  return [
    ...(typeof trace === 'string' ? [`calls ${trace}`] : []),
    ...(Array.isArray(errno) ? [`errors ${errno.join(', ')}`] : failed === true ? ['failed calls'] : []),
    ...(typeof slow === 'number' ? [`lines for calls of ${formatDuration(slow)} or more`] : []),
  ];
}

/** Rows of each CPU by call. */
function cpuRows({ own, cpus }: Setting): number {
  return byOf(own) === 'syscall' ? Math.max(LEAST_CPU_ROWS, Math.min(CPU_ROWS, Math.floor(CPU_ROWS_BYTES / (ROW_BYTES * cpus)))) : 1;
}

function options({ filters: { minWaitNs, launched }, events, ...setting }: ToolOptions): object {
  const { own, machine } = setting;
  const names = callNames(machine);
  if (own['data'] === true && !events) throw new KtraceError('What is read and written is shown call by call only', 'USAGE', 'add --strace, --slow or --events, or leave --data out');
  if (own['strace'] === true && own['slow'] !== undefined) throw new KtraceError('Show either each call or the slow ones', 'USAGE', 'take one of --strace and --slow');
  const expression = typeof own['trace'] === 'string' ? own['trace'] : 'all';
  return {
    minWaitNs,
    fromExec: launched,
    rowsBy: ROWS_BY[byOf(own)],
    emitEvents: events,
    slowNs: Number(own['slow'] ?? 0),
    eventsPerSecond: own['slow'] === undefined ? 0 : Number(own['rate'] ?? DEFAULT_RATE),
    pieceTable: callTable(names, machine, PIECE_KIND_BYTES * PIECES, (name, abi) => piecesOf(name, abi, own['data'] === true).flatMap(({ how, argument, unit, count }) => [how, argument, unit, count])),
    fileTable: callTable(names, machine, FILES, (name, abi) => filesOf(name, abi).map((index) => index + 1)),
    cpuRowCount: cpuRows(setting),
    ...wantedErrors(own),
    someCalls: expression !== 'all',
    wantedCalls: bitsOf(selectCalls(expression, names), names),
    waitingCalls: bitsOf(WAITING, names),
    readingCalls: bitsOf(READING, names),
    execCalls: bitsOf(EXEC, names),
    lastCalls: bitsOf(LAST, names),
    futexCall: numbersOf(FUTEX, names),
    restartCall: numbersOf(RESTART, names),
  };
}

export const syscallsTool: Tool<SyscallEventRecord> = {
  name: 'syscalls',
  schema,
  optionalHooks: {},
  limits: {},
  alsoOn: {},
  sorts: SYSCALLS_SORTS,
  hasEvents: true,
  lines: (own) => (own['strace'] === true || own['slow'] !== undefined ? 'asked' : 'none'),
  line: lineOf,
  filterWords,
  options,
  mapSizes: ({ maxKeys, ringBytes }, setting) => ({ rows: maxKeys, errors: maxKeys, events: ringBytes, cpu_rows: cpuRows(setting) }),
  look: (tables, processes, { own, machine }) => new SyscallsLook(tables, processes, callNames(machine), byOf(own), machine, own['explain'] === true, own['data'] === true),
};
