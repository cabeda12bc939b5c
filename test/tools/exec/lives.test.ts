import t from 'tap';
import { ExecFlag, ExecKind, type ExecEvent } from '../../../src/generated/exec.js';
import { Lives, type News } from '../../../src/tools/exec/lives.js';
import { lineOf, recordOf } from '../../../src/tools/exec/records.js';
import { event, MS, parts, processes, textOf } from './events.js';

const taken = (events: readonly ExecEvent[], { now = 1e9, last = false } = {}): News[] => [...new Lives(processes(now)).take(events, last)];
const ended = (changes: Partial<ExecEvent> = {}): ExecEvent => event({ kind: ExecKind.EXEC_ENDED, time: 30 * MS, status: 0x0700, cpu: MS, peak: 4096, ...changes });
const freed = (changes: Partial<ExecEvent> = {}): ExecEvent => ended({ kind: ExecKind.EXEC_FREED, cpu: 3 * MS, ...changes });
const started = (changes: Parameters<typeof event>[0] = {}): ExecEvent => event({ time: 10 * MS, bytes: textOf(), ...changes });
const line = (news: News): string => (news.kind === 'freed' || news.kind === 'left' ? news.kind : lineOf(recordOf(news, [], (ns) => new Date(ns / 1e6).toISOString())));

t.test('one life: what it is, who began it, how it ended', (t) => {
  const news = taken([started(), ended(), freed()]);
  t.strictSame(news.map(({ kind }) => kind), ['exec', 'exit']);
  t.match(news[0]?.image, { program: '/usr/bin/git', argv: ['git', 'status'], directory: '/srv/src', ancestors: [{ pid: 50, name: 'worker.js' }, { pid: 1, name: 'systemd' }] });
  t.match(news[1], { end: { code: 7, signal: null, lifetimeNs: 20 * MS, cpuNs: 3 * MS, peakBytes: 4096, isZombie: false, cpuIsWhole: true } });
  t.strictSame(news.map(line), ['00:00:00.010 +     100 git status  [uid 1000, by worker.js 50 < systemd 1]', '00:00:00.030 -     100 /usr/bin/git  exit 7, lived 20.0ms, CPU 3.00ms, peak 4.00 KiB']);
  t.end();
});

t.test('an end waits for the parent to take note, but not for ever', (t) => {
  t.strictSame(taken([started(), ended()], { now: 100 * MS }).map(({ kind }) => kind), ['exec']);
  const zombie = [...new Lives(processes(300 * MS, [100])).take([started(), ended()], false)].at(-1);
  t.match(zombie, { kind: 'exit', end: { isZombie: true, cpuNs: MS } });
  t.strictSame(taken([started(), ended()], { now: 300 * MS }).map(({ kind }) => kind), ['exec'], 'the kernel has not freed it, but it is no zombie');
  t.match(taken([started(), ended()], { now: 6e9 }).at(-1), { kind: 'exit', end: { isZombie: false, cpuIsWhole: false } });
  t.match(taken([started(), ended()], { now: 100 * MS, last: true }).at(-1), { kind: 'exit', end: { isZombie: false, cpuIsWhole: false } });
  const lives = new Lives(processes(300 * MS, [100]));
  t.match([...lives.take([started(), ended()], false), ...lives.take([freed()], true)].map(({ kind }) => kind), ['exec', 'exit', 'freed']);
  t.match(line(zombie as News), /CPU at least 1\.00ms, peak 4\.00 KiB, not waited for$/);
  t.end();
});

t.test('the same id again is another process; an end that was lost comes with the freeing; two last threads are one end', (t) => {
  const other = { processBegan: 2, time: 40 * MS, began: 40 * MS };
  const news = taken([started(), freed(), started(other), ended({ ...other, time: 50 * MS, status: 9 }), ended({ ...other, time: 50 * MS, status: 9 }), freed({ ...other, time: 50 * MS, status: 9 })]);
  t.strictSame(news.map(({ kind }) => kind), ['exec', 'exit', 'exec', 'exit']);
  t.match(news[1], { end: { code: 7, lifetimeNs: 20 * MS } });
  t.match(news[3], { end: { signal: 'SIGKILL', code: null, oom: false, lifetimeNs: 10 * MS } });
  t.end();
});

t.test('a program that replaces another one in its process says so', (t) => {
  const later = { began: 20 * MS };
  const news = taken([started(), started({ time: 20 * MS, comm: 'sh' }), ended(later), freed(later)]);
  t.strictSame(news.map(({ kind }) => kind), ['exec', 'left', 'exec', 'exit']);
  t.match(news[1], { kind: 'left', time: 20 * MS, image: { time: 10 * MS } });
  t.match(news[3], { kind: 'exit', end: { lifetimeNs: 10 * MS } });
  t.end();
});

t.test('what is not known is not made up: beginnings that were lost, and programs that are not traced', (t) => {
  t.strictSame(taken([ended(), freed()]), [], 'its beginning was lost');
  t.strictSame(taken([started(), ended({ began: 20 * MS }), freed({ began: 20 * MS })]).map(({ kind }) => kind), ['exec', 'left'], 'it became another program, which was lost');
  t.strictSame(taken([started(), event({ kind: ExecKind.EXEC_LEFT, time: 25 * MS })]).map(({ kind }) => kind), ['exec', 'left']);
  const lives = new Lives(processes());
  t.equal([...lives.take([started(), event({ kind: ExecKind.EXEC_LEFT, time: 25 * MS })], true)].length + lives.running.length, 2);
  t.end();
});

t.test('killed because memory had run out is not just marked for it', (t) => {
  const oom = { flags: ExecFlag.EXEC_OOM };
  t.match(taken([started(), freed({ ...oom, status: 9 })])[1], { end: { oom: true, signal: 'SIGKILL' } });
  t.match(taken([started(), freed({ ...oom, status: 0 })])[1], { end: { oom: false, code: 0 } });
  t.match(taken([started(), freed({ status: 0x8b })])[1], { end: { signal: 'SIGSEGV', dumped: true } });
  t.end();
});

t.test('long arguments come in parts; a part that was lost cuts them', (t) => {
  const argv = ['git', ...Array.from({ length: 40 }, (_, i) => `${i}`.repeat(40))];
  const all = parts(textOf({ argv }), { time: 10 * MS });
  t.ok(all.length > 4);
  t.match(taken(all)[0]?.image, { argv, argvCut: false });
  const some = taken(all.filter((_, i) => i !== 1))[0]?.image;
  t.ok(some && some.argv.length < argv.length && some.argvCut);
  t.match(taken([started({ flags: ExecFlag.EXEC_CUT })])[0]?.image, { argvCut: true });
  t.end();
});

t.test('what failed: by which path, where it was tried, and what could not be read', (t) => {
  const failed = (changes: Partial<ExecEvent>, text: Parameters<typeof textOf>[0]): string => line(taken([event({ kind: ExecKind.EXEC_FAILED, error: 2, comm: 'sh', bytes: textOf({ interpreter: '', ...text }), ...changes })])[0] as News);
  t.match(failed({}, { path: '/opt/bin/git' }), / ! +100 \/opt\/bin\/git as git status {2}ENOENT {2}\[/);
  t.match(failed({ error: 13 }, { path: 'git' }), / git status {2}EACCES /);
  t.match(failed({ flags: ExecFlag.EXEC_UNREAD }, { path: '/x', argv: [] }), / \/x \(arguments not readable\) {2}ENOENT /);
  const at = (dirfd: number, path: string): unknown => taken([event({ kind: ExecKind.EXEC_FAILED, error: 9, dirfd, bytes: textOf({ path, interpreter: '' }) })])[0]?.image.program;
  t.strictSame([at(5, ''), at(5, 'x'), at(5, '/x'), at(-100, 'x'), at(-100, '')], ['/dev/fd/5', '/dev/fd/5/x', '/x', '/srv/src/x', '(no path)']);
  t.end();
});

t.test('a path that leads elsewhere than it reads is the file that was executed', (t) => {
  const program = (path: string, text = {}): unknown => taken([started({ bytes: textOf({ path, ...text }) })])[0]?.image.program;
  t.strictSame(['/tmp/l/../bin/git', '/proc/self/exe', '/dev/fd/3/bin/git', './git', '/usr/bin/..git'].map((path) => program(path)), ['/usr/bin/git', '/usr/bin/git', '/usr/bin/git', '/srv/src/git', '/usr/bin/..git']);
  t.equal(program('/proc/self/cwd/x.sh', { interpreter: '/bin/sh' }), '/srv/src/x.sh', 'of a script the file is the interpreter');
  t.end();
});

t.test('an end of what was there before tracing', (t) => {
  const [news] = taken([freed({ flags: ExecFlag.EXEC_EARLIER, began: 0, comm: 'nginx' })]);
  t.match(news, { kind: 'exit', beforeTracing: true, image: { program: 'nginx', uid: -1 } });
  t.match(line(news as News), /- +100 nginx {2}exit 7, after 30\.0ms, /);
  t.end();
});

t.test('what was lost is told with the next event', (t) => {
  t.strictSame(taken([started({ lost: 3 }), freed({ lost: 2 })]).map((news) => 'lost' in news && news.lost), [3, 2]);
  t.end();
});
