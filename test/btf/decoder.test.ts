import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { compileDecoder, type Decoder } from '../../src/btf/decoder.js';
import { LayoutError } from '../../src/btf/error.js';
import { structLayout } from '../../src/btf/layout.js';
import type { StructLayout } from '../../src/btf/shape.js';
import { encodeValue, structWriter } from '../../src/btf/writer.js';
import { RUNS, valueOrLayoutError } from './fuzz.js';
import { anyLayout, arrayOf, bool, enumeration, layoutOf, nested, raw, s, text, u } from './layouts.js';
import { btfOf, fixture, missing } from './object.js';
import { valueOf } from './values.js';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function decode(layout: StructLayout, bytes: Uint8Array): unknown {
  return compileDecoder<unknown>(layout)(viewOf(bytes), 0);
}

t.test('each kind of field becomes the value it stands for', (t) => {
  const inner = layoutOf('inner', { tid: u(4, 'ktrace_tid'), op: enumeration });
  const layout = layoutOf('all', {
    tiny: s(1), last: bool, port: u(2), wait_ns: u(8, 'ktrace_ns'), uaddr: u(8, 'ktrace_addr'), delta: s(8), comm: text(16),
    evidence: raw(3), _reserved: raw(1), slots: arrayOf(u(8, 'ktrace_count'), 2), key: nested(inner), both: arrayOf(nested(inner), 2),
  });
  const bytes = new Uint8Array(layout.size);
  const view = viewOf(bytes);
  view.setInt8(0, -1);
  view.setUint8(1, 1);
  view.setUint16(2, 65_535, true);
  view.setBigUint64(4, 2n ** 40n + 5n, true);
  view.setBigUint64(12, 2n ** 53n + 1n, true);
  view.setBigInt64(20, -3n, true);
  bytes.set(new TextEncoder().encode('worker\0old'), 28);
  bytes.set([7, 8, 9, 255], 44);
  view.setBigUint64(56, 23n, true);
  [1, 2, 3, 4, 5, 6].forEach((word, i) => view.setUint32(64 + 4 * i, word, true));
  t.strictSame(decode(layout, bytes), {
    tiny: -1, last: true, port: 65_535, waitNs: 2 ** 40 + 5, uaddr: 9007199254740993n, delta: -3, comm: 'worker',
    evidence: new Uint8Array([7, 8, 9]), slots: [0, 23], key: { tid: 1, op: 2 }, both: [{ tid: 3, op: 4 }, { tid: 5, op: 6 }],
  });
  t.end();
});

t.test('64-bit values keep every bit as bigint, and are rounded as number', (t) => {
  const layout = layoutOf('x', { addr: u(8, 'ktrace_addr'), id: u(8, 'ktrace_id64'), total_ns: u(8, 'ktrace_ns'), delta: s(8) });
  for (const value of [0n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const bytes = new Uint8Array(32);
    for (let at = 0; at < 32; at += 8) viewOf(bytes).setBigUint64(at, value, true);
    t.strictSame(decode(layout, bytes), { addr: value, id: value, totalNs: Number(value), delta: Number(BigInt.asIntN(64, value)) }, `${value}`);
  }
  t.end();
});

t.test('bytes are copies: a batch buffer may be used again', (t) => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const value = decode(layoutOf('x', { raw: raw(4) }), bytes) as { raw: Uint8Array };
  bytes.fill(0);
  t.strictSame([...value.raw], [1, 2, 3, 4]);
  t.equal(value.raw.buffer.byteLength, 4, 'no larger buffer is kept alive');
  t.end();
});

t.test('truncated input is refused at every offset', (t) => {
  const read: Decoder<unknown> = compileDecoder(layoutOf('x', { a: u(8), b: u(8) }));
  const view = viewOf(new Uint8Array(20));
  t.strictSame(read(view, 4), { a: 0, b: 0 });
  for (const offset of [5, 19, 20, 1e9, -1, NaN, Infinity]) {
    t.throws(() => read(view, offset), { name: 'LayoutError', message: `struct x: 16 bytes at ${offset} lie outside the 20 bytes at hand` });
  }
  t.end();
});

t.test('names become camelCase, and two fields with one name are refused', (t) => {
  t.strictSame(decode(layoutOf('x', { a_b_cd: u(1), HIGH: u(1), v2_x: u(1) }), new Uint8Array(3)), { aBCd: 0, HIGH: 0, v2X: 0 });
  const twice = layoutOf('x', { wait_ns: u(1), waitNs: u(1) });
  t.throws(() => compileDecoder(twice), { name: 'LayoutError', message: 'struct x: two fields are named waitNs in JavaScript' });
  t.end();
});

t.test('a layout from a hostile recording compiles to nothing but reads inside its struct', (t) => {
  const sound = { name: 'a', offset: 0, ...u(4) };
  const hostile: Record<string, object> = {
    'code as a name': { name: 'a: evil()', size: 8, fields: [{ ...sound, name: 'a: process.exit(1)' }] },
    'code as an offset': { name: 'x', size: 8, fields: [{ ...sound, offset: '0, true) + evil(' }] },
    'code as a size': { name: 'x', size: '8) || evil(', fields: [sound] },
    'code as a length': { name: 'x', size: 8, fields: [{ ...sound, kind: 'array', length: '1; evil()', element: u(4) }] },
    'a field past the end': { name: 'x', size: 8, fields: [{ ...sound, offset: 6 }] },
    'a negative offset': { name: 'x', size: 8, fields: [{ ...sound, offset: -4 }] },
    'an odd size': { name: 'x', size: 8, fields: [{ ...sound, size: 3 }] },
    'an unknown kind': { name: 'x', size: 8, fields: [{ ...sound, kind: 'float' }] },
    'an array longer than its size': { name: 'x', size: 8, fields: [{ ...sound, kind: 'array', length: 1e6, element: u(4) }] },
    'an array without elements': { name: 'x', size: 8, fields: [{ ...sound, kind: 'array', length: 1 }] },
    'no fields': { name: 'x', size: 8 },
    'no field': { name: 'x', size: 8, fields: [null] },
    'a huge struct': { name: 'x', size: 1e9, fields: [] },
  };
  for (const [what, layout] of Object.entries(hostile)) t.throws(() => compileDecoder(layout as StructLayout), { name: 'LayoutError' }, what);
  let deep: StructLayout = layoutOf('x', { a: u(4) });
  for (let i = 0; i < 5000; i++) deep = layoutOf('x', { a: nested(deep) });
  t.throws(() => compileDecoder(deep), { name: 'LayoutError', message: /too deep/ });
  t.end();
});

t.test('what the writer writes, the decoder reads', (t) => {
  const pair = anyLayout.chain((layout) => fc.tuple(fc.constant(layout), valueOf(layout)));
  const property = fc.property(pair, ([layout, value]) => deepStrictEqual(decode(layout, structWriter(layout)(value)), value));
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});

t.test('a real struct goes through the writer and back', { skip: missing }, (t) => {
  const layout = structLayout(btfOf(fixture().bytes), 'fixture_event');
  const key = { address: 2n ** 64n - 1n, tid: 23, outcome: -3 };
  const value = {
    key, waitNs: 1e15, cgroupId: 2n ** 63n + 1n, delta: -1, error: -110, port: 443, level: -7, last: true, comm: 'exactly 16 bytes',
    path: '/tmp/é', evidence: new Uint8Array(8).fill(200), histogram: [1, 2, 3, 5, 7], steps: [-1, 0, 1], seen: [key, key], lost: 4711,
  };
  t.strictSame(decode(layout, structWriter(layout)(value)), value);
  t.end();
});

t.test('a value that does not fit is refused, not cut', (t) => {
  const write = structWriter(layoutOf('x', { tid: u(4), comm: text(16), _pad: raw(4), slots: arrayOf(u(2), 2), last: bool }));
  const good = { tid: 1, comm: 'a', slots: [1, 2], last: false };
  t.strictSame([...write(good)], [1, 0, 0, 0, 97, ...new Array<number>(19).fill(0), 1, 0, 2, 0, 0]);
  const bad: [object, string][] = [
    [{ ...good, tid: 2 ** 32 }, 'struct x: tid: 4294967296 does not fit'],
    [{ ...good, tid: -1 }, 'struct x: tid: -1 does not fit'],
    [{ ...good, tid: 1.5 }, 'struct x: tid: number is not an integer'],
    [{ ...good, tid: '1' }, 'struct x: tid: string is not an integer'],
    [{ ...good, comm: 'seventeen letters' }, 'struct x: comm: 17 bytes, room for 16'],
    [{ ...good, slots: [1] }, 'struct x: slots: not an array of 2'],
    [{ ...good, slots: [1, 65_536] }, 'struct x: slots[1]: 65536 does not fit'],
    [{ ...good, last: 2 }, 'struct x: last: 2 does not fit'],
    [{ ...good, tgid: 1 }, 'struct x: no field tgid'],
    [{ comm: 'a' }, 'struct x: tid is missing'],
  ];
  for (const [value, message] of bad) t.throws(() => write(value), { name: 'LayoutError', message });
  t.strictSame([...encodeValue(u(8, 'ktrace_ns'), 2n ** 64n - 2n, 'option min_wait_ns')], [254, 255, 255, 255, 255, 255, 255, 255]);
  t.end();
});

t.test('random bytes of any length give a value, or LayoutError', (t) => {
  const decoders = fc.sample(anyLayout, 50).map((layout) => compileDecoder<unknown>(layout));
  const property = fc.property(fc.nat({ max: 49 }), fc.uint8Array({ maxLength: 300 }), fc.integer({ min: -8, max: 300 }), (i, bytes, offset) =>
    valueOrLayoutError(() => decoders[i]?.(viewOf(bytes), offset)),
  );
  t.doesNotThrow(() => fc.assert(property, RUNS));
  t.end();
});

t.test('random JSON in place of a layout gives a decoder, or LayoutError', (t) => {
  const part = fc.oneof(fc.constantFrom('int', 'bytes', 'array', 'struct', 'a'), fc.integer({ min: -1, max: 16 }), fc.jsonValue());
  const field = fc.record({ name: part, kind: part, offset: part, size: part, length: part, element: part, struct: part }, { requiredKeys: [] });
  const layout = fc.record({ name: part, size: part, fields: fc.oneof(fc.array(field), part) }, { requiredKeys: [] });
  t.throws(() => compileDecoder({ name: 'int', size: [{ toString: false }] } as unknown as StructLayout), LayoutError, 'a size that cannot even be shown');
  t.doesNotThrow(() => fc.assert(fc.property(layout, (value) => valueOrLayoutError(() => compileDecoder(value as unknown as StructLayout))), RUNS));
  t.end();
});
