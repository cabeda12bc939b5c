/** Where the allocation was that failed: the stack that the kernel logs, lib/dump_stack.c and arch/x86/kernel/dumpstack.c. */
import { callNames } from '../call-names.js';
import type { Allocation } from './model.js';

const MOST_FRAMES = 256;
const MOST_SHOWN = 4;
/** What runs once there is no memory: not where it was asked for. */
const OF_KILLER = /^(oom_kill_process|out_of_memory|__out_of_memory|mem_cgroup_out_of_memory|mem_cgroup_oom|pagefault_out_of_memory)$/;
/** An exception; handle_mm_fault() is called for mlock(2) and the like, too. */
const OF_PAGE_FAULT = /^(asm_exc_page_fault|exc_page_fault|do_user_addr_fault|do_page_fault|do_translation_fault|do_mem_abort)$/;
/** How a thread enters the kernel, which `inText` says in words. */
const OF_ENTRY = /^(_*handle_mm_fault|do_syscall_64|do_syscall_x64|x64_sys_call|(__)?do_fast_syscall_32|do_SYSENTER_32|ia32_sys_call|do_int80_\w+|entry_\w+|asm_\w+|ret_from_fork\w*|el[01]t?_\w+|invoke_syscall\w*|do_el0_svc\w*|ksys_\w+|__\w+_sys_\w+)$/;
/** The outermost function of a thread in the kernel, where there are no registers of user space. */
const OF_END = /^(ret_from_fork\w*|el0t?_\w+)$/;
const OF_32_BIT = /int80|^__ia32_/;

/**
 * The function of a line of a stack; undefined: it is no such line. null: an address that only lay on it (`?`), or that is behind the end of the function:
 * it is where a kretprobe lets the next one return to, whose name is lost.
 */
export function parseFrame(text: string): string | null | undefined {
  const [, unsure, name, offset, size] = /^ (\? )?([A-Za-z_][\w.]{0,127})\+(0x[0-9a-f]+)\/(0x[0-9a-f]+)(?: \[\w+(?: [0-9a-f]+)?\])?(?: \([A-Z]+\))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return unsure === undefined && offset !== size ? name.replace(/\..*$/s, '') : null;
}

/** Registers are told of x86 alone. */
const CALLS = callNames('x64');

/** Where the thread was in user space; 0x33 and 0x23 are its code segments, the latter that of 32-bit programs. */
function parseAddress(text: string): { readonly address: string; readonly compat: boolean } | undefined {
  const [, segment, address] = /^RIP: 00(33|23):(0x[0-9a-f]{1,16})$/.exec(text) ?? [];
  return address === undefined ? undefined : { address, compat: segment === '23' };
}

/** The number of its system call: it is not told of an exception. */
function parseCall(text: string): number | undefined {
  const [, number] = /^RSP: 002b:[0-9a-f]+ EFLAGS: [0-9a-f]+ ORIG_RAX: 0{8}([0-9a-f]{8})$/.exec(text) ?? [];
  return number === undefined ? undefined : parseInt(number, 16);
}

/** A worker in the kernel (io_uring, vhost) has the other registers of who made it. */
const NOWHERE = '0x0';

/** The stack of one incident, line by line. */
export class Stack {
  #frames: string[] = [];
  #state: 'none' | 'open' | 'over' = 'none';
  #user: ReturnType<typeof parseAddress>;
  #call: number | undefined;

  /** Whether a line is of it. */
  note(text: string): boolean {
    if (/^Call [Tt]race:$/.test(text)) this.#state = this.#state === 'none' ? 'open' : 'over'; // where another one begins, whose a line is cannot be told
    if (this.#state !== 'open') return false;
    this.#call ??= parseCall(text);
    const frame = this.#user ? undefined : parseFrame(text);
    if (frame && this.#frames.length < MOST_FRAMES) this.#frames.push(frame);
    this.#user ??= parseAddress(text);
    if (text === ' </TASK>') this.end();
    return frame !== undefined;
  }

  /** What follows is not of it. */
  end(): void {
    if (this.#state === 'open') this.#state = 'over';
  }

  get allocation(): Allocation | null {
    const frames = this.#frames;
    const last = frames.findLastIndex((name) => OF_KILLER.test(name));
    const stack = frames.slice(last + 1);
    if (last < 0 || stack.length === 0 || !(this.#user || OF_END.test(stack.at(-1) ?? ''))) return null; // a kprobe on the way ends the walk
    const inStack = stack.map((name) => /^__(?:x64|ia32|arm64|se)_(?:compat_)?sys_(\w+)$/.exec(name)?.[1]).find((name) => name !== undefined);
    const user = this.#user?.address === NOWHERE ? undefined : this.#user;
    const compat = user?.compat === true || stack.some((name) => OF_32_BIT.test(name));
    const syscall = user === undefined || this.#call === undefined ? (inStack ?? null) : CALLS.name(this.#call, compat);
    return { stack, syscall, pageFault: stack.some((name) => OF_PAGE_FAULT.test(name)), address: user?.address ?? null };
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
