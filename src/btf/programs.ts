import type { ElfFile } from './elf.js';

const SHF_EXECINSTR = 4;

/** One BPF program of an object. Its name is `<hook>__<variant>`. */
export interface Program {
  readonly name: string;
  /** Section without the leading `?`, and without the architecture that functions of system calls have in their name: `fentry/sys_futex`. */
  readonly section: string;
  readonly hook: string;
  /** Programs of one variant are attached together or not at all; empty when the name has no `__`. */
  readonly variant: string;
}

/** Programs in the order of the symbol table. `.text` holds subprograms only. Throws LayoutError on a malformed table. */
export function programs(elf: ElfFile): Program[] {
  return elf
    .functions()
    .filter(({ section }) => section.name !== '.text' && (section.flags & SHF_EXECINSTR) !== 0)
    .map(({ name, section }) => readProgram(name, section.name));
}

function readProgram(name: string, section: string): Program {
  const split = name.lastIndexOf('__');
  return {
    name,
    section: section.replace(/^\?/, '').replace(/\/__(x64|arm64)_sys_/, '/sys_'),
    hook: split < 0 ? name : name.slice(0, split),
    variant: split < 0 ? '' : name.slice(split + 2),
  };
}
