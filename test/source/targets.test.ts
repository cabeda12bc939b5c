import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KtraceError } from '../../src/errors.js';
import { Targets, targetWords } from '../../src/source/targets.js';

const compiler = spawnSync('cc', ['--version']).error ? 'no C compiler' : false;
const kernelThread = kernelThreadId();

/** A thread of the kernel that this pid namespace shows. */
function kernelThreadId(): number | undefined {
  return [2, 3, 10].find((pid) => existsSync(`/proc/${pid}/stat`) && (Number(/^.*\) (?:\S+ ){6}(\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]) & 0x00200000) !== 0);
}

async function started(command: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

const echo = async (): ReturnType<typeof started> => started('sh', '-c', 'echo ready; exec cat');

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function stateOf(pid: number): string {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function refusal(pid: number): KtraceError {
  try {
    new Targets([pid]);
  } catch (error) {
    if (error instanceof KtraceError) return error;
    throw error;
  }
  throw new Error(`${pid} was taken`);
}

t.test('who is traced, in words', (t) => {
  t.strictSame([{ pids: [], tids: [] }, { pids: [7], tids: [8] }, { pids: [7, 9], tids: [] }, { pids: [], tids: [8] }, { pids: [], tids: [8, 9] }].map(targetWords), ['all processes', 'process 7', 'processes 7, 9', 'thread 8', 'threads 8, 9']);
  t.end();
});

t.test('nothing seen of a process that the kernel keeps from being traced is no idleness', (t) => {
  const [targets, own] = [new Targets([1]), new Targets([process.pid])];
  const { stderr } = spawnSync('cat', ['/proc/1/syscall'], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  const isKept = stderr.includes('Operation not permitted') && process.getuid?.() === 0;
  t.match(targets.notes(0), isKept ? [{ finding: 'Nothing was seen of process 1, which this kernel keeps from being traced', next: 'sudo cat /proc/1/syscall' }] : { length: 0 });
  t.equal(targets.notes(0).length, isKept ? 1 : 0);
  t.strictSame(targets.notes(1), []);
  t.strictSame(own.notes(0), []);
  t.end();
});

t.test('a process that a signal has stopped is said to be', async (t) => {
  const child = await echo();
  t.teardown(() => child.kill('SIGKILL'));
  const targets = new Targets([child.pid]);
  t.strictSame(targets.notes(1), []);
  child.kill('SIGSTOP');
  await until(() => stateOf(child.pid) === 'T');
  t.match(targets.notes(1), [{ finding: `Process ${child.pid} is stopped by a signal`, next: `sudo kill -CONT ${child.pid}` }]);
  child.kill('SIGCONT');
  await until(() => stateOf(child.pid) === 'S');
  t.strictSame(targets.notes(1), []);
});

t.test('without targets nothing is ever gone', (t) => {
  t.equal(new Targets([]).allGone(), false);
  t.end();
});

t.test('a process lives until it has ended, and several until the last has', async (t) => {
  const [first, second] = [await echo(), await echo()];
  const both = new Targets([first.pid, second.pid]);
  const one = new Targets([first.pid]);
  t.strictSame([both.allGone(), one.allGone()], [false, false]);
  await ended(first);
  t.strictSame([both.allGone(), one.allGone()], [false, true]);
  const children = { born: () => 1, ids: () => [first.pid, second.pid] };
  t.equal(one.allGone(children), false, 'a child of it lives');
  await ended(second);
  t.equal(both.allGone(), true);
  t.equal(one.allGone(children), true);
  let born = 0;
  t.equal(one.allGone({ born: () => born++, ids: () => [] }), false, 'another is born meanwhile');
});

t.test('a process that does not exist is an error with the next step', async (t) => {
  const child = await echo();
  await ended(child);
  t.match(refusal(child.pid), { code: 'ESRCH', message: `There is no process ${child.pid}`, hint: /pgrep/ });
  t.match(refusal(4_194_304), { code: 'ESRCH' });
  t.throws(() => new Targets([process.pid, child.pid]), { code: 'ESRCH' }, 'among others that do');
});

/** A child of a process that never waits for it: a shell does, so it has to be something else by then. */
async function neglected(): Promise<{ parent: ChildProcess; child: number }> {
  const parent = await started('sh', '-c', 'sleep 60 & echo $!; exec sleep 60');
  const child = Number(readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim());
  await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
  return { parent, child };
}

t.test('a zombie has ended', async (t) => {
  const { parent, child } = await neglected();
  t.teardown(async () => ended(parent));
  process.kill(child, 'SIGKILL');
  await until(() => stateOf(child) === 'Z');
  t.match(refusal(child), { code: 'ESRCH', message: /has ended already/ });
});

t.test('a target that becomes a zombie is gone', async (t) => {
  const { parent, child } = await neglected();
  t.teardown(async () => ended(parent));
  const targets = new Targets([child]);
  t.equal(targets.allGone(), false);
  process.kill(child, 'SIGKILL');
  await until(() => stateOf(child) === 'Z');
  t.equal(targets.allGone(), true);
});

t.test('a process goes on without its first thread', { skip: compiler }, async (t) => {
  const program = join(t.testdir({
    'leaderless.c': `#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *rest(void *unused) { (void)unused; puts("ready"); fflush(stdout); pause(); return NULL; }
int main(void) { pthread_t thread; pthread_create(&thread, NULL, rest, NULL); pthread_exit(NULL); }`,
  }), 'leaderless');
  execFileSync('cc', ['-O2', '-pthread', '-o', program, `${program}.c`]);
  const child = await started(program);
  t.teardown(async () => ended(child));
  await until(() => stateOf(child.pid) === 'Z');
  t.equal(new Targets([child.pid]).allGone(), false);
});

t.test('a thread of the kernel has no futexes', { skip: kernelThread === undefined && 'this pid namespace shows no thread of the kernel' }, (t) => {
  t.match(refusal(kernelThread ?? 0), { code: 'KTHREAD', message: new RegExp(`^Process ${kernelThread} is a thread of the kernel`) });
  t.end();
});

t.test('a thread id is no process id, and the hint names both ways out', (t) => {
  const thread = readdirSync('/proc/self/task').map(Number).find((tid) => tid !== process.pid);
  const error = refusal(thread ?? 0);
  t.match(error, { code: 'THREAD', message: `${thread} is a thread of process ${process.pid}` });
  t.match(error.hint, `-t ${thread}`);
  t.match(error.hint, `-p ${process.pid}`);
  t.end();
});

t.test('a name full of parentheses and blanks hides nothing', { skip: compiler }, async (t) => {
  const directory = t.testdir({ 'named.c': '#include <stdio.h>\n#include <unistd.h>\n#include <sys/prctl.h>\nint main(void) { prctl(PR_SET_NAME, ") Z 1 (a) Z\\n1"); puts("ready"); fflush(stdout); pause(); }' });
  const program = join(directory, 'named');
  execFileSync('cc', ['-o', program, `${program}.c`]);
  const child = await started(program);
  t.teardown(async () => ended(child));
  t.equal(new Targets([child.pid]).allGone(), false);
});
