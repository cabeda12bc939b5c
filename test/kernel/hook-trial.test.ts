/** The addon's trials of single hooks. */
import { existsSync } from 'node:fs';
import { loadBinding } from '../../src/native/load.js';
import { heldIds } from './bpf-objects.js';
import { suite } from './suite.js';

suite(1, (test) => {
  test('a trial says where the kernel refuses a hook, and leaves nothing behind', async (t) => {
    const before = heldIds(process.pid);
    const ask = (section: string): unknown => loadBinding().tryHooks([section], 1)[0];
    t.equal(ask('tp_btf/sched_switch'), undefined);
    t.equal(ask('raw_tp/sched_switch'), undefined);
    t.equal(ask('iter/task'), undefined);
    t.equal(ask('tracepoint/syscalls/sys_enter_getppid'), undefined);
    for (const section of ['tp_btf/no_such', 'iter/no_such', 'tracepoint/no/such', 'fentry/no_such_function']) t.strictSame(ask(section), { stage: 'find', code: 'ENOENT' }, section);
    t.match(ask('kprobe/no_such_function'), { stage: 'attach', code: existsSync('/sys/bus/event_source/devices/kprobe/type') ? /^E/ : 'ENOENT' });
    t.match(ask('raw_tp/no_such'), { stage: 'attach', code: 'ENOENT' });
    for (const section of ['uprobe/x', 'nonsense', '', 'tp_btf']) t.match(ask(section), { stage: 'find' }, section);
    t.throws(() => loadBinding().tryHooks('x' as never, 0), { code: 'EINVAL' });
    t.throws(() => loadBinding().tryHooks([7 as never], 0), { code: 'EINVAL' });
    t.strictSame(heldIds(process.pid), before);
  });
});
