import t, { type Test } from 'tap';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventEmitter } from 'node:events';
import { openOutputFile } from '../../src/cli/output-file.js';
import type { CliOptions } from '../../src/cli/options.js';
import { messages, openOutput } from '../../src/cli/output.js';
import { printer } from '../../src/cli/print.js';
import { plainTable } from '../render/plain.js';
import { BUSY } from '../render/reports.js';

const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? false : 'needs root: the file belongs to another user, or a file system is mounted';
const VICTIM = 'bytes of the victim';

/** A directory like /tmp, where anybody may plant something, and one like a home. */
function places(t: Test): string[] {
  const dir = t.testdir({ sticky: {}, own: {} });
  chmodSync(join(dir, 'sticky'), 0o1777);
  return ['sticky', 'own'].map((name) => join(dir, name));
}

function save(path: string, text: string): void {
  const file = openOutputFile(path);
  file.write(text);
  file.commit();
}


t.test('a new file is whole, private, and leaves nothing beside it', (t) => {
  for (const dir of places(t)) {
    const path = join(dir, 'report');
    const file = openOutputFile(path);
    file.write('one\n');
    t.notOk(lstatSync(path, { throwIfNoEntry: false }), 'not there before it is whole');
    file.write('two\n');
    file.commit();
    file.commit();
    file.discard();
    t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
    t.equal(statSync(path).mode & 0o7777, 0o600);
    t.same(readdirSync(dir), ['report']);
  }
  t.end();
});

t.test('an own file is replaced, not written into: who reads the old one sees no half of the new', (t) => {
  const [, dir = ''] = places(t);
  const path = join(dir, 'report');
  writeFileSync(path, 'old', { mode: 0o644 });
  const before = statSync(path).ino;
  const file = openOutputFile(path);
  file.write('new');
  t.equal(readFileSync(path, 'utf8'), 'old');
  file.commit();
  t.equal(readFileSync(path, 'utf8'), 'new');
  t.not(statSync(path).ino, before);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.end();
});

t.test('a file that grows has its name at once, and keeps what was written', (t) => {
  for (const dir of places(t)) {
    const path = join(dir, 'lines');
    writeFileSync(path, 'old');
    const file = openOutputFile(path, { grows: true });
    file.write('one\n');
    t.equal(readFileSync(path, 'utf8'), 'one\n', 'others can read along');
    file.write('two\n');
    file.discard();
    t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
    t.same(readdirSync(dir), ['lines']);
    t.throws(() => file.write('three\n'), /it is closed/);
    symlinkSync(path, join(dir, 'link'));
    t.throws(() => openOutputFile(join(dir, 'link'), { grows: true }), /it is a symbolic link/);
    t.same(readdirSync(dir).toSorted(), ['lines', 'link']);
  }
  t.end();
});

t.test('what was planted under the name is refused and stays as it was', (t) => {
  for (const dir of places(t)) {
    const victim = join(dir, 'victim');
    writeFileSync(victim, VICTIM);
    symlinkSync(victim, join(dir, 'symlink'));
    symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'));
    linkSync(victim, join(dir, 'hardlink'));
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    mkdirSync(join(dir, 'folder'));
    const before = readdirSync(dir);
    const reasons = { symlink: 'a symbolic link', dangling: 'a symbolic link', hardlink: '2 names (hard links)', victim: '2 names (hard links)', fifo: 'a FIFO', folder: 'a directory' };
    for (const [name, reason] of Object.entries(reasons)) {
      t.throws(() => openOutputFile(join(dir, name)), { message: new RegExp(reason.replace(/[()]/g, '\\$&')), hint: 'choose another file, or redirect stdout' }, name);
    }
    t.same(readdirSync(dir), before, 'nothing new');
    t.equal(readFileSync(victim, 'utf8'), VICTIM);
  }
  t.throws(() => openOutputFile('/dev/null'), /it is a device/);
  t.end();
});

t.test('what is planted after the check is refused too, or at least not followed', (t) => {
  for (const dir of places(t)) {
    const victim = join(dir, 'victim');
    const path = join(dir, 'report');
    writeFileSync(victim, VICTIM);
    const file = openOutputFile(path);
    file.write('data');
    symlinkSync(victim, path);
    t.throws(() => file.commit(), /it is a symbolic link/);
    t.equal(readFileSync(victim, 'utf8'), VICTIM);
    t.same(readdirSync(dir).toSorted(), ['report', 'victim'], 'no temporary file is left');
  }
  t.end();
});

t.test('a directory exchanged after opening does not lead elsewhere', (t) => {
  const [, dir = ''] = places(t);
  for (const name of ['chosen', 'trap']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'trap', 'report'), VICTIM);
  const file = openOutputFile(join(dir, 'chosen', 'report'));
  file.write('data');
  renameSync(join(dir, 'chosen'), join(dir, 'moved'));
  symlinkSync(join(dir, 'trap'), join(dir, 'chosen'));
  file.commit();
  t.equal(readFileSync(join(dir, 'trap', 'report'), 'utf8'), VICTIM);
  t.equal(readFileSync(join(dir, 'moved', 'report'), 'utf8'), 'data');
  t.end();
});

t.test('what cannot be created is said in words', (t) => {
  const [dir = ''] = places(t);
  t.throws(() => openOutputFile(join(dir, 'no', 'such')), { message: `open the directory of ${join(dir, 'no', 'such')}: no such file or directory` });
  for (const path of ['', '.', '..', `${dir}/`, `${dir}/..`]) t.throws(() => openOutputFile(path), /it is a directory/, path);
  t.throws(() => openOutputFile(join(dir, 'n'.repeat(256))), /name too long/);
  t.end();
});

t.test('root, too, replaces its own files only', { skip: needsRoot }, (t) => {
  for (const dir of places(t)) {
    const path = join(dir, 'report');
    writeFileSync(path, VICTIM);
    chownSync(path, 65534, 65534);
    t.throws(() => save(path, 'data'), /it belongs to user 65534, not to you \(user 0\)/);
    t.equal(readFileSync(path, 'utf8'), VICTIM);
  }
  t.end();
});

for (const grows of [false, true]) t.test(`a full disk is one line; ${grows ? 'a file that grows keeps what it has' : 'no part of a file is left'}`, { skip: needsRoot }, (t) => {
  const dir = t.testdir({});
  const script = `
    import { readdirSync, statSync } from 'node:fs';
    import { openOutputFile } from './src/cli/output-file.js';
    const seen = [];
    const file = openOutputFile(${JSON.stringify(join(dir, 'report'))}, { grows: ${grows} });
    const attempt = (text) => { try { file.write(text); seen.push('written'); } catch ({ message, hint }) { seen.push([message, hint]); } };
    attempt('x'.repeat(1000));
    attempt('x'.repeat(200000));
    seen.push(readdirSync(${JSON.stringify(dir)}).map((name) => [name, statSync(${JSON.stringify(join(dir, 'report'))}).size]));
    attempt('more');
    file.commit();
    seen.push(readdirSync(${JSON.stringify(dir)}));
    process.stdout.write(JSON.stringify(seen));
  `;
  // In a mount namespace of its own, so that nothing stays mounted whatever happens.
  const inside = ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs "$0" || exit 77; exec "$@"', dir, process.execPath, ...process.execArgv, '--input-type=module', '-e', script];
  const ended = spawnSync('unshare', inside, { cwd: new URL('../..', import.meta.url), encoding: 'utf8' });
  if (ended.status === 77 || ended.error !== undefined) t.pass('no file system can be mounted here', { skip: ended.stderr || ended.error?.message || 'mount failed' });
  else {
    const full = [`write ${join(dir, 'report')}: no space left on device`, `${grows ? 'the file has what was written before; ' : ''}make room, or choose another file`];
    const left = grows ? ['report'] : [];
    t.same(JSON.parse(ended.stdout || '[]'), ['written', full, left.map((name) => [name, 1000]), [`write ${join(dir, 'report')}: it is closed`, ''], left], ended.stderr);
  }
  t.end();
});

t.test('exiting in the middle leaves no half of a file', (t) => {
  const dir = t.testdir({});
  const script = `
    import { openOutputFile } from './src/cli/output-file.js';
    openOutputFile(${JSON.stringify(join(dir, 'report'))}).write('half');
    process.exit(130);
  `;
  const ended = spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], { cwd: new URL('../..', import.meta.url), encoding: 'utf8' });
  t.equal(ended.status, 130, ended.stderr);
  t.same(readdirSync(dir), []);
  t.end();
});

/** A stdout whose writes fail with the error, or succeed. */
function stdoutThat(fails?: Error): EventEmitter & { written: string; isTTY: boolean; rows: number; columns: number; write(text: string, done: (error?: Error | null) => void): boolean } {
  return Object.assign(new EventEmitter(), {
    written: '',
    isTTY: true,
    rows: 24,
    columns: 80,
    write(this: { written: string }, text: string, done: (error?: Error | null) => void) {
      if (fails === undefined) this.written += text;
      setImmediate(() => done(fails));
      return true;
    },
  });
}

t.test('data goes to stdout', async (t) => {
  const stdout = stdoutThat();
  const output = openOutput(undefined, { streams: { stdout: stdout as never } });
  await output.data('row\n');
  await output.finish();
  output.discard();
  t.equal(stdout.written, 'row\n');
  t.same(output.terminal(), { rows: 24, columns: 80 });
});

t.test('a terminal that does not know its size gets reports one after the other, for 80 columns', async (t) => {
  const stdout = Object.assign(stdoutThat(), { rows: 0, columns: 0 });
  const print = printer({ output: 'table', intervalNs: 1e9, clear: true, color: 'never', verbose: false } as CliOptions, openOutput(undefined, { streams: { stdout: stdout as never } }));
  await print(BUSY);
  await print(BUSY);
  t.equal(stdout.written, `${plainTable(BUSY)}\n${plainTable(BUSY)}`);
});

t.test('messages are sanitized; none with --quiet', async (t) => {
  let written = '';
  const stderr = { write: (text: string) => (written += text) };
  messages({ quiet: false }, stderr)('tracing \x1b[31m');
  messages({ quiet: true }, stderr)('tracing');
  t.equal(written, 'tracing \\x1b[31m\n');
});

t.test('a failing stdout rejects the write, and a reader that went away does so with EPIPE', async (t) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const output = openOutput(undefined, { streams: { stdout: stdoutThat(full) as never } });
  await t.rejects(output.data('x'), { message: 'write to stdout', cause: full, hint: 'the output is not complete' });
  const gone = stdoutThat(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  const closed = openOutput(undefined, { streams: { stdout: gone as never } });
  await t.rejects(closed.data('x'), { code: 'EPIPE' });
  gone.emit('error', new Error('write EPIPE'));
  t.pass('the event of the stream is harmless');
});

t.test('with --output-file data goes there, and no terminal is reported', async (t) => {
  const path = join(t.testdir({}), 'report');
  const output = openOutput(path);
  t.equal(output.terminal(), undefined);
  await output.data('one\n');
  await output.finish();
  t.equal(readFileSync(path, 'utf8'), 'one\n');
  const other = openOutput(`${path}2`);
  await other.data('one\n');
  other.discard();
  t.notOk(lstatSync(`${path}2`, { throwIfNoEntry: false }));
});

t.test('a pipe that closes early ends a process quietly with 0, a full device with 1 and one line', (t) => {
  const script = `
    import { openOutput } from './src/cli/output.js';
    import { fail } from './src/cli/exit.js';
    const output = openOutput(undefined);
    try {
      for (let i = 0; i < 10000; i++) await output.data('x'.repeat(1000) + '\\n');
    } catch (error) {
      process.exitCode = fail(error);
    }
  `;
  const node = [process.execPath, ...process.execArgv, '--input-type=module', '-e', script].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const run = (line: string) => spawnSync('bash', ['-c', line], { cwd: new URL('../..', import.meta.url), encoding: 'utf8' });
  t.match(run(`${node} | head -n 1 | wc -l; echo status \${PIPESTATUS[0]}`), { stdout: /^1\nstatus 0\n/, stderr: /^$/ });
  t.match(run(`${node} > /dev/full; echo status $?`), { stdout: 'status 1\n', stderr: /^ktrace: write to stdout: ENOSPC: no space left on device, write; the output is not complete\n$/ });
  t.end();
});
