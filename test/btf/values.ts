/** Random values that fit a layout, as a decoder would give them. */
import fc from 'fast-check';
import type { StructLayout, ValueType } from '../../src/btf/shape.js';

export function valueOf(layout: StructLayout): fc.Arbitrary<object> {
  const entries = layout.fields.map(({ name, ...type }) => [name.replace(/_(\d)/, '$1'), anyValue(type)] as const);
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true });
}

function anyValue(type: ValueType): fc.Arbitrary<unknown> {
  if (type.struct) return valueOf(type.struct);
  if (type.element) return fc.array(anyValue(type.element), { minLength: type.length ?? 0, maxLength: type.length ?? 0 });
  if (type.kind === 'bytes') return type.text ? anyText(type.size) : fc.uint8Array({ minLength: type.size, maxLength: type.size });
  if (type.bool) return fc.boolean();
  return anyInteger(type);
}

function anyText(size: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength: size }).map((text) => {
    let kept = '';
    for (const character of text) {
      if (character === '\0' || new TextEncoder().encode(kept + character).length > size) break;
      kept += character;
    }
    return kept;
  });
}

function anyInteger({ size, signed, typedef }: ValueType): fc.Arbitrary<number | bigint> {
  const bits = BigInt(size * 8 - (signed ? 1 : 0));
  const [min, max] = [signed ? -(1n << bits) : 0n, (1n << bits) - 1n];
  if (typedef === 'ktrace_addr' || typedef === 'ktrace_id64') return fc.bigInt({ min, max });
  const safe = 2n ** 53n;
  return fc.bigInt({ min: min < -safe ? -safe : min, max: max > safe ? safe : max }).map(Number);
}
