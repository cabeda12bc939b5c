import { LayoutError } from './error.js';
import { camelCase, isPadding } from './names.js';
import type { StructLayout, ValueType } from './shape.js';

/**
 * The inverse of a decoder: bytes of a struct from an object with exactly the properties that the decoder gives.
 * Integers may be number or bigint. Padding is 0. Throws LayoutError for a missing or unknown property or a value that does not fit.
 */
export function structWriter(layout: StructLayout): (value: object) => Uint8Array {
  return (value) => {
    const bytes = new Uint8Array(layout.size);
    writeStruct(bytes, 0, layout, value);
    return bytes;
  };
}

/** Bytes of one value, such as a `const volatile` option. `where` names it in errors. */
export function encodeValue(type: ValueType, value: unknown, where: string): Uint8Array {
  const bytes = new Uint8Array(type.size);
  writeValue(bytes, 0, type, value, where);
  return bytes;
}

function writeStruct(bytes: Uint8Array, base: number, layout: StructLayout, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new LayoutError(`struct ${layout.name}: ${typeof value} is not an object`);
  const properties = new Map<string, unknown>(Object.entries(value));
  for (const field of layout.fields) {
    if (isPadding(field.name)) continue;
    const property = camelCase(field.name);
    const where = `struct ${layout.name}: ${property}`;
    if (!properties.has(property)) throw new LayoutError(`${where} is missing`);
    writeValue(bytes, base + field.offset, field, properties.get(property), where);
    properties.delete(property);
  }
  for (const property of properties.keys()) throw new LayoutError(`struct ${layout.name}: no field ${property}`);
}

function writeValue(bytes: Uint8Array, at: number, type: ValueType, value: unknown, where: string): void {
  if (type.kind === 'struct' && type.struct) writeStruct(bytes, at, type.struct, value);
  else if (type.kind === 'bytes') bytes.set(byteArray(type, value, where), at);
  else if (type.kind === 'array' && type.element) writeArray(bytes, at, type.element, type.length ?? 0, value, where);
  else writeInteger(bytes, at, type, value, where);
}

function writeArray(bytes: Uint8Array, at: number, element: ValueType, length: number, value: unknown, where: string): void {
  if (!Array.isArray(value) || value.length !== length) throw new LayoutError(`${where}: not an array of ${length}`);
  value.forEach((item: unknown, i) => writeValue(bytes, at + i * element.size, element, item, `${where}[${i}]`));
}

/** A string is cut off by nobody: it fits, or it is an error. */
function byteArray(type: ValueType, value: unknown, where: string): Uint8Array {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array)) throw new LayoutError(`${where}: neither string nor bytes`);
  if (bytes.length > type.size) throw new LayoutError(`${where}: ${bytes.length} bytes, room for ${type.size}`);
  return bytes;
}

function writeInteger(bytes: Uint8Array, at: number, type: ValueType, value: unknown, where: string): void {
  const integer = toBigInt(value, where);
  const bits = type.size * 8;
  const kept = type.signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer);
  if (kept !== integer || (type.bool && integer > 1n)) throw new LayoutError(`${where}: ${integer} does not fit`);
  for (let i = 0; i < type.size; i++) bytes[at + i] = Number((integer >> BigInt(8 * i)) & 0xffn);
}

function toBigInt(value: unknown, where: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new LayoutError(`${where}: ${typeof value} is not an integer`);
}
