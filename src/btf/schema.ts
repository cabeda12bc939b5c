import type { Btf } from './btf.js';
import { enumValues } from './enums.js';
import { globals } from './globals.js';
import { Kind } from './kind.js';
import { structLayout } from './layout.js';
import { maps, type MapInfo, type MapSide } from './maps.js';
import type { StructLayout, ValueType } from './shape.js';

/** BPF_MAP_TYPE_*_STORAGE: state that lives with a socket, inode, task or cgroup and never leaves the kernel. */
const STORAGE_MAPS: ReadonlySet<number> = new Set([24, 28, 29, 32]);
const ANCHOR = 'ktrace_anchor_';

export interface SchemaMap {
  readonly name: string;
  /** BPF_MAP_TYPE_*. */
  readonly type: number;
  /** Both undefined when there are none, or when one is a type private to the kernel side. */
  readonly key: StructLayout | undefined;
  readonly value: StructLayout | undefined;
}

/** All that an object shares with user space. Every list is sorted by name, so that no compiler or linker changes it. */
export interface Schema {
  readonly tool: string;
  /** Anchored by KTRACE_RING or KTRACE_ANCHOR: records of rings and iterators. */
  readonly records: readonly StructLayout[];
  readonly maps: readonly SchemaMap[];
  /** `const volatile` variables. */
  readonly options: readonly { readonly name: string; readonly type: ValueType }[];
  /** Records, keys and values, and what is nested in them. */
  readonly structs: readonly StructLayout[];
  /** Those that structs and options refer to, and anchored ones. Constants are in declared order. */
  readonly enums: readonly { readonly name: string; readonly values: ReadonlyMap<string, number> }[];
}

/**
 * Read the schema of `tool`. Shared are the anchored types, and those structs in maps that are named `<tool>_*` or `ktrace_*`.
 * Throws LayoutError when one breaks a rule of structLayout().
 */
export function readSchema(btf: Btf, tool: string): Schema {
  const anchored = ['.bss', '.data'].flatMap((section) => globals(btf, section)).flatMap(({ name }) => anchor(name));
  const isStruct = (name: string) => btf.find(Kind.STRUCT, name) !== undefined;
  const records = anchored.filter(isStruct).map((name) => structLayout(btf, name));
  const schemaMaps = maps(btf).map((map) => readMap(map, tool));
  const options = readOptions(btf);
  const found = new Found();
  for (const layout of [...records, ...schemaMaps.flatMap(({ key, value }) => [key, value])]) if (layout) found.addFields(layout);
  for (const { type } of options) found.addType(type);
  for (const name of anchored) if (!isStruct(name)) found.enums.add(name);
  return {
    tool,
    records: sorted(records),
    maps: sorted(schemaMaps),
    options: sorted(options),
    structs: sorted([...found.structs.values()]),
    enums: sorted([...found.enums].map((name) => ({ name, values: enumValues(btf, name) }))),
  };
}

function readOptions(btf: Btf): { name: string; type: ValueType }[] {
  const variables = globals(btf, '.rodata').filter(({ isStatic }) => !isStatic);
  return variables.map((variable) => ({ name: variable.name, type: variable.type() }));
}

function anchor(variable: string): string[] {
  return variable.startsWith(ANCHOR) ? [variable.slice(ANCHOR.length)] : [];
}

function readMap({ name, type, key, value }: MapInfo, tool: string): SchemaMap {
  const isPrivate = STORAGE_MAPS.has(type) || !key || !value || !isShared(key, tool) || !isShared(value, tool);
  return isPrivate ? { name, type, key: undefined, value: undefined } : { name, type, key: key.layout(), value: value.layout() };
}

function isShared({ struct }: MapSide, tool: string): boolean {
  return struct === undefined || struct.startsWith(`${tool}_`) || struct.startsWith('ktrace_');
}

/** Collects the structs and enums that a type is made of. */
class Found {
  readonly structs = new Map<string, StructLayout>();
  readonly enums = new Set<string>();

  addFields(layout: StructLayout): void {
    if (this.structs.has(layout.name)) return;
    if (!layout.scalar) this.structs.set(layout.name, layout);
    layout.fields.forEach((field) => this.addType(field));
  }

  addType(type: ValueType): void {
    if (type.enumName !== undefined) this.enums.add(type.enumName);
    if (type.element) this.addType(type.element);
    if (type.struct) this.addFields(type.struct);
  }
}

function sorted<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
