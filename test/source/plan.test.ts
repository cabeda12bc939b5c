import t from 'tap';
import fc from 'fast-check';
import type { Program } from '../../src/btf/index.js';
import { schema } from '../../src/generated/futex.js';
import { planAttach, type AttachPlan } from '../../src/source/plan.js';

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
const ANY_KERNEL = { refused: {}, preemptible: false, hasCall: () => true };
const plansOf = (programs: readonly Program[], only?: string): AttachPlan[] => planAttach(programs, ANY_KERNEL, { only, optional: [] });
const names = (programs: readonly Program[]): string[] => programs.map(({ name }) => name);

t.test('variants come by their cost, and kprobes, which miss ends of calls, last; then what we have no rank for', (t) => {
  t.strictSame(plansOf(PROGRAMS).map(({ variant }) => variant), ['fentry', 'tracepoint', 'kprobe']);
  t.strictSame(plansOf([program('x__usdt', 'usdt/x'), ...PROGRAMS.toReversed()]).map(({ variant }) => variant), ['fentry', 'tracepoint', 'kprobe', 'usdt']);
  t.end();
});

t.test('a variant is all or nothing: its own programs and the common ones, none of another', (t) => {
  for (const { variant, load } of plansOf(PROGRAMS)) {
    t.strictSame(names(load).sort(), names(PROGRAMS.filter((each) => each.variant === variant || each.variant === 'any')).sort(), variant);
  }
  t.end();
});

t.test('--variant leaves one plan, or none when there is no such variant', (t) => {
  t.strictSame(plansOf(PROGRAMS, 'kprobe').map(({ variant }) => variant), ['kprobe']);
  t.strictSame(plansOf(PROGRAMS, 'uprobe'), []);
  t.strictSame(plansOf(PROGRAMS, 'any'), [], 'the common programs alone are no variant');
  t.strictSame(plansOf(PROGRAMS, ''), []);
  t.strictSame(plansOf([]), []);
  t.strictSame(plansOf([{ name: 'loose', section: 'fentry/x', hook: 'loose', variant: '' }]), [], 'a program without a variant belongs to none');
  t.end();
});

t.test('where the kernel can preempt programs, tracepoints come first, since functions would be skipped', (t) => {
  t.strictSame(planAttach(PROGRAMS, { ...ANY_KERNEL, preemptible: true }, { optional: [] }).map(({ variant }) => variant), ['tracepoint', 'fentry', 'kprobe']);
  t.end();
});

t.test('a variant that the kernel refuses whatever the program says so, and is still there to be told', (t) => {
  const refusal = { stage: 'load', code: 'EPERM' } as const;
  const plans = planAttach(PROGRAMS, { ...ANY_KERNEL, refused: { fentry: refusal } }, { optional: [] });
  t.strictSame(plans.map(({ variant, refused }) => [variant, refused]), [['fentry', refusal], ['tracepoint', undefined], ['kprobe', undefined]]);
  t.end();
});

t.test('an optional system call that the kernel lacks is left out where its programs would not load, beginning and end', (t) => {
  const asked: string[] = [];
  const facts = { ...ANY_KERNEL, hasCall: (call: string) => (asked.push(call), call !== 'futex_waitv') };
  const [fentry, tracepoint] = planAttach(schema.programs, facts, { optional: ['futex_waitv', 'futex_wake'] });
  t.strictSame(fentry?.missing, ['futex_waitv']);
  t.strictSame(names(fentry?.load ?? []).filter((name) => name.includes('waitv')), []);
  t.ok(names(fentry?.load ?? []).includes('sys_exit_futex_wake__fentry'));
  t.strictSame(tracepoint?.missing, [], 'attaching will tell');
  t.ok(names(tracepoint?.load ?? []).includes('sys_enter_futex_waitv__tracepoint'));
  t.strictSame(asked, ['futex_waitv', 'futex_wake'], 'asked for what may be missing, and once');
  t.end();
});

t.test('iterators are loaded, and run later instead of being attached', (t) => {
  const [plan] = plansOf(PROGRAMS, 'tracepoint');
  t.ok(plan && names(plan.load).includes('seed__any'));
  t.notOk(plan && names(plan.attach).includes('seed__any'));
  t.end();
});

t.test('what stands alone is attached first, then ends of calls, and beginnings last, however they are hooked', (t) => {
  const pairs: readonly (readonly [string, string, string])[] = [
    ['tracepoint', 'sys_enter_futex__tracepoint', 'sys_exit_futex__tracepoint'], ['kprobe', 'do_futex__kprobe', 'do_futex_return__kprobe'], ['fentry', 'do_futex__fentry', 'do_futex_return__fentry'],
  ];
  for (const [variant, begin, end] of pairs) {
    for (const programs of [PROGRAMS, PROGRAMS.toReversed()]) {
      const order = names(plansOf(programs, variant)[0]?.attach ?? []);
      t.ok(order.indexOf('sched_waking__any') < order.indexOf(end) && order.indexOf(end) < order.indexOf(begin), `${variant}: ${order.join(' ')}`);
    }
  }
  const all = [program('sys_enter__raw', 'tp_btf/sys_enter'), program('sys_exit__raw', 'tp_btf/sys_exit')];
  t.strictSame(names(plansOf(all)[0]?.attach ?? []), ['sys_exit__raw', 'sys_enter__raw'], 'hooks on all system calls');
  t.end();
});

t.test('the order does not depend on how the object lists its programs', (t) => {
  const ranks = (programs: readonly Program[]): string[] => plansOf(programs).flatMap(({ variant, attach }) => attach.map(({ section }) => `${variant} ${/exit|return|kret/.test(section) ? 'end' : ''}`));
  fc.assert(fc.property(fc.shuffledSubarray(PROGRAMS, { minLength: PROGRAMS.length }), (shuffled) => ranks(shuffled).join() === ranks(PROGRAMS).join()));
  t.pass('no counterexample');
  t.end();
});

t.test('planning changes nothing that it was given', (t) => {
  const given = Object.freeze([...PROGRAMS]);
  plansOf(given);
  t.strictSame(names(given), names(PROGRAMS));
  t.end();
});

t.test('the futex tool can be planned, with every program of it in some plan', (t) => {
  const plans = plansOf(schema.programs);
  t.ok(plans.length > 0);
  const loaded = new Set(plans.flatMap(({ load }) => names(load)));
  t.strictSame(names(schema.programs).filter((name) => !loaded.has(name)), []);
  t.end();
});
