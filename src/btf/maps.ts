import type { Btf, Member } from './btf.js';
import { LayoutError } from './error.js';
import { Kind } from './kind.js';
import { structLayout, valueType } from './layout.js';
import type { StructLayout } from './shape.js';

/** libbpf knows about a dozen. */
const MAX_ATTRIBUTES = 64;

/** One map of the object, as its `.maps` section declares it. */
export interface MapInfo {
  readonly name: string;
  /** BPF_MAP_TYPE_* of include/uapi/linux/bpf.h. */
  readonly type: number;
  /** 0 when not declared. */
  readonly maxEntries: number;
  /** Types of key and value in BTF; undefined where only a size is declared, as for a ring. */
  readonly key: MapSide | undefined;
  readonly value: MapSide | undefined;
}

/** Key or value of a map. */
export interface MapSide {
  /** Name of the struct, unless it is an integer. */
  readonly struct?: string;
  /** Outermost typedef named `ktrace_*`. */
  readonly typedef?: string;
  /**
   * Its layout; an integer, enum or array counts as a struct with the one field `value`.
   * Throws LayoutError when user space cannot read or write it.
   */
  layout(): StructLayout;
}

/** Maps in declared order. */
export function maps(btf: Btf): MapInfo[] {
  const id = btf.find(Kind.DATASEC, '.maps');
  if (id === undefined) return [];
  return btf.variables(id).map(({ type }) => readMap(btf, type));
}

function readMap(btf: Btf, variable: number): MapInfo {
  if (btf.kind(variable) !== Kind.VAR) throw new LayoutError(`.BTF: type ${variable} in .maps is not a variable`);
  const name = btf.name(variable);
  const { id } = btf.resolve(btf.target(variable));
  if (btf.kind(id) !== Kind.STRUCT || btf.entryCount(id) > MAX_ATTRIBUTES) {
    throw new LayoutError(`map ${name}: not declared by a struct of map attributes`);
  }
  const members = btf.members(id);
  return {
    name,
    type: uint(btf, members, 'type'),
    maxEntries: uint(btf, members, 'max_entries'),
    key: readSide(btf, members, name, 'key'),
    value: readSide(btf, members, name, 'value'),
  };
}

/** `__uint(member, n)` is a pointer to an array of n. */
function uint(btf: Btf, members: readonly Member[], member: string): number {
  const target = pointee(btf, members, member);
  if (target === undefined) return 0;
  if (btf.kind(target) !== Kind.ARRAY) throw new LayoutError(`.maps: ${member} is not declared with __uint`);
  return btf.array(target).length;
}

/** `__type(key, T)` is a pointer to T. */
function readSide(btf: Btf, members: readonly Member[], map: string, member: 'key' | 'value'): MapSide | undefined {
  const target = pointee(btf, members, member);
  if (target === undefined) return undefined;
  const { id, typedef } = btf.resolve(target);
  const unit = typedef === undefined ? {} : { typedef };
  if (btf.kind(id) === Kind.STRUCT) {
    const struct = btf.name(id);
    return { struct, ...unit, layout: () => structLayout(btf, struct) };
  }
  return { ...unit, layout: () => scalarLayout(btf, target, `map ${map}: ${member}`) };
}

function scalarLayout(btf: Btf, type: number, where: string): StructLayout {
  const value = valueType(btf, type, where);
  return { name: where, size: value.size, fields: [{ name: 'value', offset: 0, ...value }], scalar: true };
}

function pointee(btf: Btf, members: readonly Member[], name: string): number | undefined {
  const member = members.find((candidate) => candidate.name === name);
  if (!member) return undefined;
  const { id } = btf.resolve(member.type);
  if (btf.kind(id) !== Kind.PTR) throw new LayoutError(`.maps: ${name} is not a pointer`);
  return btf.target(id);
}
