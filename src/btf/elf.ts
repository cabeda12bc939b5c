import { Bytes } from './bytes.js';
import { LayoutError } from './error.js';

// Constants of <elf.h>.
const MAGIC = 0x464c457f;
const CLASS64_LITTLE_ENDIAN_V1 = 0x010102;
const ET_REL = 1;
const EM_BPF = 247;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const STT_FUNC = 2;
const STB_LOCAL = 0;
const FILE_HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

// Far above any object that libbpf loads; they bound the work done for a hostile file.
const MAX_SECTIONS = 4096;
const MAX_SYMBOLS = 65_536;

export interface ElfSection {
  readonly name: string;
  readonly index: number;
  readonly type: number;
  /** SHF_* bits. */
  readonly flags: number;
  /** A view of the file; empty for sections without bytes, such as `.bss`. */
  readonly bytes: Uint8Array;
}

/** A function that other objects can see. */
export interface ElfFunction {
  readonly name: string;
  /** The section that defines it. */
  readonly section: ElfSection;
}

/**
 * A 64-bit little-endian relocatable ELF file for BPF, as clang and `bpftool gen object` write it.
 * Every constructor and method throws LayoutError on malformed input, and reads nothing outside the file.
 */
export class ElfFile {
  readonly sections: readonly ElfSection[];
  private readonly file: Bytes;

  constructor(bytes: Uint8Array) {
    this.file = new Bytes(bytes, 'ELF file');
    checkFileHeader(this.file);
    this.sections = readSections(this.file);
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** Global functions that this file defines, in the order of its symbol table; none when it has no table. */
  functions(): ElfFunction[] {
    const table = this.sections.find((section) => section.type === SHT_SYMTAB);
    if (!table) return [];
    const link = this.file.u32(sectionHeader(this.file, table.index) + 40);
    const strings = this.sections[link];
    if (!strings) throw new LayoutError(`ELF file: symbol table names section ${link} for its strings`);
    return readFunctions(new Bytes(table.bytes, '.symtab'), new Bytes(strings.bytes, strings.name), this.sections);
  }
}

function checkFileHeader(file: Bytes): void {
  if (file.length < FILE_HEADER_SIZE || file.u32(0) !== MAGIC) throw new LayoutError('ELF file: bad magic');
  const identity = file.u32(4) & 0xffffff;
  if (identity !== CLASS64_LITTLE_ENDIAN_V1) throw new LayoutError('ELF file: not 64-bit little endian');
  if (file.u16(16) !== ET_REL) throw new LayoutError('ELF file: not relocatable');
  if (file.u16(18) !== EM_BPF) throw new LayoutError(`ELF file: machine ${file.u16(18)} is not BPF`);
}

function sectionHeader(file: Bytes, index: number): number {
  return file.u64(40) + index * SECTION_HEADER_SIZE;
}

function readSections(file: Bytes): ElfSection[] {
  const count = file.u16(60);
  if (file.u16(58) !== SECTION_HEADER_SIZE) throw new LayoutError('ELF file: unexpected section header size');
  if (count === 0 || count > MAX_SECTIONS) throw new LayoutError(`ELF file: ${count} sections`);
  const names = file.u16(62);
  if (names >= count) throw new LayoutError(`ELF file: section names in section ${names} of ${count}`);
  const strings = new Bytes(sectionBytes(file, sectionHeader(file, names)), 'section names');
  const sections: ElfSection[] = [];
  for (let index = 0; index < count; index++) sections.push(readSection(file, strings, index));
  return sections;
}

function readSection(file: Bytes, strings: Bytes, index: number): ElfSection {
  const header = sectionHeader(file, index);
  return {
    name: index === 0 ? '' : strings.name(file.u32(header)),
    index,
    type: file.u32(header + 4),
    flags: file.u32(header + 8),
    bytes: index === 0 ? new Uint8Array(0) : sectionBytes(file, header),
  };
}

function sectionBytes(file: Bytes, header: number): Uint8Array {
  if (file.u32(header + 4) === SHT_NOBITS) return new Uint8Array(0);
  return file.slice(file.u64(header + 24), file.u64(header + 32));
}

/** Names of other symbols are not read. */
function readFunctions(table: Bytes, strings: Bytes, sections: readonly ElfSection[]): ElfFunction[] {
  const count = Math.floor(table.length / SYMBOL_SIZE);
  if (count > MAX_SYMBOLS) throw new LayoutError(`ELF file: ${count} symbols`);
  const functions: ElfFunction[] = [];
  for (let at = 0; at < count * SYMBOL_SIZE; at += SYMBOL_SIZE) {
    const info = table.u8(at + 4);
    const section = sections[table.u16(at + 6)];
    if ((info & 15) !== STT_FUNC || info >> 4 === STB_LOCAL || !section || section.index === 0) continue;
    functions.push({ name: strings.name(table.u32(at)), section });
  }
  return functions;
}
