import t from 'tap';
import { incidentsOf } from '../../../src/tools/oom/log.js';
import type { Allocation } from '../../../src/tools/oom/model.js';
import { inText, parseFrame } from '../../../src/tools/oom/allocation.js';
import { recorded, recordings, recordingsOf, textOf, written } from './recordings.js';

const allocationOf = (name: string): Allocation | null | undefined => incidentsOf(recorded(name))[0]?.allocation;

t.test('memory that a program touches is a page fault, and the stack is the one of the log without what lay on it', (t) => {
  for (const name of recordingsOf('plain')) {
    const allocation = allocationOf(name);
    t.match(allocation, { syscall: null, pageFault: true, address: /^0x5[0-9a-f]{11}$/ }, name);
    const trace = /Call Trace:\n(.*?)RIP: 0033:(0x\w+)\n/s.exec(textOf(name)) ?? [];
    const frames = [...(trace[1] ?? '').matchAll(/; ([a-z_]\w*)(?:\.\w+)*\+0x/g)].map(([, frame = '']) => frame);
    t.strictSame(allocation?.stack, frames.slice(frames.indexOf('mem_cgroup_out_of_memory') + 1), name);
    t.match(allocation?.stack[0], /^try_charge/);
    t.equal(allocation?.stack.at(-1), 'asm_exc_page_fault');
    t.equal(allocation?.address, trace[2]);
  }
  t.end();
});

t.test('a file in memory that is written is a system call, if not its code that is read again is what is too much', (t) => {
  const calls = recordingsOf('written').filter((name) => textOf(name).includes('ORIG_RAX: 0000000000000001'));
  t.strictSame(calls, ['6.12-v2-written', '6.18-v1-written']);
  for (const name of recordingsOf('written')) {
    const allocation = allocationOf(name);
    t.match(allocation, calls.includes(name) ? { syscall: 'write', pageFault: false, address: /^0x/ } : { syscall: null, pageFault: true, address: /^0x/ }, name);
    t.match(inText(allocation as Allocation), calls.includes(name) ? /^in write\(\): vfs_write > shmem_file_write_iter > \w+ > \w+$/ : /^in a page fault at 0x\w+: (do_fault > )?__do_fault > filemap_fault > \w+/);
  }
  t.end();
});

t.test('of the machine it begins with the pages that there were not', (t) => {
  for (const name of recordingsOf('global')) t.match(allocationOf(name)?.stack[0], /^__alloc_pages/, name);
  t.end();
});

t.test('where the log has no stack, nothing is said', (t) => {
  for (const name of recordings.filter((each) => !textOf(each).includes('Call Trace'))) t.strictSame(incidentsOf(recorded(name)).filter(({ allocation }) => allocation !== null), [], name);
  t.end();
});

const INVOKED = 'x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0';
const CPU = 'CPU: 0 PID: 7 Comm: x Not tainted';
const KILLER = [' dump_stack+0x1/0x2', ' out_of_memory+0x1/0x2'];
const AFTER = ['memory: usage 1kB, limit 1kB, failcnt 0', ' later+0x1/0x2', 'RIP: 0033:0x9'];
const from = (...lines: readonly string[]): Allocation | null | undefined => incidentsOf(written(INVOKED, ...lines))[0]?.allocation;
const logged = (...lines: readonly string[]): Allocation | null | undefined => from(CPU, 'Call Trace:', ' <TASK>', ...KILLER, ...lines, ...AFTER);
const registers = (segment: string, call: string, address = '0x401000'): string[] => [`RIP: 00${segment}:${address}`, `RSP: 002b:00007ffe00000000 EFLAGS: 00000246 ORIG_RAX: ${call.padStart(16, '0')}`];

t.test('stacks of others in between: what is not surely of who asked is not said', (t) => {
  const other = ['Call Trace:', ' <TASK>', ' __schedule+0x1/0x2', ' folio_wait_bit+0x1/0x2'];
  const own = ['Call Trace:', ' <TASK>', ...KILLER, ' f+0x1/0x2', ...registers('33', '1'), ' </TASK>'];
  const WRITE = { syscall: 'write', address: '0x401000', pageFault: false, stack: ['f'] };
  t.strictSame(from(...other, CPU, ...own), WRITE, 'before its own CPU is named');
  t.strictSame(from(CPU, ...own, ...other), WRITE, 'after it');
  t.strictSame(from(CPU, ...own.slice(0, -1), ...other), WRITE, 'after its registers');
  t.strictSame(from(CPU, ...own.slice(0, -1), ' g+0x1/0x2', ...AFTER), WRITE, 'a function after its registers');
  t.match(from(CPU, 'Call Trace:', ' <TASK>', ...KILLER, ' f+0x1/0x2', ' ret_from_fork+0x1/0x2', ' </TASK>', ...registers('33', '1'), ...AFTER), { stack: ['f', 'ret_from_fork'], syscall: null, address: null }, 'registers after its end');
  t.equal(from(CPU, ...other, ...own), null);
  for (let i = 1; i <= 5; i++) t.equal(from(CPU, ...own.slice(0, i), ...other, ...own.slice(i)), null);
  t.equal(from(CPU, 'Call Trace:', ' <TASK>', ' f+0x1/0x2', ...registers('33', '1'), ' </TASK>', ...AFTER), null, 'nobody there has called the OOM killer');
  t.equal(from(CPU, 'Call Trace:', ' <TASK>', ...KILLER, ...registers('33', '1'), ' </TASK>', ...AFTER), null, 'there is nothing before it');
  t.equal(from(CPU, 'Call Trace:', ' <TASK>', ...KILLER, ' elfcorehdr_read+0x1/0x2', ' </TASK>', ...AFTER), null, 'it does not come to its end');
  t.end();
});

t.test('no page fault, no system call: mlock, workers of io_uring, sysrq', (t) => {
  const populated = logged(' __handle_mm_fault+0x1/0x2', ' handle_mm_fault+0x1/0x2', ' __get_user_pages+0x1/0x2', ' do_mlock+0x1/0x2', ...registers('33', '95'));
  t.match(populated, { syscall: 'mlock', pageFault: false });
  t.equal(inText(populated as Allocation), 'in mlock(): do_mlock > __get_user_pages');
  const worker = logged(' f+0x1/0x2', ' io_sq_thread+0x1/0x2', ' ret_from_fork+0x1/0x2', ...registers('33', '1a9', '0x0'));
  t.match(worker, { syscall: null, address: null });
  t.equal(inText(worker as Allocation), 'in the kernel: io_sq_thread > f');
  const request = incidentsOf(written(INVOKED.replace('order=0', 'order=-1'), CPU, 'Call Trace:', ...KILLER, ' moom_callback+0x1/0x2', ' ret_from_fork+0x1/0x2', ...AFTER));
  t.match(request, [{ order: -1, allocation: null }]);
  t.end();
});

t.test('system calls by the stack, by the register, of 32-bit programs, and a fault inside of one', (t) => {
  t.match(logged(' f+0x1/0x2', ' __arm64_sys_mmap+0x1/0x2 [m]', ' el0t_64_sync+0x1/0x2'), { syscall: 'mmap', address: null, stack: ['f', '__arm64_sys_mmap', 'el0t_64_sync'] });
  t.match(logged(' f.constprop.0+0x1/0x2', ...registers('33', '0')), { syscall: 'read', pageFault: false, stack: ['f'] });
  t.match(logged(' f+0x1/0x2', ...registers('23', '3')), { syscall: 'read' }, 'numbers of i386');
  t.match(logged(' f+0x1/0x2', ' do_int80_emulation+0x1/0x2', ...registers('33', '4')), { syscall: 'write' }, 'by int 0x80 of a 64-bit program');
  t.equal(inText(logged(' vfs_write+0x1/0x2', ' ksys_write+0x1/0x2', ' ia32_sys_call+0x1/0x2', ' __do_fast_syscall_32+0x1/0x2', ' do_fast_syscall_32+0x1/0x2', ' do_SYSENTER_32+0x1/0x2', ' entry_SYSENTER_compat_after_hwframe+0x1/0x2', ...registers('23', '4')) as Allocation), 'in write(): vfs_write');
  t.match(logged(' handle_mm_fault+0x1/0x2 (P)', ' do_page_fault+0x1/0x2', ' do_translation_fault+0x1/0x2', ' do_mem_abort+0x1/0x2', ' el0_da+0x1/0x2', ' el0t_64_sync+0x1/0x2'), { syscall: null, pageFault: true, address: null }, 'arm64');
  t.match(logged(' f+0x1/0x2', ...registers('33', '3e7')), { syscall: '0x3e7' });
  const inside = logged(' handle_mm_fault+0x1/0x2', ' asm_exc_page_fault+0x1/0x2', 'RIP: 0010:rep_movs_alternative+0x4a/0x70', 'RSP: 0018:ffffc90000000000 EFLAGS: 00010206', ' vfs_read+0x1/0x2', ' do_syscall_64+0x1/0x2', ...registers('33', '0'));
  t.match(inside, { syscall: 'read', pageFault: true, address: '0x401000', stack: ['handle_mm_fault', 'asm_exc_page_fault', 'vfs_read', 'do_syscall_64'] });
  t.equal(inText(inside as Allocation), 'in a page fault of read(): vfs_read');
  const thread = logged(' f+0x1/0x2', ' kthread+0x1/0x2', ' ret_from_fork_asm+0x1/0x2');
  t.equal(inText(thread as Allocation), 'in the kernel: kthread > f');
  t.end();
});

t.test('a stack is as long as it is, up to 256 functions, and a line is one or is not', (t) => {
  t.equal(logged(...Array.from({ length: 300 }, (_, i) => ` f${i}+0x1/0x2`), ...registers('33', '1'))?.stack.length, 254, 'without those of the OOM killer');
  t.equal(parseFrame(' ? f+0x1/0x2'), null);
  t.equal(parseFrame(' trace_clock_x86_tsc+0x40/0x40'), null, 'what lies before the trampoline of kretprobes');
  t.equal(parseFrame(' netfs_write.cold+0x1/0x2 [netfs 01234567abcdef]'), 'netfs_write');
  for (const text of ['f+0x1/0x2', ' f+0x1', ' f +0x1/0x2', ' 0xffffffff81000000', ' f\x1b+0x1/0x2', ` ${'f'.repeat(129)}+0x1/0x2`]) t.equal(parseFrame(text), undefined, text);
  t.end();
});
