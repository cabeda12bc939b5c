/** One call that is over, as the library and ndjson give it, and as a line that reads like one of strace(1). */
import { SyscallsEventFlag, type SyscallsEvent, type SyscallsFile, type SyscallsPiece } from '../../generated/syscalls.js';
import { formatDuration } from '../../render/format.js';
import type { Processes, ToolEvent } from '../contract.js';
import { argumentsOf, execArguments, type Meaning } from './arguments.js';
import { errnoName } from '../errno.js';
import type { Abi } from './memory.js';
import type { CallNames } from '../call-names.js';
import { filesOf, piecesOf } from './pieces.js';
import { nameOf } from './report.js';
import { textOf, textsOf, type Memory } from './text.js';

export interface SyscallEventRecord extends ToolEvent {
  readonly type: 'syscall';
  /** CLOCK_MONOTONIC at its end, ns. */
  readonly end: number;
  readonly pid: number;
  readonly tid: number;
  /** Name of the thread; hostile. */
  readonly thread: string;
  readonly syscall: string;
  /** As text, each; null where they are not known: of a call that was interrupted for good. */
  readonly arguments: readonly string[] | null;
  /** What it returned, or the negative error; null when it ended with its thread. */
  readonly result: bigint | null;
  /** Name of the error; null when it did not fail. */
  readonly error: string | null;
  readonly tookNs: number;
  /** It began before tracing: `tookNs` is the time since its thread last got on a CPU. */
  readonly beforeTracing: boolean;
}

interface Layout {
  readonly abi: Abi;
  /** Indexes of arguments. */
  readonly pieces: readonly number[];
  readonly files: readonly number[];
}

const MOST_LAYOUTS = 2000; // numbers that are no call's are anybody's
const MOST_FILES = 10_000; // remembered
const FRESH_NS = 100e6; // an inode may be used again
const MAX_ERRNO = 4095n;

/** Turns events into records; remembers what is behind descriptors, which the kernel's inode numbers keep true. */
export class CallReader {
  readonly #layouts = new Map<number, Layout>();
  readonly #files = new Map<string, { readonly at: number; readonly text: string }>();

  constructor(
    private readonly processes: Processes,
    private readonly names: CallNames,
    private readonly machine: string,
    /** Show what is read and written, too. */
    private readonly data: boolean,
  ) {}

  read(event: SyscallsEvent): SyscallEventRecord {
    const { nr, compat, flags, tgid } = event;
    const result = BigInt.asIntN(64, event.result);
    const failed = result < 0n && result >= -MAX_ERRNO;
    return {
      type: 'syscall',
      end: event.end,
      pid: tgid,
      tid: event.tid,
      thread: event.comm,
      syscall: nameOf(this.names, nr, compat !== 0),
      arguments: this.#arguments(event),
      result: (flags & SyscallsEventFlag.EVENT_NO_RETURN) === 0 ? result : null,
      error: failed ? errnoName(Number(-result)) : null,
      tookNs: event.took,
      beforeTracing: (flags & SyscallsEventFlag.EVENT_PREEXISTING) !== 0,
      lostBefore: event.lost,
    };
  }

  #arguments(event: SyscallsEvent): string[] | null {
    const name = this.names.name(event.nr, event.compat !== 0);
    const [path, argv] = event.pieces;
    if (event.flags & SyscallsEventFlag.EVENT_NO_ARGS) return null;
    if (event.flags & SyscallsEventFlag.EVENT_EXECED) return execArguments(name, shownText(path), shownTexts(argv));
    return argumentsOf(name, event.args, this.#meaning(event));
  }

  /** Which arguments the pieces and files of a call belong to. */
  #layout({ nr, compat }: SyscallsEvent): Layout {
    const key = 2 * nr + (compat ? 1 : 0);
    let layout = this.#layouts.get(key);
    if (!layout) {
      const [name, abi] = [this.names.name(nr, compat !== 0), { machine: this.machine, word: compat ? 4 : 8 } as const];
      layout = { abi, pieces: piecesOf(name, abi, this.data).map(({ argument }) => argument), files: filesOf(name, abi) };
      if (this.#layouts.size < MOST_LAYOUTS) this.#layouts.set(key, layout);
    }
    return layout;
  }

  #meaning(event: SyscallsEvent): Meaning {
    const { tgid, files, pieces, flags, result } = event;
    const layout = this.#layout(event);
    return {
      abi: layout.abi,
      data: this.data,
      result: flags & SyscallsEventFlag.EVENT_NO_RETURN ? undefined : BigInt.asIntN(64, result),
      memory: (index, _address, bytes) => memoryOf(pieces[layout.pieces.indexOf(index)], bytes === 'text'),
      descriptor: (fd, index) => this.#file(tgid, fd, files[layout.files.indexOf(index)]),
    };
  }

  #file(pid: number, fd: number, file: SyscallsFile | undefined): string | undefined {
    if (!file || file.inode === 0n) return undefined;
    if (file.name !== '') return `anon_inode:${file.name}`;
    const key = `${pid} ${fd} ${file.device} ${file.inode}`;
    const known = this.#files.get(key);
    const now = this.processes.now();
    if (known && now - known.at < FRESH_NS) return known.text;
    const text = this.processes.descriptor(pid, fd, file);
    if (this.#files.size >= MOST_FILES) this.#files.clear();
    if (text === undefined || text.startsWith('socket:')) this.#files.delete(key);
    else this.#files.set(key, { at: now, text });
    return text;
  }
}

/** Undefined where nothing could be read. Kernels before 6.16 say of an empty text that it has no bytes, not even its zero. */
function memoryOf(piece: SyscallsPiece | undefined, isText: boolean): Memory | undefined {
  if (!piece || piece.bytes < 0 || (piece.bytes === 0 && !isText)) return undefined;
  const { bytes, whole, data } = piece;
  return { bytes: Buffer.from(data.subarray(0, isText ? Math.max(0, bytes - 1) : bytes)), cut: whole > bytes };
}

function shownText(piece: SyscallsPiece | undefined): string {
  const memory = memoryOf(piece, true);
  return memory ? textOf(memory) : '?';
}

function shownTexts(piece: SyscallsPiece | undefined): string {
  const memory = memoryOf(piece, false);
  return memory ? textsOf(memory) : '?';
}

const RESULTS: readonly (readonly [ReadonlySet<string>, (result: bigint) => string])[] = [
  [new Set(['mmap', 'mmap2', 'mremap', 'brk', 'shmat']), (result) => `0x${BigInt.asUintN(64, result).toString(16)}`],
  [new Set(['umask']), (result) => `0${result.toString(8)}`],
];

const resultText = (syscall: string, result: bigint): string => (RESULTS.find(([calls]) => calls.has(syscall.replace(' (32 bit)', '')))?.[1] ?? String)(result);

/** `app (4242) openat(AT_FDCWD, "/etc/x", O_RDONLY) = -1 ENOENT <12.3µs>` */
export function lineOf({ thread, tid, syscall, arguments: texts, result, error, tookNs, beforeTracing }: SyscallEventRecord): string {
  const returned = result === null ? '?' : error === null ? resultText(syscall, result) : `-1 ${error}`;
  return `${thread} (${tid}) ${syscall}(${texts?.join(', ') ?? '?'}) = ${returned} <${formatDuration(tookNs)}${beforeTracing ? ', begun before' : ''}>`;
}
