import t from 'tap';
import fc from 'fast-check';
import type { Program } from '../../src/btf/index.js';
import { schema } from '../../src/generated/futex.js';
import { planAttach } from '../../src/source/plan.js';

function program(name: string, section: string): Program {
  const split = name.lastIndexOf('__');
  return { name, section, hook: name.slice(0, split), variant: name.slice(split + 2) };
}

const PROGRAMS = [
  program('sys_enter_futex__tracepoint', 'tracepoint/syscalls/sys_enter_futex'), program('sys_exit_futex__tracepoint', 'tracepoint/syscalls/sys_exit_futex'),
  program('do_futex__kprobe', 'kprobe/do_futex'), program('do_futex_return__kprobe', 'kretprobe/do_futex'),
  program('do_futex__fentry', 'fentry/do_futex'), program('do_futex_return__fentry', 'fexit/do_futex'),
  program('sched_waking__any', 'tp_btf/sched_waking'), program('seed__any', 'iter/task'),
];
const names = (programs: readonly Program[]): string[] => programs.map(({ name }) => name);

t.test('variants come by their cost: fentry, kprobe, tracepoint, then what we have no rank for', (t) => {
  t.strictSame(planAttach(PROGRAMS).map(({ variant }) => variant), ['fentry', 'kprobe', 'tracepoint']);
  t.strictSame(planAttach([program('x__usdt', 'usdt/x'), ...PROGRAMS.toReversed()]).map(({ variant }) => variant), ['fentry', 'kprobe', 'tracepoint', 'usdt']);
  t.end();
});

t.test('a variant is all or nothing: its own programs and the common ones, none of another', (t) => {
  for (const { variant, load } of planAttach(PROGRAMS)) {
    t.strictSame(names(load).sort(), names(PROGRAMS.filter((each) => each.variant === variant || each.variant === 'any')).sort(), variant);
  }
  t.end();
});

t.test('--variant leaves one plan, or none when there is no such variant', (t) => {
  t.strictSame(planAttach(PROGRAMS, 'kprobe').map(({ variant }) => variant), ['kprobe']);
  t.strictSame(planAttach(PROGRAMS, 'uprobe'), []);
  t.strictSame(planAttach(PROGRAMS, 'any'), [], 'the common programs alone are no variant');
  t.strictSame(planAttach(PROGRAMS, ''), []);
  t.strictSame(planAttach([]), []);
  t.strictSame(planAttach([{ name: 'loose', section: 'fentry/x', hook: 'loose', variant: '' }]), [], 'a program without a variant belongs to none');
  t.end();
});

t.test('iterators are loaded, and run later instead of being attached', (t) => {
  const [plan] = planAttach(PROGRAMS, 'tracepoint');
  t.ok(plan && names(plan.load).includes('seed__any'));
  t.notOk(plan && names(plan.attach).includes('seed__any'));
  t.end();
});

t.test('ends of calls are attached first and beginnings last, however they are hooked', (t) => {
  const pairs: readonly (readonly [string, string, string])[] = [
    ['tracepoint', 'sys_enter_futex__tracepoint', 'sys_exit_futex__tracepoint'], ['kprobe', 'do_futex__kprobe', 'do_futex_return__kprobe'], ['fentry', 'do_futex__fentry', 'do_futex_return__fentry'],
  ];
  for (const [variant, begin, end] of pairs) {
    for (const programs of [PROGRAMS, PROGRAMS.toReversed()]) {
      const order = names(planAttach(programs, variant)[0]?.attach ?? []);
      t.ok(order.indexOf(end) < order.indexOf('sched_waking__any') && order.indexOf('sched_waking__any') < order.indexOf(begin), `${variant}: ${order.join(' ')}`);
    }
  }
  const all = [program('sys_enter__raw', 'tp_btf/sys_enter'), program('sys_exit__raw', 'tp_btf/sys_exit')];
  t.strictSame(names(planAttach(all)[0]?.attach ?? []), ['sys_exit__raw', 'sys_enter__raw'], 'hooks on all system calls');
  t.end();
});

t.test('the order does not depend on how the object lists its programs', (t) => {
  const ranks = (programs: readonly Program[]): string[] => planAttach(programs).flatMap(({ variant, attach }) => attach.map(({ section }) => `${variant} ${/exit|return|kret/.test(section) ? 'end' : ''}`));
  fc.assert(fc.property(fc.shuffledSubarray(PROGRAMS, { minLength: PROGRAMS.length }), (shuffled) => ranks(shuffled).join() === ranks(PROGRAMS).join()));
  t.pass('no counterexample');
  t.end();
});

t.test('planning changes nothing that it was given', (t) => {
  const given = Object.freeze([...PROGRAMS]);
  planAttach(given);
  t.strictSame(names(given), names(PROGRAMS));
  t.end();
});

t.test('the futex tool can be planned, with every program of it in some plan', (t) => {
  const plans = planAttach(schema.programs);
  t.ok(plans.length > 0);
  const loaded = new Set(plans.flatMap(({ load }) => names(load)));
  t.strictSame(names(schema.programs).filter((name) => !loaded.has(name)), []);
  t.end();
});
