/** The launcher of `ktrace TOOL -- command`. */

import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const launcher = fileURLToPath(new URL('../../build/Release/ktrace-exec', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

if (existsSync(launcher)) tests();
else t.plan(0, 'the launcher is not built: npm run setup');

function tests(): void {
  const directory = t.testdir({ empty: '' });
  const isRoot = process.getuid?.() === 0;

  t.test('the program runs with its arguments, input, output and exit status', async (t) => {
    t.strictSame(await run(['--', 'sh', '-c', 'cat; echo "$1" >&2; exit 23', 'sh', 'a  b']), { status: 23, stdout: 'in', stderr: 'a  b\n' });
  });

  t.test('the program has exactly the descriptors 0, 1 and 2', async (t) => {
    const child = start(['--', 'sleep', '60']);
    (child.stdio[3] as Writable).end('x');
    while (!readFileSync(`/proc/${child.pid}/stat`, 'utf8').includes('(sleep) S ')) await sleep(5); // its libraries are loaded: no file of theirs is open any more
    t.strictSame(readdirSync(`/proc/${child.pid}/fd`), ['0', '1', '2']);
    child.kill();
    await once(child, 'exit');
  });

  t.test('the program starts with no signal ignored or blocked', async (t) => {
    const { stdout } = await run(['--', 'grep', '-E', '^Sig(Ign|Blk)', '/proc/self/status']);
    t.equal(stdout, 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });

  t.test('the program keeps the process id of the launcher', async (t) => {
    const child = start(['--', 'sh', '-c', 'echo $$']);
    const out = text(child.stdio[1] as Readable);
    (child.stdio[3] as Writable).end('x');
    t.equal(await out, `${child.pid}\n`);
  });

  t.test('nothing runs before the byte, nor when the tracer dies without sending one', async (t) => {
    const mark = join(directory, 'ran');
    const child = start(['--', 'touch', mark]);
    await sleep(100);
    t.equal(child.exitCode, null, 'it waits');
    t.notOk(existsSync(mark));
    child.stdio[3]?.destroy();
    t.strictSame(await once(child, 'exit'), [125, null]);
    t.notOk(existsSync(mark));
  });

  t.test('without descriptor 3 it runs nothing', (t) => {
    const { status, stderr } = spawnSync(launcher, ['--', 'echo'], { encoding: 'utf8' });
    t.strictSame([status, stderr], [125, 'ktrace-exec: descriptor 3: Bad file descriptor\n']);
    t.end();
  });

  t.test('a program that is not found exits 127, one that cannot be run 126, each with its reason', async (t) => {
    const path = join(directory, 'empty');
    t.strictSame(await run(['--', '/no/such/program']), { status: 127, stdout: '', stderr: 'ktrace-exec: /no/such/program: No such file or directory\n' });
    chmodSync(path, 0o600);
    t.strictSame(await run(['--', path]), { status: 126, stdout: '', stderr: `ktrace-exec: ${path}: Permission denied\n` });
    writeFileSync(path, '#!/no/such/interpreter\n', { mode: 0o700 });
    chmodSync(path, 0o700);
    t.match(await run(['--', path]), { status: 127 });
  });

  t.test('control bytes of the name are escaped', async (t) => {
    const { stderr } = await run(['--', '/no/\x1b]0;x\x07\n\u009b\\']);
    t.equal(stderr, 'ktrace-exec: /no/\\x1b]0;x\\x07\\x0a\\xc2\\x9b\\x5c: No such file or directory\n');
  });

  for (const words of [[], ['--'], ['echo'], ['--user'], ['--user', 'root'], ['--user', 'root', '--'], ['--user', 'root', 'echo', 'x'], ['-x', '--', 'echo']]) {
    t.test(`«${words.join(' ')}» is a usage error`, async (t) => {
      const { status, stdout, stderr } = await run(words);
      t.strictSame([status, stdout], [125, '']);
      t.match(stderr, /^ktrace-exec: usage: /);
    });
  }

  t.test('an unknown user runs nothing', async (t) => {
    for (const user of ['no-such-user', '', '4294967295', '99999999999', '12x']) {
      t.match(await run(['--user', user, '--', 'echo', 'ran']), { status: 125, stdout: '', stderr: /^ktrace-exec: --user: / }, user);
    }
  });

  t.test('a user without the right to become another runs nothing', async (t) => {
    // Where anybody can reach it, which the checkout may not be.
    const open = mkdtempSync(join(tmpdir(), 'ktrace-exec-'));
    t.teardown(() => rmSync(open, { recursive: true }));
    chmodSync(open, 0o755);
    copyFileSync(launcher, join(open, 'ktrace-exec'));
    const ids = isRoot ? { uid: 65534, gid: 65534 } : {};
    const { status, stdout, stderr } = spawnSync(join(open, 'ktrace-exec'), ['--user', 'root', '--', 'echo', 'ran'], { cwd: '/', encoding: 'utf8', ...ids });
    t.strictSame([status, stdout, stderr], [125, '', 'ktrace-exec: initgroups: Operation not permitted\n']);
  });

  t.test('--user takes over user, group and groups for good, by name or number', { skip: !isRoot && 'not root' }, async (t) => {
    for (const user of ['nobody', '65534']) {
      const { stdout } = await run(['--user', user, '--', 'sh', '-c', 'id -ru; id -u; id -rg; id -g; id -G; grep -E "^(Uid|Gid|CapEff)" /proc/self/status']);
      t.equal(stdout, '65534\n'.repeat(5) + `Uid:${'\t65534'.repeat(4)}\nGid:${'\t65534'.repeat(4)}\nCapEff:\t0000000000000000\n`);
    }
  });
}

function start(words: readonly string[]): ReturnType<typeof spawn> {
  const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe'];
  return spawn(launcher, words, { stdio });
}

/** Lets it go, with "in" as its input. */
async function run(words: readonly string[]): Promise<Outcome> {
  const child = start(words);
  for (const [index, data] of [[0, 'in'], [3, 'x']] as const) {
    const stream = child.stdio[index] as Writable;
    stream.on('error', () => {}); // it may be gone already
    stream.end(data);
  }
  const texts = Promise.all([text(child.stdio[1] as Readable), text(child.stdio[2] as Readable)]);
  const [status] = (await once(child, 'exit')) as [number | null];
  const [stdout, stderr] = await texts;
  return { status, stdout, stderr };
}
