/** How the C library was compiled: what its file tells about unwinding stacks through it. */
import { readFileSync } from 'node:fs';
import type { DoctorFacts } from '../../report/doctor/facts.js';
import { textOf } from './text.js';

type LibraryFacts = Pick<DoctorFacts, 'framePointers' | 'unwindTables'>;

const NOTHING: LibraryFacts = { framePointers: undefined, unwindTables: false };
/** `mov %rsp,%rbp` after `push %rbp`; `mov x29,sp`. */
const PROLOGUE = process.arch === 'arm64' ? Buffer.from('fd030091', 'hex') : Buffer.from('554889e5', 'hex');
const PT_GNU_EH_FRAME = 0x6474e550;
const FDE_COUNT_IS_U32 = 0x03;

export function libraryFacts(): LibraryFacts {
  const path = /^[^/\n]*(\/\S*\/(?:libc[.-]|ld-musl-)[^/\n]*)$/m.exec(textOf('/proc/self/maps') ?? '')?.[1];
  try {
    return path === undefined ? NOTHING : readLibrary(readFileSync(path));
  } catch {
    return NOTHING; // deleted meanwhile, or nothing that we understand
  }
}

/** From the bytes of a 64-bit little-endian ELF file: prologues that set a frame pointer, as a part of the functions in its unwind tables. */
export function readLibrary(file: Buffer): LibraryFacts {
  const header = unwindHeader(file);
  if (header === undefined || file[header + 2] !== FDE_COUNT_IS_U32) return NOTHING;
  const functions = file.readUInt32LE(header + 8);
  if (functions === 0) return NOTHING;
  let prologues = 0;
  for (let at = file.indexOf(PROLOGUE); at >= 0; at = file.indexOf(PROLOGUE, at + PROLOGUE.length)) prologues++;
  return { framePointers: Math.min(1, prologues / functions), unwindTables: true };
}

/** Offset of `.eh_frame_hdr`, by the program headers (e_phoff, e_phentsize, e_phnum). */
function unwindHeader(file: Buffer): number | undefined {
  const [start, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)];
  for (let i = 0; i < count; i++) {
    const at = start + i * size;
    if (file.readUInt32LE(at) === PT_GNU_EH_FRAME) return Number(file.readBigUInt64LE(at + 8));
  }
  return undefined;
}
