import type { Btf } from './btf.js';
import { LayoutError } from './error.js';
import { Kind } from './kind.js';

/** Constants of an enum by name, in declared order. Throws LayoutError when it is missing or a value is not a safe integer. */
export function enumValues(btf: Btf, name: string): ReadonlyMap<string, number> {
  const id = btf.find(Kind.ENUM, name) ?? btf.find(Kind.ENUM64, name);
  if (id === undefined) throw new LayoutError(`enum ${name}: not in the object's BTF`);
  const values = new Map<string, number>();
  for (const constant of btf.constants(id)) {
    const value = Number(constant.value);
    if (!Number.isSafeInteger(value)) throw new LayoutError(`enum ${name}: ${constant.name} is above 2^53`);
    values.set(constant.name, value);
  }
  return values;
}
