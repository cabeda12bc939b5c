/** Layouts made by hand or at random, for tests that need no compiler. */
import fc from 'fast-check';
import type { Field, StructLayout, ValueType } from '../../src/btf/shape.js';

export const u = (size: number, typedef?: string): ValueType => ({ kind: 'int', size, signed: false, ...(typedef ? { typedef } : {}) });
export const s = (size: number): ValueType => ({ kind: 'int', size, signed: true });
export const bool: ValueType = { kind: 'int', size: 1, signed: false, bool: true };
export const text = (length: number): ValueType => ({ kind: 'bytes', size: length, length, signed: true, text: true });
export const raw = (length: number): ValueType => ({ kind: 'bytes', size: length, length, signed: false });
export const nested = (struct: StructLayout): ValueType => ({ kind: 'struct', size: struct.size, signed: false, struct });
export const enumeration: ValueType = { kind: 'enum', size: 4, signed: false, enumName: 'e' };

export function arrayOf(element: ValueType, length: number): ValueType {
  return { kind: 'array', size: element.size * length, signed: element.signed, length, element };
}

/** Fields one after the other. */
export function layoutOf(name: string, types: Readonly<Record<string, ValueType>>): StructLayout {
  let size = 0;
  const fields: Field[] = Object.entries(types).map(([name, type]) => {
    const field = { name, offset: size, ...type };
    size += type.size;
    return field;
  });
  return { name, size, fields };
}

const scalar: fc.Arbitrary<ValueType> = fc.oneof(
  fc.constantFrom(1, 2, 4, 8).map((size) => u(size)),
  fc.constantFrom(1, 2, 4, 8).map((size) => s(size)),
  fc.constantFrom('ktrace_addr', 'ktrace_id64', 'ktrace_ns', 'ktrace_count').map((typedef) => u(8, typedef)),
  fc.constant(bool),
  fc.constant(enumeration),
);

const simple: fc.Arbitrary<ValueType> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.tuple(scalar.filter(({ size }) => size > 1), fc.integer({ min: 1, max: 9 })).map(([element, n]) => arrayOf(element, n)) },
  { weight: 1, arbitrary: fc.constantFrom(3, 16, 24).map(text) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }).map(raw) },
);

function structOf(type: fc.Arbitrary<ValueType>): fc.Arbitrary<StructLayout> {
  return fc.array(type, { minLength: 1, maxLength: 6 }).map((types) => layoutOf('x', Object.fromEntries(types.map((type, i) => [`field_${i}`, type]))));
}

/** A sound layout, with structs and arrays of structs one level deep. */
export const anyLayout: fc.Arbitrary<StructLayout> = structOf(
  fc.oneof({ weight: 5, arbitrary: simple }, { weight: 1, arbitrary: structOf(simple).map(nested) }, { weight: 1, arbitrary: structOf(simple).map((layout) => arrayOf(nested(layout), 2)) }),
);
