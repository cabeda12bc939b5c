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
const logged = (...lines: readonly string[]): Allocation | null | undefined => incidentsOf(written(INVOKED, 'CPU: 0 PID: 7 Comm: x Not tainted', 'Call Trace:', ' <TASK>', ' dump_stack+0x1/0x2', ...lines, 'memory: usage 1kB, limit 1kB, failcnt 0', ' later+0x1/0x2', 'RIP: 0033:0x9'))[0]?.allocation;

t.test('system calls by the stack, by the register, of 32-bit programs, and a fault inside of one', (t) => {
  const registers = (segment: string, call: string): string[] => [`RIP: 00${segment}:0x401000`, `RSP: 002b:00007ffe00000000 EFLAGS: 00000246 ORIG_RAX: ${call.padStart(16, '0')}`];
  t.match(logged(' f+0x1/0x2', ' __arm64_sys_mmap+0x1/0x2 [m]'), { syscall: 'mmap', address: null, stack: ['f', '__arm64_sys_mmap'] });
  t.match(logged(' f.constprop.0+0x1/0x2', ...registers('33', '0')), { syscall: 'read', pageFault: false, stack: ['f'] });
  t.match(logged(' f+0x1/0x2', ...registers('23', '3')), { syscall: 'read' }, 'numbers of i386');
  t.match(logged(' f+0x1/0x2', ...registers('33', '3e7')), { syscall: '0x3e7' });
  const inside = logged(' handle_mm_fault+0x1/0x2', ' asm_exc_page_fault+0x1/0x2', 'RIP: 0010:rep_movs_alternative+0x4a/0x70', 'RSP: 0018:ffffc90000000000 EFLAGS: 00010206', ' vfs_read+0x1/0x2', ' do_syscall_64+0x1/0x2', ...registers('33', '0'));
  t.match(inside, { syscall: 'read', pageFault: true, address: '0x401000', stack: ['handle_mm_fault', 'asm_exc_page_fault', 'vfs_read', 'do_syscall_64'] });
  t.equal(inText(inside as Allocation), 'in a page fault of read(): vfs_read');
  const thread = logged(' f+0x1/0x2', ' kthread+0x1/0x2', ' ret_from_fork_asm+0x1/0x2');
  t.equal(inText(thread as Allocation), 'in the kernel: kthread > f');
  t.end();
});

t.test('a stack is as long as it is, up to 64 functions, and a line is one or is not', (t) => {
  t.equal(logged(...Array.from({ length: 100 }, (_, i) => ` f${i}+0x1/0x2`))?.stack.length, 63, 'without dump_stack');
  t.equal(parseFrame(' ? f+0x1/0x2'), null);
  for (const text of ['f+0x1/0x2', ' f+0x1', ' f +0x1/0x2', ' 0xffffffff81000000', ' f\x1b+0x1/0x2', ` ${'f'.repeat(129)}+0x1/0x2`]) t.equal(parseFrame(text), undefined, text);
  t.end();
});
