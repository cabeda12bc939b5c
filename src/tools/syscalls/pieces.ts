/** What the kernel is to read of a call when it ends: pieces of memory that its arguments point to, and files behind its descriptors. */
import { SyscallsPieceHow } from '../../generated/syscalls.js';
import { SHAPE_OF, SHAPES, type Abi } from './memory.js';
import { signatureOf, type Parameter } from './signatures.js';

/** As in bpf/syscalls.bpf.h. */
export const PIECES = 2;
export const FILES = 2;

/** struct syscalls_piece_kind. */
export interface Piece {
  readonly how: number;
  /** Index of the argument. */
  readonly argument: number;
  /** Bytes of an element. */
  readonly unit: number;
  /** Elements, or the index of the argument that says how many. */
  readonly count: number;
}

const TEXTS: ReadonlySet<string> = new Set(['path', 'text', 'prctl_arg']);
const FILE_KINDS: ReadonlySet<string> = new Set(['fd', 'at']);
const HOWS = { argument: SyscallsPieceHow.PIECE_ARGUMENT, pointed: SyscallsPieceHow.PIECE_POINTED, result: SyscallsPieceHow.PIECE_RESULT };

function pieceOf({ kind, length, told }: Parameter, argument: number, abi: Abi, data: boolean): Piece | undefined {
  if (TEXTS.has(kind)) return { how: SyscallsPieceHow.PIECE_TEXT, argument, unit: 1, count: 0 };
  const shape = SHAPES[SHAPE_OF[kind] ?? kind];
  if (!shape || told === 'during' || (kind === 'data' && !data)) return undefined;
  const unit = shape.unit(abi);
  return length ? { how: HOWS[length.by], argument, unit, count: length.index } : { how: SyscallsPieceHow.PIECE_FIXED, argument, unit, count: shape.count };
}

/** The first that a call has. `data`: also of what is read and written. */
export function piecesOf(name: string, abi: Abi, data: boolean): readonly Piece[] {
  const parameters = signatureOf(name, abi.word === 4) ?? [];
  return parameters.flatMap((parameter, i) => pieceOf(parameter, i, abi, data) ?? []).slice(0, PIECES);
}

/** Indexes of the arguments that are the first descriptors of a call. */
export function filesOf(name: string, abi: Abi): readonly number[] {
  const parameters = signatureOf(name, abi.word === 4) ?? [];
  return parameters.flatMap(({ kind }, i) => (FILE_KINDS.has(kind) ? [i] : [])).slice(0, FILES);
}
