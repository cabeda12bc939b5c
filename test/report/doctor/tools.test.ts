/** Hooks, and which tool runs by what. */
import t from 'tap';
import type { DoctorFacts, ToolFact } from '../../../src/report/doctor/facts.js';
import { diagnose } from '../../../src/report/doctor/judge.js';
import type { ToolFinding } from '../../../src/report/doctor/model.js';
import { ABSENT, COMMON, DENIED, FENTRY, finding, hook, KPROBE, machine, tool, TRACEPOINT, USER, variant } from './facts.js';

const LIMIT = 'The ends of waits that had begun before.';
const noKprobes = { ...KPROBE, refused: { stage: 'attach', code: 'ENOENT' } };

function judged(fact: ToolFact, changed: Partial<DoctorFacts> = {}): ToolFinding {
  const [found] = diagnose(machine({ ...changed, tools: [fact] })).tools;
  if (!found) throw new Error('no tool');
  return found;
}

t.test('a tool runs by the first variant that nothing speaks against', (t) => {
  t.match(judged(tool(COMMON, { ...FENTRY, load: 'works' }, TRACEPOINT)), { state: 'works', variant: 'fentry', loaded: true, text: 'Runs by fentry.', remedy: '' });
  t.match(judged(tool(COMMON, { ...FENTRY, refused: DENIED }, TRACEPOINT)), { state: 'works', variant: 'tracepoint' });
  t.match(judged(tool(COMMON, { ...FENTRY, load: { stage: 'load', code: 'EINVAL' } }, TRACEPOINT)), { variant: 'tracepoint' });
  t.match(judged(tool(variant('tracepoint', [hook('tracepoint/a/b')], { load: 'works' }))), { state: 'works', variant: 'tracepoint' }, 'a tool without common hooks');
  t.end();
});

t.test('it runs with limits where its variant does not see everything, or was not loaded', (t) => {
  t.match(judged(tool(COMMON, { ...FENTRY, load: 'works', limits: [LIMIT] })), { state: 'limited', variant: 'fentry', remedy: /line of its hooks/ });
  t.match(judged(tool(COMMON, { ...TRACEPOINT, load: 'untried' })), { state: 'limited', loaded: false, text: /judged by its hooks/, remedy: /`ktrace futex --dry-run`/ });
  t.match(judged(tool(COMMON, { ...TRACEPOINT, hooks: [hook('tracepoint/syscalls/sys_enter_futex_waitv', ABSENT, true)] })), { state: 'limited', variant: 'tracepoint' });
  t.end();
});

t.test('it does not run where every variant is refused, or the hooks of all of them, or its object is broken', (t) => {
  t.match(judged(tool(COMMON, { ...FENTRY, refused: DENIED }, noKprobes)), { state: 'fails', variant: undefined, text: /fentry: load: EPERM, kprobe: attach: ENOENT/, remedy: /./ });
  t.match(judged(tool(variant('any', [hook('tp_btf/sched_waking', ABSENT)]), TRACEPOINT)), { state: 'fails', text: /every variant are refused \(find: ENOENT\)/, remedy: /docs\/kernels\.md/ });
  t.match(judged({ ...tool(COMMON), problem: { message: 'The BPF object file x is corrupt: half', hint: 'build it again: `npm run setup`' } }), { state: 'fails', text: /corrupt: half\.$/, remedy: 'Build it again: `npm run setup`.' });
  t.match(judged(tool(COMMON)), { state: 'fails', remedy: /./ }, 'a tool without variants');
  t.end();
});

t.test('what stops all tools is named by its line, with its next step, and nothing runs then', (t) => {
  const cases: readonly (readonly [Partial<DoctorFacts>, string])[] = [
    [{ rights: USER }, 'capabilities'], [{ btf: 'ENOENT' }, 'BTF'], [{ pidNamespace: 'missing' }, 'pid namespace'], [{ addon: { message: 'x', hint: 'y' }, trials: undefined }, 'addon'],
    [{ rights: { ...USER, fromFile: true } }, 'rights of Node'],
  ];
  for (const [changed, title] of cases) {
    const { runs, tools } = diagnose(machine(changed));
    t.equal(runs, false, title);
    t.match(tools, [{ state: 'fails', text: `Does not run: see ${title}.`, remedy: /./ }]);
  }
  t.equal(diagnose(machine({ tools: [] })).runs, false, 'no tools');
  t.equal(diagnose(machine({ tools: [tool(COMMON, noKprobes), tool(COMMON, TRACEPOINT)] })).runs, true, 'one of two');
  t.end();
});

t.test('the line of a variant names every hook, the refused ones with what the kernel said', (t) => {
  const line = (fact: ToolFact, key = 'tracepoint', changed: Partial<DoctorFacts> = {}): unknown => finding(`hooks.futex.${key}`, { ...changed, tools: [fact] });
  t.match(line(tool(COMMON, TRACEPOINT)), { state: 'works', title: 'futex, tracepoint', text: 'sys_enter_futex, sys_exit_futex. Its programs load.' });
  t.match(line(tool(COMMON), 'any'), { state: 'works', title: 'futex, common', text: 'sched_waking, iter/task.' });
  t.match(line(tool({ ...TRACEPOINT, hooks: [hook('tracepoint/syscalls/sys_enter_futex'), hook('tracepoint/syscalls/sys_enter_futex_waitv', ABSENT, true)] })), { state: 'limited', text: /^sys_enter_futex\. Not in this kernel: sys_enter_futex_waitv\./, remedy: /Nothing is lost/ });
  t.match(line(tool(COMMON, { ...FENTRY, limits: [LIMIT] }), 'fentry'), { state: 'limited', text: /Not seen: The ends of waits/, remedy: /docs\/kernels\.md/ });
  t.match(line(tool(variant('tracepoint', [])), 'tracepoint'), { text: 'No hooks.' });
  t.end();
});

t.test('a variant that fails says what it would take, and whether it is needed', (t) => {
  const remedy = (fact: ToolFact, key: string, changed: Partial<DoctorFacts> = {}): string => {
    const found = finding(`hooks.futex.${key}`, { ...changed, tools: [fact] });
    t.equal(found.state, 'fails', key);
    return found.remedy;
  };
  const one = (section: string, stage: string, code: string): ToolFact => tool(variant('tracepoint', [hook(section, { stage, code })]));
  t.match(remedy(tool(COMMON, { ...FENTRY, refused: DENIED }, TRACEPOINT), 'fentry'), /CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS.*Not needed: futex runs by tracepoint\./);
  t.match(remedy(tool(COMMON, { ...FENTRY, refused: DENIED }), 'fentry', { rights: USER }), /see capabilities/);
  t.match(remedy(tool(COMMON, TRACEPOINT, noKprobes), 'kprobe'), /CONFIG_KPROBES=y.*Not needed/);
  t.match(remedy(one('tracepoint/a/b', 'find', 'EACCES'), 'tracepoint'), /mount -t tracefs/);
  t.match(remedy(one('tracepoint/a/b', 'find', 'ENODEV'), 'tracepoint'), /mount -t tracefs/);
  t.match(remedy(one('tracepoint/a/b', 'find', 'ENOENT'), 'tracepoint'), /docs\/kernels\.md/);
  t.match(remedy(one('tracepoint/a/b', 'attach', 'EACCES'), 'tracepoint'), /security module/);
  t.match(remedy(one('tp_btf/x', 'attach', 'EBUSY'), 'tracepoint'), /report this/);
  t.match(remedy(tool({ ...TRACEPOINT, load: { stage: 'load', code: 'ENOMEM' } }), 'tracepoint'), /memory/);
  t.match(remedy(tool({ ...TRACEPOINT, load: { stage: 'load', code: 'EACCES' } }), 'tracepoint'), /security module/);
  t.match(remedy(tool({ ...TRACEPOINT, load: { stage: 'load', code: 'EINVAL' } }), 'tracepoint'), /`ktrace futex --dry-run -v --variant tracepoint`/);
  t.end();
});

t.test('the list of hooks has each one, with its own state', (t) => {
  const { hooks } = diagnose(machine({ tools: [tool(COMMON, { ...TRACEPOINT, hooks: [hook('tracepoint/a/b'), hook('tracepoint/a/c', ABSENT, true), hook('tracepoint/a/d', DENIED)] }, noKprobes)] }));
  t.strictSame(hooks.map(({ variant: of, hook: section, state }) => [of, section, state]), [
    ['any', 'tp_btf/sched_waking', 'works'], ['any', 'iter/task', 'works'], ['tracepoint', 'tracepoint/a/b', 'works'], ['tracepoint', 'tracepoint/a/c', 'limited'],
    ['tracepoint', 'tracepoint/a/d', 'fails'], ['kprobe', 'kprobe/__x64_sys_futex', 'fails'],
  ]);
  t.end();
});
