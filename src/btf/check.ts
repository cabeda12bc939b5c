import { LayoutError } from './error.js';
import type { Field, StructLayout, ValueType } from './shape.js';

const MAX_SIZE = 65_536;
const MAX_NESTING = 16;
const IDENTIFIER = /^[A-Za-z_]\w*$/;

/**
 * Layouts also come from recordings, which anybody may have written: throws LayoutError unless every name is an identifier, every
 * size a sane integer, and every value inside its struct. What passes may be compiled and read without further checks.
 */
export function checkLayout(layout: StructLayout, depth = 0): void {
  const { name, size } = layout;
  if (depth > MAX_NESTING) throw new LayoutError('layout: structs are nested too deep');
  if (typeof name !== 'string') throw new LayoutError('layout: struct without a name');
  if (!isCount(size, MAX_SIZE)) throw new LayoutError(`struct ${name}: size ${shown(size)}`);
  if (!Array.isArray(layout.fields)) throw new LayoutError(`struct ${name}: no fields`);
  for (const field of layout.fields) checkField(name, size, field, depth);
}

function checkField(struct: string, structSize: number, field: Field, depth: number): void {
  if (typeof field !== 'object' || field === null || typeof field.name !== 'string' || !IDENTIFIER.test(field.name)) {
    throw new LayoutError(`struct ${struct}: field without a valid name`);
  }
  const where = `struct ${struct}: field ${field.name}`;
  checkValue(field, where, depth);
  if (field.offset !== 0 && !isCount(field.offset, MAX_SIZE)) throw new LayoutError(`${where}: offset ${shown(field.offset)}`);
  if (field.offset + field.size > structSize) throw new LayoutError(`${where}: ends after the ${structSize} bytes of the struct`);
}

function checkValue(type: ValueType, where: string, depth: number): void {
  if (!isCount(type.size, MAX_SIZE) || type.size !== expectedSize(type, where, depth)) {
    throw new LayoutError(`${where}: ${shown(type.kind)} of ${shown(type.size)} bytes`);
  }
}

/** The size that follows from the parts of a type; checks the parts. */
function expectedSize(type: ValueType, where: string, depth: number): number | undefined {
  switch (type.kind) {
    case 'int':
    case 'enum':
      return [1, 2, 4, 8].find((size) => size === type.size && (type.bool !== true || size === 1));
    case 'bytes':
      return isCount(type.length, MAX_SIZE) ? type.length : undefined;
    case 'array':
      if (!type.element || !isCount(type.length, MAX_SIZE)) return undefined;
      if (type.element.kind === 'array') throw new LayoutError(`${where}: array of arrays`);
      checkValue(type.element, where, depth);
      return type.element.size * type.length;
    case 'struct':
      if (!type.struct) return undefined;
      checkLayout(type.struct, depth + 1);
      return type.struct.size;
    default:
      return undefined;
  }
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= max;
}

/** Of what may be anything, so that showing it cannot fail. */
function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : typeof value;
}
