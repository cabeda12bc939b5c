import { Bytes } from './bytes.js';
import { LayoutError } from './error.js';
import { isAlias, Kind } from './kind.js';
import { indexTypes } from './type-index.js';

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
/** Typedefs and qualifiers on one type; bounds cycles in hostile input. */
const MAX_CHAIN = 64;
const FINDABLE: ReadonlySet<number> = new Set([Kind.STRUCT, Kind.ENUM, Kind.ENUM64, Kind.DATASEC]);
const AMBIGUOUS = -1;

export interface Member {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** 0 unless it is a bitfield. */
  readonly bitSize: number;
}

export interface Resolved {
  /** Id of the type below all typedefs and qualifiers. */
  readonly id: number;
  /** The outermost typedef whose name begins with `ktrace_`. */
  readonly typedef?: string;
}

/**
 * The `.BTF` section of an object. Only an index of type offsets is made at construction; the rest is read when asked.
 * Type ids count from 1; 0 is void. Every method throws LayoutError on malformed input.
 * Source: Documentation/bpf/btf.rst of the kernel.
 */
export class Btf {
  /** Number of types, void included. */
  readonly count: number;
  private readonly types: Bytes;
  private readonly strings: Bytes;
  private readonly offsets: Uint32Array;
  private byName: Map<string, number> | undefined;
  private readonly signedEnums = new Map<number, boolean>();

  constructor(section: Uint8Array) {
    const header = new Bytes(section, '.BTF');
    if (header.u16(0) !== MAGIC || header.u8(2) !== 1) throw new LayoutError('.BTF: bad magic or version');
    const start = header.u32(4);
    if (start < HEADER_SIZE) throw new LayoutError(`.BTF: header of ${start} bytes`);
    this.types = new Bytes(header.slice(start + header.u32(8), header.u32(12)), '.BTF types');
    this.strings = new Bytes(header.slice(start + header.u32(16), header.u32(20)), '.BTF strings');
    this.offsets = indexTypes(this.types);
    this.count = this.offsets.length;
  }

  kind(id: number): number {
    return id === 0 ? Kind.VOID : (this.types.u32(this.at(id) + 4) >>> 24) & 0x1f;
  }

  name(id: number): string {
    return id === 0 ? '' : this.strings.name(this.types.u32(this.at(id)));
  }

  /** Id of the only struct, enum or data section of that name; undefined when there is none, LayoutError when there are several. */
  find(kind: number, name: string): number | undefined {
    this.byName ??= this.indexNames();
    const id = this.byName.get(`${kind} ${name}`);
    if (id === AMBIGUOUS) throw new LayoutError(`.BTF: two different types named ${name}`);
    return id;
  }

  /** Declared size in bytes of an int, struct, union, enum, float or section. */
  size(id: number): number {
    return this.types.u32(this.at(id) + 8);
  }

  /** The type that a pointer, typedef, qualifier, function or variable refers to. */
  target(id: number): number {
    return this.types.u32(this.at(id) + 8);
  }

  /** Encoding of an int: bits 0x1 signed, 0x2 char, 0x4 bool. */
  intEncoding(id: number): number {
    return (this.types.u32(this.at(id) + 12) >>> 24) & 0xf;
  }

  array(id: number): { readonly element: number; readonly length: number } {
    const at = this.at(id);
    return { element: this.types.u32(at + 12), length: this.types.u32(at + 20) };
  }

  /** 0 static, 1 global, 2 extern. */
  linkage(id: number): number {
    return this.types.u32(this.at(id) + 12);
  }

  /** Members of a struct or union. */
  members(id: number): Member[] {
    const bitfields = this.flag(id);
    return this.entries(id, 12, (at) => {
      const where = this.types.u32(at + 8);
      return {
        name: this.strings.name(this.types.u32(at)),
        type: this.types.u32(at + 4),
        bitOffset: bitfields ? where & 0xffffff : where,
        bitSize: bitfields ? where >>> 24 : 0,
      };
    });
  }

  /** Constants of an enum or enum64, exact. */
  constants(id: number): { readonly name: string; readonly value: bigint }[] {
    const wide = this.kind(id) === Kind.ENUM64;
    const bits = wide ? 64 : 32;
    // clang before 15 has no sign flag for 32 bits: those are read as signed, whichever compiler made them.
    const signed = !wide || this.flag(id);
    return this.entries(id, wide ? 12 : 8, (at) => {
      const raw = BigInt(this.types.u32(at + 4)) | (wide ? BigInt(this.types.u32(at + 8)) << 32n : 0n);
      const value = signed ? BigInt.asIntN(bits, raw) : raw;
      return { name: this.strings.name(this.types.u32(at)), value };
    });
  }

  /** Variables of a data section. Offsets are 0 until the object was finished by a linker. */
  variables(id: number): { readonly type: number; readonly offset: number; readonly size: number }[] {
    return this.entries(id, 12, (at) => ({
      type: this.types.u32(at),
      offset: this.types.u32(at + 4),
      size: this.types.u32(at + 8),
    }));
  }

  /** Walk down typedefs, qualifiers and type tags. */
  resolve(id: number): Resolved {
    let typedef: string | undefined;
    for (let steps = 0; steps < MAX_CHAIN; steps++) {
      const kind = this.kind(id);
      if (!isAlias(kind)) return typedef === undefined ? { id } : { id, typedef };
      if (kind === Kind.TYPEDEF && typedef === undefined) typedef = this.unitName(id);
      id = this.target(id);
    }
    throw new LayoutError(`.BTF: typedefs of type ${id} are nested too deep`);
  }

  /** Whether some constant is negative. The answer is kept: a hostile struct could ask for each of its many fields. */
  enumSigned(id: number): boolean {
    let signed = this.signedEnums.get(id);
    if (signed === undefined) {
      const wide = this.kind(id) === Kind.ENUM64;
      const high = wide ? 8 : 4;
      const negative = this.entries(id, wide ? 12 : 8, (at) => this.types.i32(at + high) < 0);
      signed = negative.includes(true) && (!wide || this.flag(id));
      this.signedEnums.set(id, signed);
    }
    return signed;
  }

  /** Number of members, constants, parameters or variables. */
  entryCount(id: number): number {
    return this.types.u32(this.at(id) + 4) & 0xffff;
  }

  private unitName(id: number): string | undefined {
    return this.strings.startsWith(this.types.u32(this.at(id)), 'ktrace_') ? this.name(id) : undefined;
  }

  private indexNames(): Map<string, number> {
    const index = new Map<string, number>();
    for (let id = 1; id < this.count; id++) {
      const kind = this.kind(id);
      if (!FINDABLE.has(kind)) continue;
      const key = `${kind} ${this.name(id)}`;
      index.set(key, index.has(key) ? AMBIGUOUS : id);
    }
    return index;
  }

  private at(id: number): number {
    const offset = id === 0 ? undefined : this.offsets[id];
    if (offset === undefined) throw new LayoutError(`.BTF: no type ${id}`);
    return offset;
  }

  private flag(id: number): boolean {
    return this.types.u32(this.at(id) + 4) >>> 31 === 1;
  }

  private entries<T>(id: number, size: number, read: (at: number) => T): T[] {
    const first = this.at(id) + 12;
    return Array.from({ length: this.entryCount(id) }, (_, i) => read(first + i * size));
  }
}
