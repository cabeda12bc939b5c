import { compileDecoder, type Decoder } from './decoder.js';
import { LayoutError } from './error.js';
import type { StructLayout } from './shape.js';

const LENGTH_SIZE = 4;
const ALIGN = 8;

/** One row of a map snapshot. `values` has one element, or one per possible CPU for a per-CPU map. */
export interface MapRow<K, V> {
  readonly key: K;
  readonly values: readonly V[];
}

const decoders = new WeakMap<StructLayout, Decoder<unknown>>();

/**
 * Records of a ring batch: each a u32 length, then that many bytes, the whole padded to a multiple of 8.
 * Throws LayoutError when a length is not `expectedSize` or a record is cut off: a batch holds whole records.
 */
export function decodeBatch<T>(bytes: Uint8Array, length: number, decoder: Decoder<T>, expectedSize: number): T[] {
  if (!(length >= 0 && length <= bytes.length)) throw new LayoutError(`batch of ${length} bytes in ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const stride = roundUp(LENGTH_SIZE + expectedSize);
  const records: T[] = [];
  for (let at = 0; at < length; at += stride) {
    if (at + stride > length) throw new LayoutError(`batch: record at ${at} is cut off at ${length}`);
    const size = view.getUint32(at, true);
    if (size !== expectedSize) throw new LayoutError(`batch: record of ${size} bytes at ${at}, expected ${expectedSize}`);
    records.push(decoder(view, at + LENGTH_SIZE));
  }
  return records;
}

/**
 * Rows of a map snapshot: key bytes and then value bytes, back to back. With `cpus`, the value of a per-CPU map: one for each
 * possible CPU, each padded to a multiple of 8. Throws LayoutError when the bytes are not whole rows.
 */
export function* readRows<K, V>(
  bytes: Uint8Array,
  key: StructLayout,
  value: StructLayout,
  cpus?: number,
): Generator<MapRow<K, V>, void, undefined> {
  const readKey = decoderOf<K>(key);
  const readValue = decoderOf<V>(value);
  const valueStride = cpus === undefined ? value.size : roundUp(value.size);
  const count = cpus ?? 1;
  const stride = key.size + valueStride * count;
  if (bytes.length % stride !== 0) throw new LayoutError(`snapshot of ${bytes.length} bytes, not in rows of ${stride}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += stride) {
    const values: V[] = [];
    for (let i = 0; i < count; i++) values.push(readValue(view, at + key.size + i * valueStride));
    yield { key: readKey(view, at), values };
  }
}

/** Compiled once per layout. */
function decoderOf<T>(layout: StructLayout): Decoder<T> {
  const decoder = decoders.get(layout) ?? compileDecoder<unknown>(layout);
  decoders.set(layout, decoder);
  return decoder as Decoder<T>;
}

function roundUp(size: number): number {
  return Math.ceil(size / ALIGN) * ALIGN;
}
