import type { Schema } from './schema.js';
import type { StructLayout, ValueType } from './shape.js';

const RINGBUF = 27; // BPF_MAP_TYPE_RINGBUF: shared, without rows

/**
 * Hash of all layout facts of a schema: structs, enums, options and shared maps. Equal hashes mean that generated types and decoders fit
 * the object. 16 hexadecimal digits. The offsets of options are left out: they are read from the object each time.
 */
export function layoutHash(schema: Schema): string {
  return fnv1a64(canonicalText(schema));
}

/** FNV-1a, 64 bits, over the low bytes of the text's code units (ours are ASCII). Not for secrets: it finds drift, not attackers. */
export function fnv1a64(text: string): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let i = 0; i < text.length; i++) {
    low = (low ^ (text.charCodeAt(i) & 0xff)) >>> 0;
    // Times the prime 2^40 + 0x1b3, modulo 2^64; every product stays below 2^53.
    const product = low * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + ((low << 8) >>> 0)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function canonicalText({ structs, enums, options, maps }: Schema): string {
  return [
    ...structs.map(structText),
    ...enums.map(({ name, values }) => `enum ${name}: ${[...values].map(([constant, value]) => `${constant}=${value}`).join(' ')}`),
    ...options.map(({ name, type }) => `option ${name}: ${typeText(type)}`),
    ...maps.filter(({ type, key }) => key || type === RINGBUF).map(({ name, type, key, value }) => `map ${name}: ${type} ${sideText(key)} ${sideText(value)}`),
  ].join('\n');
}

function structText({ name, size, fields }: StructLayout): string {
  return [`struct ${name} ${size}`, ...fields.map((field) => `${field.offset} ${field.name} ${typeText(field)}`)].join('\n');
}

function sideText(layout: StructLayout | undefined): string {
  if (!layout) return '-';
  return layout.scalar ? layout.fields.map(typeText).join() : layout.name;
}

function typeText(type: ValueType): string {
  const kind = type.bool ? 'bool' : type.text ? 'text' : type.kind;
  const of = type.struct?.name ?? type.enumName ?? (type.element ? typeText(type.element) : '');
  return `${kind}${type.signed ? '-' : ''}${type.size}(${of})${type.typedef ?? ''}`;
}
