import type { Bytes } from './bytes.js';
import { LayoutError } from './error.js';
import { Kind } from './kind.js';

/** The kernel's BTF_MAX_TYPE. */
const MAX_TYPES = 0xfffff;

const FIXED: ReadonlyMap<number, number> = new Map([
  [Kind.INT, 4],
  [Kind.ARRAY, 12],
  [Kind.VAR, 4],
  [Kind.DECL_TAG, 4],
]);

const PER_ENTRY: ReadonlyMap<number, number> = new Map([
  [Kind.STRUCT, 12],
  [Kind.UNION, 12],
  [Kind.ENUM, 8],
  [Kind.FUNC_PROTO, 8],
  [Kind.DATASEC, 12],
  [Kind.ENUM64, 12],
]);

/** Byte offset of each type by its id; the ids are only implied by order. */
export function indexTypes(types: Bytes): Uint32Array {
  const offsets = new Uint32Array(Math.min(Math.floor(types.length / 12), MAX_TYPES) + 1);
  let count = 1;
  for (let at = 0; at < types.length; count++) {
    if (count >= offsets.length) throw new LayoutError('.BTF: more types than fit');
    offsets[count] = at;
    const info = types.u32(at + 4);
    at += 12 + extraSize((info >>> 24) & 0x1f, info & 0xffff);
    if (at > types.length) throw new LayoutError(`.BTF: type ${count} is cut off`);
  }
  return offsets.subarray(0, count);
}

/** Bytes that follow the 12-byte head of a type of this kind with `entries` members, constants, parameters or variables. */
function extraSize(kind: number, entries: number): number {
  if (kind === Kind.VOID || kind > Kind.ENUM64) throw new LayoutError(`.BTF: unknown kind ${kind}`);
  return FIXED.get(kind) ?? (PER_ENTRY.get(kind) ?? 0) * entries;
}
