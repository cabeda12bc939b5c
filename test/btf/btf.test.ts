import fc from 'fast-check';
import t from 'tap';
import { Btf } from '../../src/btf/btf.js';
import { enumValues } from '../../src/btf/enums.js';
import { globals } from '../../src/btf/globals.js';
import { layoutHash } from '../../src/btf/hash.js';
import { Kind } from '../../src/btf/kind.js';
import { structLayout } from '../../src/btf/layout.js';
import { readSchema } from '../../src/btf/schema.js';
import { btfBytes, btfOf, fixture, missing, run } from './object.js';
import { damaged, RUNS, valueOrLayoutError } from './fuzz.js';

/** What `bpftool btf dump -j` says of a type: the second opinion. */
interface Dumped {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly type_id?: number;
  readonly members?: readonly { readonly name: string; readonly type_id: number; readonly bits_offset: number; readonly bitfield_size?: number }[];
  readonly values?: readonly { readonly name: string; readonly val: string }[];
  readonly vars?: readonly { readonly type_id: number; readonly offset: number; readonly size: number }[];
  readonly nr_elems?: number;
}

/** A .BTF section from words of types and names, each name after a NUL. */
function tinyBtf(types: readonly number[], names = ''): Uint8Array {
  const strings = new TextEncoder().encode(`\0${names}\0`);
  const bytes = new Uint8Array(24 + types.length * 4 + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  [24, 0, types.length * 4, types.length * 4, strings.length].forEach((word, i) => view.setUint32(4 + i * 4, word, true));
  types.forEach((word, i) => view.setUint32(24 + i * 4, word, true));
  bytes.set(strings, 24 + types.length * 4);
  return bytes;
}

const info = (kind: number, entries = 0, flag = 0) => (((flag << 31) | (kind << 24) | entries) >>> 0);

t.test('every type agrees with bpftool', { skip: missing }, (t) => {
  const dump = run('bpftool', '-j', 'btf', 'dump', 'file', fixture().path, 'format', 'raw');
  // Negative constants are printed as 64-bit numbers, too large for JSON.parse.
  const { types } = JSON.parse(dump.replace(/"val":(-?\d+)/g, '"val":"$1"')) as { types: Dumped[] };
  const btf = btfOf(fixture().bytes);
  t.equal(btf.count, types.length + 1, 'number of types');
  t.ok(types.length > 50, 'the fixture has types of all sorts');
  for (const type of types) t.same(describe(btf, type), expectation(type), `type ${type.id}`);
  t.end();
});

function expectation({ kind, name, size, type_id, members, values, vars, nr_elems }: Dumped): object {
  return {
    kind,
    name: name === '(anon)' ? '' : name,
    ...(size === undefined ? {} : { size }),
    ...(type_id === undefined || kind === 'ARRAY' ? {} : { type_id }),
    ...(members ? { members: members.map((m) => [m.name === '(anon)' ? '' : m.name, m.type_id, m.bits_offset, m.bitfield_size ?? 0]) } : {}),
    ...(values ? { values: values.map(({ name, val }) => [name, Number(BigInt.asIntN(32, BigInt(val)))]) } : {}),
    ...(vars ? { vars: vars.map(({ type_id, offset, size }) => [type_id, offset, size]) } : {}),
    ...(nr_elems === undefined ? {} : { element: type_id, nr_elems }),
  };
}

/** The same facts as `like` has, from our reader. */
function describe(btf: Btf, like: Dumped): object {
  const { id } = like;
  const kinds = Object.entries(Kind);
  return {
    kind: kinds.find(([, kind]) => kind === btf.kind(id))?.[0],
    name: btf.name(id),
    ...(like.size === undefined ? {} : { size: btf.size(id) }),
    ...(like.type_id === undefined || like.kind === 'ARRAY' ? {} : { type_id: btf.target(id) }),
    ...(like.members ? { members: btf.members(id).map((m) => [m.name, m.type, m.bitOffset, m.bitSize]) } : {}),
    ...(like.values ? { values: btf.constants(id).map(({ name, value }) => [name, Number(value)]) } : {}),
    ...(like.vars ? { vars: btf.variables(id).map(({ type, offset, size }) => [type, offset, size]) } : {}),
    ...(like.nr_elems === undefined ? {} : { element: btf.array(id).element, nr_elems: btf.array(id).length }),
  };
}

t.test('constants of 64-bit enums are exact', (t) => {
  const unsigned = [1, info(Kind.ENUM64, 2), 8, 3, 0xffffffff, 0xffffffff, 5, 1, 1];
  const signed = [7, info(Kind.ENUM64, 1, 1), 8, 3, 0xffffffff, 0xffffffff];
  const btf = new Btf(tinyBtf([...unsigned, ...signed], 'e\0m\0o\0f'));
  t.same(btf.constants(1), [{ name: 'm', value: 2n ** 64n - 1n }, { name: 'o', value: 2n ** 32n + 1n }]);
  t.same(btf.constants(2), [{ name: 'm', value: -1n }]);
  t.same([btf.enumSigned(1), btf.enumSigned(2)], [false, true]);
  t.throws(() => enumValues(btf, 'e'), { name: 'LayoutError', message: 'enum e: m is above 2^53' });
  t.same([...enumValues(btf, 'f')], [['m', -1]]);
  t.end();
});

t.test('malformed sections are refused, with the reason', (t) => {
  const int = [1, info(Kind.INT), 4, 32];
  const header = (offset: number, value: number) => {
    const bytes = tinyBtf(int, 'x');
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };
  const refused: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(0), /lie outside/],
    ['big endian', tinyBtf(int).map((byte, i) => [0xeb, 0x9f][i] ?? byte), /bad magic/],
    ['short header', header(4, 8), /header of 8 bytes/],
    ['types past the end', header(12, 1000), /lie outside/],
    ['strings past the end', header(16, 0xffffffff), /lie outside/],
    ['unknown kind', tinyBtf([1, info(31), 0]), /unknown kind 31/],
    ['kind void', tinyBtf([1, info(0), 0]), /unknown kind 0/],
    ['members cut off', tinyBtf([1, info(Kind.STRUCT, 9), 8, 0]), /cut off/],
    ['half a type', tinyBtf([1, info(Kind.PTR)]), /more types than fit|lie outside/],
  ];
  for (const [name, bytes, message] of refused) t.throws(() => new Btf(bytes), { name: 'LayoutError', message }, name);
  t.end();
});

t.test('references that lead nowhere or in a circle are refused when they are followed', (t) => {
  const btf = new Btf(tinyBtf([1, info(Kind.TYPEDEF), 2, 1, info(Kind.TYPEDEF), 1, 1, info(Kind.CONST), 77], 'x'));
  t.throws(() => btf.resolve(1), { name: 'LayoutError', message: /nested too deep/ });
  t.throws(() => btf.resolve(3), { name: 'LayoutError', message: '.BTF: no type 77' });
  t.throws(() => btf.name(-1), { name: 'LayoutError' });
  t.throws(() => btf.size(0), { name: 'LayoutError' });
  t.end();
});

t.test('a struct that contains itself is refused', (t) => {
  const btf = new Btf(tinyBtf([1, info(Kind.STRUCT, 1), 8, 1, 1, 0], 'x'));
  t.throws(() => structLayout(btf, 'x'), { name: 'LayoutError', message: /nested deeper/ });
  t.end();
});

t.test('of two structs with one name neither is chosen', (t) => {
  const struct = [1, info(Kind.STRUCT, 0), 8];
  const btf = new Btf(tinyBtf([...struct, ...struct], 'x'));
  t.throws(() => structLayout(btf, 'x'), { name: 'LayoutError', message: '.BTF: two different types named x' });
  t.end();
});

t.test('a hostile object cannot make the reader slow', (t) => {
  // 65,528 fields of one byte, each an enum of 65,535 constants.
  const types: number[] = [1, info(Kind.STRUCT, 65_528), 65_528];
  for (let i = 0; i < 65_528; i++) types.push(1, 2, i * 8);
  types.push(1, info(Kind.ENUM, 65_535), 1);
  for (let i = 0; i < 65_535; i++) types.push(1, i);
  t.equal(structLayout(new Btf(tinyBtf(types, 'x')), 'x').fields.length, 65_528);
  t.end();
});

t.test('damaged sections give a schema, or LayoutError', { skip: missing }, (t) => {
  const property = fc.property(damaged(btfBytes(fixture().bytes)), (bytes) => valueOrLayoutError(() => readAll(new Btf(bytes))));
  t.doesNotThrow(() => fc.assert(property, RUNS));
  t.end();
});

function readAll(btf: Btf): void {
  valueOrLayoutError(() => {
    for (let id = 0; id < btf.count; id++) void [btf.kind(id), btf.name(id), btf.resolve(id)];
  });
  for (const section of ['.rodata', '.bss', '.data']) valueOrLayoutError(() => globals(btf, section).map((variable) => variable.type()));
  valueOrLayoutError(() => enumValues(btf, 'fixture_outcome'));
  layoutHash(readSchema(btf, 'fixture'));
}

t.test('variables that overlap or lie outside their section are refused', (t) => {
  const int = [1, info(Kind.INT), 4, 32];
  const variable = [3, info(Kind.VAR), 1, 1];
  const section = (size: number, ...entries: number[]) => new Btf(tinyBtf([...int, ...variable, 5, info(Kind.DATASEC, entries.length / 3), size, ...entries], 'i\0v\0.bss'));
  t.strictSame(globals(section(8, 2, 4, 4, 2, 0, 4), '.bss').map(({ name, offset, size }) => [name, offset, size]), [['v', 0, 4], ['v', 4, 4]]);
  const refused: [Btf, string][] = [
    [section(8, 2, 0, 4, 2, 3, 4), '.bss: v overlaps the variable before it'],
    [section(8, 2, 5, 4), '.bss: v ends after the 8 bytes of the section'],
    [section(0, 2, 0, 4), '.bss: no offsets yet; finish the object with `bpftool gen object`'],
    [section(8, 1, 0, 4), '.BTF: type 1 in a data section is not a variable'],
  ];
  for (const [btf, message] of refused) t.throws(() => globals(btf, '.bss'), { name: 'LayoutError', message }, message);
  t.throws(() => globals(section(8, 2, 0, 8), '.bss')[0]?.type(), { message: 'variable v: 8 bytes in its section, 4 by its type' });
  t.end();
});
