import t from 'tap';
import { EXIT, UsageError, fail } from '../../src/cli/exit.js';
import { VerifierError } from '../../src/errors.js';
import { wantsColor } from '../../src/cli/color.js';
import { frame, liveView } from '../../src/cli/live.js';
import { stopOnSignal } from '../../src/cli/signals.js';
import { EventEmitter } from 'node:events';
import { FORBIDDEN, PAYLOADS } from '../render/hostile.js';

function said(error: unknown, verbose = false): { code: number; text: string } {
  let text = '';
  const code = fail(error, verbose, { write: (part: string) => (text += part) });
  return { code, text };
}

t.test('a failure is one line: what, its causes, and the next step', (t) => {
  const cause = new Error('attach tp_btf/sched_switch', { cause: new Error('EPERM') });
  const error = Object.assign(new Error('trace futex', { cause }), { hint: 'run as root' });
  t.same(said(error), { code: 1, text: 'ktrace: trace futex: attach tp_btf/sched_switch: EPERM; run as root\n' });
  t.same(said(Object.assign(new Error('no BTF'), { name: 'UnsupportedError' })), { code: 77, text: 'ktrace: no BTF\n' });
  t.same(said(Object.assign(new Error('lost'), { exitCode: EXIT.losses })), { code: 3, text: 'ktrace: lost\n' });
  t.same(said(new UsageError('bad')), { code: 2, text: 'ktrace: bad\n' });
  t.same(said('just text'), { code: 1, text: 'ktrace: just text\n' });
  t.same(said(undefined), { code: 1, text: 'ktrace: undefined\n' });
  t.same(said(new Error('')), { code: 1, text: 'ktrace: Error\n' });
  t.same(said(new Error('a: b', { cause: new Error('b') })), { code: 1, text: 'ktrace: a: b\n' }, 'a quoted cause is not repeated');
  t.end();
});

t.test('what the verifier said is shown to who asks for more, harmless, and before the line', (t) => {
  const error = new VerifierError('0: (b7) r0 = 0\n1: \u001b[31m(95) exit\nprocessed 2 insns\n', { cause: Object.assign(new Error('load object'), { code: 'EINVAL', stage: 'load' }) });
  const line = 'ktrace: load: the verifier refused a program: load object: EINVAL; please report this with `uname -r` and the log (-v shows it)\n';
  t.same(said(error), { code: 1, text: line });
  t.same(said(error, true), { code: 1, text: `0: (b7) r0 = 0\n1: \\x1b[31m(95) exit\nprocessed 2 insns\n${line}` });
  t.same(said(new Error('a'), true), { code: 1, text: 'ktrace: a\n' });
  t.end();
});

t.test('causes in a circle end', (t) => {
  const error = new Error('a');
  error.cause = error;
  t.same(said(error), { code: 1, text: 'ktrace: a\n' });
  const pair = [new Error('a1'), new Error('b2')] as const;
  pair[0].cause = pair[1];
  pair[1].cause = pair[0];
  t.same(said(pair[0]), { code: 1, text: 'ktrace: a1: b2\n' });
  t.end();
});

t.test('a reader that went away is no failure', (t) => {
  t.same(said(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })), { code: 0, text: '' });
  t.end();
});

t.test('nothing of the corpus gets out of an error message, which stays one line', (t) => {
  for (const payload of PAYLOADS) {
    const { text } = said(Object.assign(new Error(`open ${payload}`, { cause: new Error(payload) }), { hint: payload }));
    if (FORBIDDEN.test(text) || text.indexOf('\n') !== text.length - 1) t.fail(JSON.stringify(text));
  }
  t.pass(`${PAYLOADS.length} payloads`);
  t.end();
});

t.test('colour: the option, then NO_COLOR, FORCE_COLOR, TERM=dumb and whether it is a terminal', (t) => {
  const cases: ['auto' | 'always' | 'never', Record<string, string>, boolean, boolean][] = [
    ['auto', {}, true, true], ['auto', {}, false, false], ['auto', { NO_COLOR: '1' }, true, false], ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { FORCE_COLOR: '1' }, false, true], ['auto', { FORCE_COLOR: '' }, false, true], ['auto', { FORCE_COLOR: '0' }, true, false], ['auto', { TERM: 'dumb' }, true, false],
    ['auto', { TERM: 'dumb', FORCE_COLOR: '1' }, true, true], ['auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true], ['never', { FORCE_COLOR: '1' }, true, false],
  ];
  for (const [when, env, terminal, expected] of cases) t.equal(wantsColor(when, env, terminal), expected, `${when} ${JSON.stringify(env)} ${terminal}`);
  t.end();
});

class FakeProcess extends EventEmitter {
  readonly codes: number[] = [];
  exit(code: number): void {
    this.codes.push(code);
  }
}

t.test('the first signal stops, whichever it is, and only a second SIGINT exits 130', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const source = new FakeProcess();
    const { stopped, dispose } = stopOnSignal(source);
    source.emit(signal, signal);
    t.equal(await stopped, signal);
    source.emit('SIGTERM', 'SIGTERM');
    t.same(source.codes, []);
    source.emit('SIGINT', 'SIGINT');
    source.emit('SIGINT', 'SIGINT');
    t.match(source.codes, signal === 'SIGINT' ? [130, 130] : [130]);
    dispose();
    t.same(source.eventNames(), []);
  }
});

t.test('a live picture fills the screen at most, without scrolling', (t) => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i} `.padEnd(30, 'x')).join('\n') + '\n';
  const picture = frame(lines, { rows: 24, columns: 20 });
  t.equal(picture.split('\n').length, 24);
  t.match(picture, /^\x1b\[Hline 0 /);
  t.match(picture, '… 27 more ');
  t.ok(picture.endsWith('\x1b[K\x1b[J'));
  t.equal(frame('a\nb\n', { rows: 24, columns: 80 }), '\x1b[Ha\x1b[K\nb\x1b[K\x1b[J');
  for (const line of picture.replace(/\x1b\[[HKJ]/g, '').split('\n')) t.ok(line.length <= 20);
  t.equal(frame('\x1b[1mbold\x1b[22m\n', { rows: 2, columns: 4 }), '\x1b[H\x1b[1mbold\x1b[22m\x1b[K\x1b[J');
  t.equal(frame('\x1b[1mbolder\x1b[22m\n', { rows: 2, columns: 4 }), '\x1b[Hbo…r\x1b[K\x1b[J');
  t.end();
});

t.test('a live view redraws on a terminal and appends elsewhere, or with --no-clear', (t) => {
  const drawn = liveView(() => ({ rows: 5, columns: 20 }), true);
  t.same([drawn('a\n'), drawn('b\n')], ['\x1b[2J\x1b[Ha\x1b[K\x1b[J', '\x1b[Hb\x1b[K\x1b[J']);
  for (const view of [liveView(() => undefined, true), liveView(() => ({ rows: 5, columns: 20 }), false)]) t.same([view('a\n'), view('b\n')], ['a\n', '\nb\n']);
  t.end();
});
