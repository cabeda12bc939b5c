/** From numbers of system calls to names and back. */
import { ARM64, I386, X64 } from './call-numbers.js';

const OTHER_CALL = 511; // as in bpf/syscalls.bpf.h

export interface CallNames {
  /** `read`, `other` for those that there are not, or `0x1ff` for a number that has no name here. `compat`: of a 32-bit program. */
  name(nr: number, compat: boolean): string;
  /** Undefined where the machine has no such call. */
  number(name: string, compat: boolean): number | undefined;
  readonly names: readonly string[];
}

/** `machine`: as Node.js names it. 32-bit programs of arm64 have numbers without names. */
export function callNames(machine: string): CallNames {
  const tables = machine === 'arm64' ? [parse(ARM64), []] : [parse(X64), parse(I386)];
  const table = (compat: boolean): readonly string[] => tables[Number(compat)] ?? [];
  const numbers = tables.map((names) => new Map(names.map((name, nr) => [name, nr])));
  return {
    name: (nr, compat) => table(compat)[nr] || (nr === OTHER_CALL ? 'other' : '') || `0x${nr.toString(16)}`,
    number: (name, compat) => numbers[Number(compat)]?.get(name),
    names: [...new Set(tables.flat())].filter((name) => name !== ''),
  };
}

function parse(text: string): string[] {
  const names: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    if (/^\d+$/.test(word)) while (names.length < Number(word)) names.push('');
    else names.push(word);
  }
  return names;
}
