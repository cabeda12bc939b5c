import type { Btf, Member } from './btf.js';
import { LayoutError } from './error.js';
import { Kind } from './kind.js';
import type { Field, StructLayout, ValueType } from './shape.js';

const MAX_SIZE = 65_536;
const MAX_NESTING = 8;
const INT_BOOL = 4;
const INT_SIGNED = 1;
const IDENTIFIER = /^[A-Za-z_]\w*$/;

/** Structs read so far: each is read once, however often a hostile object nests it. */
const structs = new WeakMap<Btf, Map<number, StructLayout>>();

/**
 * Layout of a struct that the kernel side shares with user space. Throws LayoutError, naming struct and field, when the struct
 * is missing or breaks a rule: no implicit padding, bitfields, pointers, unions or floats, and a size that is a multiple of 8.
 */
export function structLayout(btf: Btf, name: string): StructLayout {
  const id = btf.find(Kind.STRUCT, name);
  if (id === undefined) throw new LayoutError(`struct ${name}: not in the object's BTF`);
  const layout = structAt(btf, id, 0);
  if (layout.size % 8 !== 0) throw new LayoutError(`struct ${name}: size ${layout.size} is not a multiple of 8`);
  return layout;
}

/**
 * Type of one value: a variable, or the key or value of a map. `where` begins the text of every LayoutError.
 * `depth` counts the structs around it.
 */
export function valueType(btf: Btf, type: number, where: string, depth = 0): ValueType {
  const { id, typedef } = btf.resolve(type);
  const unit = typedef === undefined ? {} : { typedef };
  switch (btf.kind(id)) {
    case Kind.INT:
      return { ...readInt(btf, id, where), ...unit };
    case Kind.ENUM:
    case Kind.ENUM64:
      return { ...readEnum(btf, id, where), ...unit };
    case Kind.ARRAY:
      return { ...readArray(btf, id, where, depth), ...unit };
    case Kind.STRUCT: {
      if (btf.name(id) === '') throw new LayoutError(`${where}: struct without a name cannot be shared with user space`);
      const struct = structAt(btf, id, depth);
      return { kind: 'struct', size: struct.size, signed: false, struct, ...unit };
    }
    default:
      throw new LayoutError(`${where}: ${kindName(btf.kind(id))} cannot be shared with user space`);
  }
}

function structAt(btf: Btf, id: number, depth: number): StructLayout {
  const known = structs.get(btf) ?? new Map<number, StructLayout>();
  structs.set(btf, known);
  const layout = known.get(id) ?? readStruct(btf, id, depth);
  known.set(id, layout);
  return layout;
}

function readStruct(btf: Btf, id: number, depth: number): StructLayout {
  const name = btf.name(id);
  const size = btf.size(id);
  if (depth > MAX_NESTING) throw new LayoutError(`struct ${name}: nested deeper than ${MAX_NESTING}`);
  if (size === 0 || size > MAX_SIZE) throw new LayoutError(`struct ${name}: size ${size} is not within 1..${MAX_SIZE}`);
  const fields: Field[] = [];
  let end = 0;
  for (const member of btf.members(id)) {
    const field = readField(btf, member, name, end, depth);
    end = field.offset + field.size;
    if (end > size) throw new LayoutError(`struct ${name}: field ${field.name} ends after its ${size} bytes`);
    fields.push(field);
  }
  if (end !== size) throw new LayoutError(`struct ${name}: ${size - end} bytes of implicit padding at the end`);
  return { name, size, fields };
}

function readField(btf: Btf, member: Member, struct: string, end: number, depth: number): Field {
  const { name } = member;
  const where = `struct ${struct}: field ${name}`;
  if (!IDENTIFIER.test(name)) throw new LayoutError(`struct ${struct}: field without a valid name at bit ${member.bitOffset}`);
  if (member.bitSize !== 0 || member.bitOffset % 8 !== 0) throw new LayoutError(`${where}: bitfield`);
  const offset = member.bitOffset / 8;
  if (offset > end) throw new LayoutError(`${where}: ${offset - end} bytes of implicit padding before it`);
  if (offset < end) throw new LayoutError(`${where}: overlaps the field before it`);
  return { name, offset, ...valueType(btf, member.type, where, depth + 1) };
}

function readInt(btf: Btf, id: number, where: string): ValueType {
  const size = powerOfTwo(btf.size(id), where);
  const encoding = btf.intEncoding(id);
  const bool = (encoding & INT_BOOL) !== 0;
  if (bool && size !== 1) throw new LayoutError(`${where}: bool of ${size} bytes`);
  return { kind: 'int', size, signed: (encoding & INT_SIGNED) !== 0, ...(bool ? { bool } : {}) };
}

function readEnum(btf: Btf, id: number, where: string): ValueType {
  const size = powerOfTwo(btf.size(id), where);
  const name = btf.name(id);
  return { kind: 'enum', size, signed: btf.enumSigned(id), ...(name === '' ? {} : { enumName: name }) };
}

function readArray(btf: Btf, id: number, where: string, depth: number): ValueType {
  const array = btf.array(id);
  const { length } = array;
  // The limit on length comes first, so that a hostile array of arrays of structs costs nothing.
  if (length === 0 || length > MAX_SIZE) throw new LayoutError(`${where}: array of ${length} elements`);
  const resolved = btf.resolve(array.element);
  if (btf.kind(resolved.id) === Kind.ARRAY) throw new LayoutError(`${where}: array of arrays`);
  const element = valueType(btf, array.element, where, depth);
  const size = length * element.size;
  if (size > MAX_SIZE) throw new LayoutError(`${where}: array of ${size} bytes`);
  const common = { size, signed: element.signed, length, ...(element.typedef === undefined ? {} : { typedef: element.typedef }) };
  if (element.kind !== 'int' || element.size !== 1) return { kind: 'array', ...common, element };
  const text = btf.name(resolved.id) === 'char' && element.typedef !== 'ktrace_raw';
  return { kind: 'bytes', ...common, ...(text ? { text } : {}) };
}

function powerOfTwo(size: number, where: string): number {
  if (![1, 2, 4, 8].includes(size)) throw new LayoutError(`${where}: integer of ${size} bytes`);
  return size;
}

function kindName(kind: number): string {
  if (kind === Kind.PTR) return 'pointer';
  if (kind === Kind.VOID) return 'void';
  const entry = Object.entries(Kind).find(([, value]) => value === kind);
  return (entry?.[0] ?? `kind ${kind}`).toLowerCase();
}
