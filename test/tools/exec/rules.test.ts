import t from 'tap';
import { parseRule } from '../../../src/tools/exec/rules.js';
import type { End, Image } from '../../../src/tools/exec/model.js';
import { patternOf } from '../../../src/tools/own.js';

const IMAGE: Image = {
  pid: 100, tid: 100, time: 0, processBegan: 0, uid: 1000, euid: 0, comm: 'sh', program: '/bin/sh', path: '/bin/sh', file: '/usr/bin/dash', interpreter: null, directory: '/srv', argv: ['sh', '-c', 'a b'],
  argvCut: false, argvUnread: false, cgroup: '/docker/x', container: 'ab12'.repeat(16), pod: null, deleted: false, ancestors: [{ pid: 50, name: 'worker.js' }, { pid: 1, name: 'systemd' }],
};
const END: End = { time: 0, code: 1, signal: null, dumped: false, oom: false, lifetimeNs: 5e6, cpuNs: 1e6, cpuIsWhole: true, isZombie: false, peakBytes: 4096 };
const holds = (rule: string, image: Partial<Image> = {}): boolean => parseRule(rule).holds({ image: { ...IMAGE, ...image }, isKnown: true, error: 'ENOENT', end: END });

t.test('each operator compares what it says', (t) => {
  for (const rule of ['uid = 1000', 'uid != 0', 'uid > 999', 'uid >= 1000', 'uid < 1001', 'uid <= 1000', 'path ~ ^/bin/', 'path !~ tmp', 'argv = "sh -c a b"', 'argv ~ "a b$"', 'ancestor = systemd', 'ancestor ~ ^work', 'deleted = no', 'exit = 1', 'signal = ""', 'signal != 11', 'signal != SEGV', 'lifetime < 10ms', 'cpu >= 1ms', 'peak > 4000', 'error = ENOENT', 'uid=1000 and euid=0', 'oom = no', 'parent = worker.js', 'ppid = 50']) t.ok(holds(rule), rule);
  for (const rule of ['uid = 1', 'uid != 1000', 'uid > 1000', 'path ~ tmp', 'path !~ ^/bin/', 'ancestor = init', 'deleted = yes', 'exit = 0', 'lifetime > 10ms', 'uid = 1000 and euid = 1', 'interpreter ~ .', 'signal ~ .']) t.notOk(holds(rule), rule);
  t.end();
});

t.test('rules with a name', (t) => {
  t.ok(holds('shell-in-container'));
  t.notOk(holds('shell-in-container', { container: null }));
  t.notOk(holds('shell-in-container', { comm: 'ls', file: '/bin/busybox' }));
  t.ok(holds('shell-in-container', { comm: 'sh', file: '/bin/busybox' }));
  t.ok(holds('exec-from-tmp', { program: '/tmp/x' }) && holds('exec-from-tmp', { program: '/dev/shm/a/b' }));
  t.notOk(holds('exec-from-tmp', { program: '/tmpfiles/x' }));
  t.ok(holds('exec-from-tmp', { program: '/usr/bin/x', file: '/tmp/x' }), 'by a link');
  t.notOk(holds('exec-from-tmp', { program: '/usr/x.py', interpreter: '/tmp/python', file: '/tmp/python' }), 'of a script the file is the interpreter');
  t.ok(holds('deleted-binary', { deleted: true }));
  t.end();
});

t.test('a rule is about the moment that its fields are of', (t) => {
  t.strictSame(['path = x', 'path = x and exit = 1', 'error = ENOENT'].map((rule) => parseRule(rule).when), ['exec', 'exit', 'failed']);
  t.end();
});

t.test('a field that is not known holds of nothing', (t) => {
  const rule = (text: string): boolean => parseRule(text).holds({ image: { ...IMAGE, file: null }, isKnown: true });
  for (const text of ['file ~ .', 'file !~ x', 'file != x', 'exit != 0', 'lifetime < 1h']) t.notOk(rule(text), text);
  const earlier = { image: { ...IMAGE, uid: -1, container: null }, isKnown: false, end: END };
  for (const text of ['uid != 0 and exit = 1', 'container = "" and exit = 1', 'program !~ x and exit = 1', 'deleted = no and exit = 1']) t.notOk(parseRule(text).holds(earlier), text);
  t.ok(parseRule('comm = sh and exit = 1').holds(earlier), 'its name is known');
  t.end();
});

t.test('quotes, and blanks where nobody expects them', (t) => {
  t.ok(holds('  argv="sh -c a b"   and   uid=1000  '));
  t.ok(parseRule('path = "a \\"b\\" \\\\"').holds({ image: { ...IMAGE, path: 'a "b" \\' }, isKnown: true }));
  t.ok(parseRule('path = and').holds({ image: { ...IMAGE, path: 'and' }, isKnown: true }));
  t.end();
});

t.test('what is no rule is refused with a reason', (t) => {
  for (const [rule, why] of [['x', /what is "x"/], ['', /what is/], ['colour = red', /no field colour: take one of program, path/], ['constructor = x', /no field/], ['uid > x', /number/], ['uid = root', /uid is a number/], ['uid != root', /number/], ['signal = SEGFAULT', /signal is never/], ['deleted = true', /deleted is never "true"/], ['oom = 1', /never/], ['error = ENOTHING', /no error/], ['program < 5', /no number/], ['exit=0andlifetime<1s', /number/], ['exit = -1', /number/], ['lifetime < 5', /./], ['lifetime < soon', /no duration/], ['exit = 1 and', /nothing stands behind/], ['exit = 1 exit = 2', /what is/], ['error = ENOENT and exit = 1', /both/]] as const) {
    if (rule === 'lifetime < 5') t.ok(parseRule(rule).when, 'seconds');
    else t.throws(() => parseRule(rule), { code: 'USAGE', message: why }, rule);
  }
  t.throws(() => patternOf('(', '--path'), { code: 'USAGE', message: '( in --path is no regular expression' });
  t.end();
});
