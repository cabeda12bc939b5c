/** Where the allocation was that failed: the stack that the kernel logs, lib/dump_stack.c and arch/x86/kernel/dumpstack.c. */
import { callNames } from '../call-names.js';
import type { Allocation } from './model.js';

const MOST_FRAMES = 64;
const MOST_SHOWN = 4;
/** What runs once there is no memory: not where it was asked for. */
const OF_KILLER = /^(dump_stack|dump_stack_lvl|show_stack|dump_backtrace|dump_header|oom_kill_process|out_of_memory|__out_of_memory|mem_cgroup_out_of_memory|mem_cgroup_oom|pagefault_out_of_memory)$/;
/** How a thread enters the kernel, which `inText` says in words. */
const OF_ENTRY = /^(do_syscall_64|do_syscall_x64|x64_sys_call|__?do_fast_syscall_32|do_int80_\w+|entry_\w+|asm_\w+|ret_from_fork\w*|el0_?\w*|el0t_\w+|invoke_syscall|do_el0_svc|ksys_\w+|__\w+_sys_\w+)$/;
const OF_PAGE_FAULT = /^(exc_page_fault|do_user_addr_fault|do_page_fault|do_mem_abort|handle_mm_fault|__handle_mm_fault)$/;

/** The function of a line of a stack; null: an address that only lay on it (`?`); undefined: it is no such line. */
export function parseFrame(text: string): string | null | undefined {
  const [, unsure, name] = /^ (\? )?([A-Za-z_][\w.]{0,127})\+0x[0-9a-f]+\/0x[0-9a-f]+(?: \[\w+\])?$/.exec(text) ?? [];
  return name === undefined ? undefined : unsure === undefined ? name.replace(/\..*$/s, '') : null;
}

/** Registers are told of x86 alone. */
const CALLS = callNames('x64');

/** Where the thread was in user space; 0x33 and 0x23 are its code segments, the latter that of 32-bit programs. */
export function parseAddress(text: string): { readonly address: string; readonly compat: boolean } | undefined {
  const [, segment, address] = /^RIP: 00(33|23):(0x[0-9a-f]{1,16})$/.exec(text) ?? [];
  return address === undefined ? undefined : { address, compat: segment === '23' };
}

/** The number of its system call: it is not told of an exception. */
export function parseCall(text: string): number | undefined {
  const [, number] = /^RSP: 002b:[0-9a-f]+ EFLAGS: [0-9a-f]+ ORIG_RAX: 0{8}([0-9a-f]{8})$/.exec(text) ?? [];
  return number === undefined ? undefined : parseInt(number, 16);
}

/** The stack of one incident, line by line. */
export class Stack {
  #open = false;
  readonly #frames: string[] = [];
  #user: ReturnType<typeof parseAddress>;
  #call: number | undefined;

  /** Whether a line is of it. */
  note(text: string): boolean {
    if (/^Call [Tt]race:$/.test(text)) this.#open = this.#frames.length === 0;
    if (!this.#open) return false;
    const frame = parseFrame(text);
    if (frame && this.#frames.length < MOST_FRAMES) this.#frames.push(frame);
    this.#user ??= parseAddress(text);
    this.#call ??= parseCall(text);
    return frame !== undefined;
  }

  /** What follows is not of it. */
  end(): void {
    this.#open = false;
  }

  get allocation(): Allocation | null {
    if (this.#frames.length === 0) return null;
    const stack = this.#frames.slice(this.#frames.findLastIndex((name) => OF_KILLER.test(name)) + 1);
    const inStack = stack.map((name) => /^__(?:x64|ia32|arm64|se)_(?:compat_)?sys_(\w+)$/.exec(name)?.[1]).find((name) => name !== undefined);
    const syscall = this.#call === undefined ? (inStack ?? null) : CALLS.name(this.#call, this.#user?.compat === true);
    return { stack, syscall, pageFault: stack.some((name) => OF_PAGE_FAULT.test(name)), address: this.#user?.address ?? null };
  }
}

/** `in a page fault at 0x5612753a1cc0: do_anonymous_page > __mem_cgroup_charge`: from the outermost on, four functions; where a system call was called from is not said. */
export function inText({ stack, syscall, pageFault, address }: Allocation): string {
  const fault = pageFault ? `in a page fault${syscall === null && address !== null ? ` at ${address}` : ''}` : '';
  const call = syscall === null ? '' : `${fault === '' ? 'in' : ' of'} ${syscall}()`;
  const told = stack.filter((name) => !OF_ENTRY.test(name) && !OF_PAGE_FAULT.test(name));
  const path = told.slice(-MOST_SHOWN).reverse().join(' > ');
  return `${fault}${call}` === '' ? `in the kernel: ${path}` : `${fault}${call}${path === '' ? '' : `: ${path}`}`;
}
