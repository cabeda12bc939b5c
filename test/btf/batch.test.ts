import fc from 'fast-check';
import t from 'tap';
import { decodeBatch, readRows } from '../../src/btf/batch.js';
import { compileDecoder } from '../../src/btf/decoder.js';
import { structWriter } from '../../src/btf/writer.js';
import { RUNS, valueOrLayoutError } from './fuzz.js';
import { layoutOf, u } from './layouts.js';

const event = layoutOf('event', { tid: u(4), op: u(4), wait_ns: u(8, 'ktrace_ns') });
const decoder = compileDecoder<{ tid: number; op: number; waitNs: number }>(event);
const key = layoutOf('key', { tid: u(4) });
const value = layoutOf('value', { count: u(4), errors: u(4), ns: u(4) });

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One record as the addon writes it: length, bytes, padding. */
function record(tid: number): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes[0] = 16;
  bytes.set(structWriter(event)({ tid, op: 2, waitNs: 3 }), 4);
  return bytes;
}

t.test('a batch gives its records in order', (t) => {
  const batch = concat(record(5), record(7), new Uint8Array(100).fill(255));
  t.strictSame(decodeBatch(batch, 48, decoder, 16), [{ tid: 5, op: 2, waitNs: 3 }, { tid: 7, op: 2, waitNs: 3 }]);
  t.strictSame(decodeBatch(batch, 0, decoder, 16), []);
  t.end();
});

t.test('a record of another length is refused, and so is half a record', (t) => {
  const batch = concat(record(5), record(7));
  batch[24] = 17;
  t.throws(() => decodeBatch(batch, 48, decoder, 16), { name: 'LayoutError', message: 'batch: record of 17 bytes at 24, expected 16' });
  t.throws(() => decodeBatch(batch, 40, decoder, 16), { name: 'LayoutError', message: 'batch: record at 24 is cut off at 40' });
  t.throws(() => decodeBatch(batch, 49, decoder, 16), { name: 'LayoutError', message: 'batch of 49 bytes in 48' });
  t.end();
});

t.test('rows of a plain map follow each other without padding', (t) => {
  const row = (tid: number) => concat(structWriter(key)({ tid }), structWriter(value)({ count: tid, errors: 0, ns: 9 }));
  t.strictSame([...readRows(concat(row(3), row(4)), key, value)], [
    { key: { tid: 3 }, values: [{ count: 3, errors: 0, ns: 9 }] },
    { key: { tid: 4 }, values: [{ count: 4, errors: 0, ns: 9 }] },
  ]);
  t.strictSame([...readRows(new Uint8Array(0), key, value)], []);
  t.end();
});

t.test('a row of a per-CPU map has one padded value for each CPU', (t) => {
  const one = (count: number) => concat(structWriter(value)({ count, errors: 0, ns: 0 }), new Uint8Array(4).fill(255));
  const bytes = concat(structWriter(key)({ tid: 3 }), one(10), one(11));
  t.strictSame([...readRows<unknown, { count: number }>(bytes, key, value, 2)].map(({ values }) => values.map(({ count }) => count)), [[10, 11]]);
  t.strictSame([...readRows(bytes.subarray(0, 20), key, value, 1)].length, 1);
  t.end();
});

t.test('bytes that are not whole rows are refused before the first row', (t) => {
  const rows = readRows(new Uint8Array(33), key, value);
  t.throws(() => rows.next(), { name: 'LayoutError', message: 'snapshot of 33 bytes, not in rows of 16' });
  t.end();
});

t.test('random batches and snapshots give values, or LayoutError', (t) => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const plausible = fc.tuple(fc.array(fc.constantFrom(5, 6), { maxLength: 5 }), bytes).map(([tids, rest]) => concat(...tids.map(record), rest));
  const property = fc.property(fc.oneof(bytes, plausible), fc.integer({ min: -1, max: 260 }), (batch, length) => {
    valueOrLayoutError(() => decodeBatch(batch, length, decoder, 16));
    return valueOrLayoutError(() => [...readRows(batch, key, value, length > 0 ? length : undefined)]);
  });
  t.doesNotThrow(() => fc.assert(property, RUNS));
  t.end();
});
