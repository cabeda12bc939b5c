import type { Btf } from './btf.js';
import { LayoutError } from './error.js';
import { Kind } from './kind.js';
import { valueType } from './layout.js';
import type { ValueType } from './shape.js';

export interface GlobalVariable {
  readonly name: string;
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly size: number;
  /** Declared `static`: private to the object. */
  readonly isStatic: boolean;
  /** Outermost typedef named `ktrace_*`. */
  readonly typedef?: string;
  /** Throws LayoutError when the variable is of a type that user space cannot read or write, such as a pointer. */
  type(): ValueType;
}

/**
 * Variables of `.rodata`, `.data` or `.bss`, in order of offset; none when the object has no such section.
 * Throws LayoutError for an object straight from clang: its sections have size 0 and its global variables offset 0, until
 * `bpftool gen object` computes them (static ones have their offset, so looking for zeros would not do).
 */
export function globals(btf: Btf, section: string): GlobalVariable[] {
  const id = btf.find(Kind.DATASEC, section);
  if (id === undefined) return [];
  const entries = btf.variables(id).sort((a, b) => a.offset - b.offset);
  const sectionSize = btf.size(id);
  if (sectionSize === 0) throw new LayoutError(`${section}: no offsets yet; finish the object with \`bpftool gen object\``);
  let end = 0;
  return entries.map(({ type, offset, size }) => {
    const variable = readVariable(btf, type, offset, size);
    if (offset < end) throw new LayoutError(`${section}: ${variable.name} overlaps the variable before it`);
    end = offset + size;
    if (end > sectionSize) throw new LayoutError(`${section}: ${variable.name} ends after the ${sectionSize} bytes of the section`);
    return variable;
  });
}

function readVariable(btf: Btf, id: number, offset: number, size: number): GlobalVariable {
  if (btf.kind(id) !== Kind.VAR) throw new LayoutError(`.BTF: type ${id} in a data section is not a variable`);
  const name = btf.name(id);
  const target = btf.target(id);
  const { typedef } = btf.resolve(target);
  return {
    name,
    offset,
    size,
    isStatic: btf.linkage(id) === 0,
    ...(typedef === undefined ? {} : { typedef }),
    type() {
      const type = valueType(btf, target, `variable ${name}`);
      if (type.size !== size) throw new LayoutError(`variable ${name}: ${size} bytes in its section, ${type.size} by its type`);
      return type;
    },
  };
}
