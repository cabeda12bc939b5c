import { checkLayout } from './check.js';
import { LayoutError } from './error.js';
import { camelCase, isPadding } from './names.js';
import type { Field, StructLayout, ValueType } from './shape.js';
import { decodeText, internedText } from './text.js';

/** Reads one struct at `offset` bytes of `view`. Throws LayoutError when it does not lie inside. */
export type Decoder<T> = (view: DataView, offset: number) => T;

export interface DecoderOptions {
  /** 16-byte names share one string object per name; true unless set to false. */
  readonly intern?: boolean;
}

const BIGINT_TYPEDEFS: ReadonlySet<string | undefined> = new Set(['ktrace_addr', 'ktrace_id64']);
const COMM_SIZE = 16;
const TWO_32 = 2 ** 32;

/** What compiled code may call. */
interface Runtime {
  bytes(view: DataView, offset: number, length: number): Uint8Array;
  text(view: DataView, offset: number, length: number): string;
  comm(view: DataView, offset: number, length: number): string;
  outside(name: string, size: number, view: DataView, offset: number): never;
}

/**
 * Compile a decoder: straight-line code over the offsets of the layout, several times faster than interpreting it.
 * Properties are the fields' names in camelCase, without padding. Integers are numbers (64-bit ones rounded above 2^53: only counters
 * and times get there), or bigint when their typedef is ktrace_addr or ktrace_id64; bool is boolean; char arrays are strings up to the
 * first NUL; byte arrays are copies; other arrays and nested structs are arrays and objects.
 * Throws LayoutError when the layout is not sound or two fields share a property. `T` is trusted: take it from `src/generated/`.
 */
export function compileDecoder<T>(layout: StructLayout, options: DecoderOptions = {}): Decoder<T> {
  checkLayout(layout);
  const helpers: string[] = [];
  const result = objectExpression(layout, 'o', 0, helpers);
  const name = JSON.stringify(layout.name);
  const source = `${helpers.join('\n')}
return function decode(v, o) {
  if (!(o >= 0 && o + ${layout.size} <= v.byteLength)) k.outside(${name}, ${layout.size}, v, o);
  return ${result};
};`;
  // The table of names is 100 KB: only for decoders that use it.
  const intern = (options.intern ?? true) && source.includes('k.comm(');
  return new Function('k', source)(makeRuntime(intern)) as Decoder<T>;
}

function makeRuntime(intern: boolean): Runtime {
  const text = (view: DataView, offset: number, length: number) => decodeText(window(view, offset, length));
  return {
    bytes: (view, offset, length) => window(view, offset, length).slice(),
    text,
    comm: intern ? internedText() : text,
    outside(name, size, view, offset) {
      throw new LayoutError(`struct ${name}: ${size} bytes at ${offset} lie outside the ${view.byteLength} bytes at hand`);
    },
  };
}

function window(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length);
}

/** Checked before: nothing but identifiers and numbers reaches the compiled source. */
function objectExpression(layout: StructLayout, base: string, shift: number, helpers: string[]): string {
  const seen = new Set<string>();
  const properties = layout.fields.filter(({ name }) => !isPadding(name)).map((field) => {
    const property = propertyName(layout, field, seen);
    return `${property}: ${valueExpression(field, base, shift + field.offset, helpers)}`;
  });
  return `{ ${properties.join(', ')} }`;
}

function propertyName(layout: StructLayout, field: Field, seen: Set<string>): string {
  const property = camelCase(field.name);
  if (seen.has(property)) throw new LayoutError(`struct ${layout.name}: two fields are named ${property} in JavaScript`);
  seen.add(property);
  return property;
}

function valueExpression(type: ValueType, base: string, shift: number, helpers: string[]): string {
  const at = `${base} + ${shift}`;
  if (type.kind === 'struct' && type.struct) return objectExpression(type.struct, base, shift, helpers);
  if (type.kind === 'bytes') return bytesExpression(type, at);
  if (type.kind === 'array' && type.element) return `${arrayHelper(type.element, type.length ?? 0, helpers)}(v, ${at})`;
  return integerExpression(type, at);
}

function bytesExpression(type: ValueType, at: string): string {
  if (type.text !== true) return `k.bytes(v, ${at}, ${type.size})`;
  return `k.${type.size === COMM_SIZE ? 'comm' : 'text'}(v, ${at}, ${type.size})`;
}

/** A loop in a function of its own, shared by nothing: V8 inlines it where it is hot. */
function arrayHelper(element: ValueType, length: number, helpers: string[]): string {
  const body = valueExpression(element, 'o', 0, helpers);
  const name = `a${helpers.length}`;
  helpers.push(`function ${name}(v, o) {
  const list = new Array(${length});
  for (let i = 0; i < ${length}; i++, o += ${element.size}) list[i] = ${body};
  return list;
}`);
  return name;
}

function integerExpression(type: ValueType, at: string): string {
  const sign = type.signed ? 'Int' : 'Uint';
  if (type.bool) return `v.getUint8(${at}) !== 0`;
  if (type.size === 1) return `v.get${sign}8(${at})`;
  if (type.size < 8) return `v.get${sign}${type.size * 8}(${at}, true)`;
  if (BIGINT_TYPEDEFS.has(type.typedef)) return `v.getBig${sign}64(${at}, true)`;
  return `v.getUint32(${at}, true) + v.get${sign}32(${at} + 4, true) * ${TWO_32}`;
}
