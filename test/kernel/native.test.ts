/** The addon against the running kernel: every method with exact values, and nothing left behind however it ends. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { BpfObject, NativeError } from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { kernelVersion } from './machine.js';
import { addonPath, compileProbe, openProbe, targetBytes, whyNot } from '../bpf/probe.js';

const CALLS = 23;
const HITS = 0;
const FAILED = 1;
const SYSCALLS = 2;
/** A 16-byte record behind its length, padded to 8. */
const FRAME = 24;
/** Internal maps are named after the object; every program uses .rodata, so while one is left, so is that map. */
const TAG = `kt${process.pid % 100000}`;

if (process.getuid?.() !== 0) t.plan(0, 'not root');
else if (whyNot()) t.plan(0, whyNot());
else tests();

function tests(): void {
  const directory = t.testdir();
  const path = join(directory, 'probe.bpf.o');
  const bytes = compileProbe(path);
  const start = (...programs: string[]): BpfObject => {
    const object = openProbe(bytes, TAG, programs);
    object.load();
    for (const program of programs) if (!program.endsWith('__iter')) object.attach(program);
    return object;
  };

  /** A test that leaves no map of ours in the kernel. */
  const test = (title: string, body: (t: Test) => void | Promise<void>, timeout = 60_000): void => {
    t.test(title, { timeout }, async (t) => {
      await body(t);
      t.ok(await nothingLeft(), 'nothing of ours is left in the kernel');
    });
  };

  test('a tracepoint counts exactly the calls of one process, without a mounted tracefs, until it is detached', (t) => {
    const mounts = readFileSync('/proc/self/mounts', 'utf8');
    const object = start('getppid__tracepoint', 'enter__tp_btf');
    t.equal(readFileSync('/proc/self/mounts', 'utf8'), mounts, 'the mount table is as before');
    callGetppid(CALLS);
    object.detach('getppid__tracepoint');
    callGetppid(CALLS);
    object.detach();
    object.detach();
    callGetppid(CALLS);
    t.equal(slot(object, HITS), CALLS);
    t.equal(slot(object, SYSCALLS), 2 * CALLS);
    t.strictSame(rows(object.snapshot('calls'), 12), [row(process.pid, CALLS)]);
    object.close();
  });

  test('a program can be attached again after detach, and not twice', (t) => {
    const object = start('enter__tp_btf');
    t.match(failure(() => object.attach('enter__tp_btf')), { code: 'EBUSY', stage: 'attach', message: 'attach program enter__tp_btf twice' });
    object.detach('enter__tp_btf');
    object.attach('enter__tp_btf');
    callGetppid(CALLS);
    t.equal(slot(object, SYSCALLS), CALLS);
    object.close();
  });

  test('per-CPU maps give one value for each possible CPU', (t) => {
    const object = start('getppid__tracepoint');
    callGetppid(CALLS);
    const width = 8 * loadBinding().possibleCpus;
    const slots = rows(object.snapshot('slots'), 4 + width);
    t.strictSame(slots.map((bytes) => view(bytes).getUint32(0, true)), [0, 1, 2], 'keys in order');
    t.strictSame(slots.map((bytes) => sum(bytes.subarray(4))), [CALLS, 0, 0]);
    const hash = rows(object.snapshot('calls_per_cpu'), 4 + width);
    t.strictSame(hash.map((bytes) => [view(bytes).getUint32(0, true), sum(bytes.subarray(4))]), [[process.pid, CALLS]]);
    t.equal(object.lookup('slots', u32(HITS))?.length, width);
    object.update('slots', u32(HITS), new Uint8Array(width).fill(1));
    t.strictSame(object.lookup('slots', u32(HITS)), new Uint8Array(width).fill(1));
    object.close();
  });

  test('lookup and update of a hash map', (t) => {
    const object = start();
    t.equal(object.lookup('calls', u32(7)), undefined);
    t.strictSame(object.snapshot('calls'), new Uint8Array(0));
    object.update('calls', u32(7), row(7, 41).subarray(4));
    t.strictSame(object.lookup('calls', u32(7)), row(7, 41).subarray(4));
    object.close();
  });

  test('a snapshot of 100,000 rows has each row once, over many batches', (t) => {
    const object = openProbe(bytes, TAG, []);
    object.setMaxEntries('calls', 100_000);
    object.load();
    for (let key = 0; key < 100_000; key++) object.update('calls', u32(key), row(key, key * 3).subarray(4));
    t.match(failure(() => object.update('calls', u32(1e6), new Uint8Array(8))), { code: 'E2BIG', stage: 'map', message: 'update map calls' });
    const snapshot = view(object.snapshot('calls'));
    const values = new Map<number, number>();
    for (let at = 0; at < snapshot.byteLength; at += 12) values.set(snapshot.getUint32(at, true), snapshot.getUint32(at + 4, true));
    t.equal(snapshot.byteLength, 100_000 * 12);
    t.equal(values.size, 100_000);
    t.ok([...values].every(([key, value]) => value === key * 3));
    object.close();
  });

  test('a map without batch reads (stack traces) is read key by key', (t) => {
    const object = start('getppid__tracepoint');
    callGetppid(CALLS);
    const stacks = rows(object.snapshot('stacks'), 4 + 64);
    t.ok(stacks.length >= 1);
    for (const stack of stacks) t.strictSame(object.lookup('stacks', stack.subarray(0, 4)), stack.slice(4));
    object.close();
  });

  test('an iterator gives every thread of the machine, as often as it is run', async (t) => {
    const object = start('tasks__iter');
    const child = spawn('sleep', ['60']);
    for (let run = 0; run < 3; run++) {
      const tasks = rows(object.iterate('tasks__iter'), 8).map((bytes) => view(bytes));
      const mine = tasks.filter((task) => task.getUint32(0, true) === process.pid).map((task) => task.getUint32(4, true));
      t.strictSame(mine.sort(), readdirSync('/proc/self/task').map(Number).sort());
      t.equal(tasks.filter((task) => task.getUint32(0, true) === child.pid).length, 1);
    }
    child.kill();
    await once(child, 'exit');
    object.close();
  });

  test('a full ring: what was received and what was counted as failed are all submissions', (t) => {
    const object = start('getppid__tracepoint');
    const submissions = 5000;
    callGetppid(submissions);
    object.detach();
    const received = drainAll(object, 1 << 16);
    t.equal(slot(object, HITS), submissions);
    t.equal(received.length + slot(object, FAILED), submissions);
    t.equal(received.length, Math.floor(4096 / FRAME), 'as many as the ring holds');
    t.strictSame(received, received.map((_, index) => index), 'in order');
    object.close();
  });

  for (const size of [FRAME, FRAME + 1, 100, 1000]) {
    test(`draining into ${size} bytes, over and over while records come, loses nothing and keeps the order`, (t) => {
      const object = start('getppid__tracepoint');
      const received: number[] = [];
      const into = new Uint8Array(size);
      const rounds = 40;
      for (let round = 0; round < rounds; round++) {
        callGetppid(CALLS);
        for (let length; (length = object.drain('events', into)) > 0; ) received.push(...sequences(into, length));
      }
      t.equal(slot(object, FAILED), 0);
      t.strictSame(received, Array.from({ length: rounds * CALLS }, (_, index) => index));
      object.close();
      });
  }

  test('draining while another process submits at full speed conserves every event', async (t) => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.once("data", () => { for (let i = 0; i < 200000; i++) process.ppid; process.exit() })']);
    const object = openProbe(bytes, TAG, ['getppid__tracepoint'], child.pid);
    object.load();
    object.attach('getppid__tracepoint');
    const exited = once(child, 'exit');
    child.stdin.end('go');
    const received: number[] = [];
    const into = new Uint8Array(2048);
    while (child.exitCode === null) {
      for (let length; (length = object.drain('events', into)) > 0; ) received.push(...sequences(into, length));
      await sleep(0);
    }
    await exited;
    received.push(...drainAll(object, 2048));
    const hits = slot(object, HITS);
    t.ok(hits >= 200_000);
    t.equal(received.length + slot(object, FAILED), hits);
    t.ok(received.every((sequence, index) => sequence === index), 'each once and in order');
    object.close();
  });

  test('discarded records are passed over and odd lengths padded', (t) => {
    const object = start('enter__raw_tp');
    callGetppid(3);
    object.detach();
    const into = new Uint8Array(100).fill(0xff);
    const frame = [13, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 0, 0, 0, 0, 0, 0];
    t.equal(object.drain('events', into), 3 * frame.length);
    t.strictSame([...into.subarray(0, 72)], [...frame, ...frame, ...frame]);
    t.ok(into.subarray(72).every((byte) => byte === 0xff), 'nothing is written behind');
    t.equal(object.drain('events', into), 0);
    object.close();
  });

  test('a record larger than the whole buffer throws, stays in the ring, and fits the next time', (t) => {
    const object = start('getppid__tracepoint');
    callGetppid(1);
    for (const size of [0, 4, FRAME - 1]) {
      t.match(failure(() => object.drain('events', new Uint8Array(size))), { code: 'EMSGSIZE', stage: 'drain' });
    }
    t.strictSame(drainAll(object, FRAME), [0]);
    object.close();
  });

  test('programs() gives what was loaded, with the verifier\'s work', (t) => {
    const object = start('getppid__tracepoint', 'tasks__iter');
    const programs = object.programs();
    t.strictSame(programs.map(({ name }) => name), ['getppid__tracepoint', 'tasks__iter']);
    for (const { verifiedInsns, recursionMisses } of programs) {
      t.equal(verifiedInsns > 2, kernelVersion() >= 516, 'before 5.16 the kernel does not say');
      t.equal(recursionMisses, 0);
    }
    object.close();
  });

  test('a program that the verifier refuses fails at stage load with its log, and leaves a closable object', (t) => {
    const object = openProbe(bytes, TAG, ['refused__raw_tp', 'getppid__tracepoint']);
    const error = failure(() => object.load());
    t.match(error, { code: 'EACCES', errno: 13, stage: 'load', message: 'load object' });
    t.match(error.log, /R0 invalid mem access 'map_value_or_null'/);
    t.match(error.log, /refused__raw_tp/);
    t.match(failure(() => object.load()), { code: 'EINVAL', message: 'load object after a failed load' });
    t.match(failure(() => object.attach('getppid__tracepoint')), { code: 'EINVAL', message: 'attach program after a failed load' });
    object.close();
  });

  test('what this kernel cannot attach says so with an errno', (t) => {
    const object = openProbe(bytes, TAG, ['missing__tracepoint', 'nanosleep__kprobe']);
    object.load();
    t.match(failure(() => object.attach('missing__tracepoint')), { code: 'ENOENT', errno: 2, stage: 'attach', message: 'attach program missing__tracepoint' });
    const kprobes = readdirSync('/sys/bus/event_source/devices').includes('kprobe');
    if (kprobes) object.attach('nanosleep__kprobe');
    else t.match(failure(() => object.attach('nanosleep__kprobe')), { code: 'ENOTSUP', errno: 95, stage: 'attach' });
    object.close();
  });

  test('wrong usage of a loaded object is refused by name, and the object stays usable', (t) => {
    const object = start('getppid__tracepoint', 'tasks__iter');
    const key = u32(0);
    const value = new Uint8Array(8);
    const cases: readonly (readonly [() => unknown, Partial<NativeError>])[] = [
      [() => object.load(), { code: 'EINVAL', stage: 'load', message: 'load object after load' }],
      [() => object.setAutoload('tasks__iter', false), { code: 'EINVAL', stage: 'configure', message: 'set autoload after load' }],
      [() => object.setMaxEntries('calls', 1), { code: 'EINVAL', stage: 'configure', message: 'set max entries after load' }],
      [() => object.writeGlobals('.rodata', 0, key), { code: 'EINVAL', stage: 'configure', message: 'write globals after load' }],
      [() => object.attach('nope'), { code: 'ENOENT', stage: 'attach', message: 'attach program nope' }],
      [() => object.attach('enter__tp_btf'), { code: 'EINVAL', stage: 'attach', message: 'attach program enter__tp_btf: not loaded' }],
      [() => object.attach('tasks__iter'), { code: 'EINVAL', stage: 'attach', message: 'attach program tasks__iter: an iterator is run, not attached' }],
      [() => object.attach(5 as never), { code: 'EINVAL', stage: 'attach', message: 'attach program: expected a name' }],
      [() => object.detach(null as never), { code: 'EINVAL', stage: 'attach', message: 'detach program: expected a name' }],
      [() => object.iterate('nope'), { code: 'ENOENT', stage: 'iterate', message: 'run iterator nope' }],
      [() => object.iterate('getppid__tracepoint'), { code: 'EINVAL', stage: 'iterate', message: 'run iterator getppid__tracepoint: not an iterator' }],
      [() => object.snapshot('nope'), { code: 'ENOENT', stage: 'map', message: 'read map nope' }],
      [() => object.snapshot('events'), { code: 'EINVAL', stage: 'map', message: 'read map events: it has no rows' }],
      [() => object.lookup('calls', value), { code: 'EINVAL', stage: 'map', message: 'look up in map calls: key: expected a Uint8Array of 4 bytes' }],
      [() => object.lookup('events', key), { code: 'EINVAL', stage: 'map', message: 'look up in map events: it has no rows' }],
      [() => object.update('calls', key, key), { code: 'EINVAL', stage: 'map', message: 'update map calls: value: expected a Uint8Array of 8 bytes' }],
      [() => object.update('slots', u32(99), new Uint8Array(8 * loadBinding().possibleCpus)), { code: 'E2BIG', stage: 'map', message: 'update map slots' }],
      [() => object.update('.rodata', key, value), { code: 'EPERM', stage: 'map', message: 'update map .rodata' }],
      [() => object.drain('nope', value), { code: 'ENOENT', stage: 'drain', message: 'drain ring nope' }],
      [() => object.drain('calls', value), { code: 'EINVAL', stage: 'drain', message: 'drain ring calls: not a ring buffer' }],
      [() => object.drain('events', 'x' as never), { code: 'EINVAL', stage: 'drain', message: 'drain ring events: expected a Uint8Array' }],
    ];
    for (const [act, expected] of cases) t.match(failure(act), expected, expected.message ?? '');
    callGetppid(CALLS);
    t.equal(slot(object, HITS), CALLS);
    object.close();
  });

  test('a detached buffer is an empty buffer', (t) => {
    const object = start('getppid__tracepoint');
    const into = new Uint8Array(64);
    structuredClone(into, { transfer: [into.buffer] });
    t.equal(object.drain('events', into), 0);
    callGetppid(1);
    t.match(failure(() => object.drain('events', into)), { code: 'EMSGSIZE' });
    object.close();
  });

  test('every descriptor that the addon opens is close-on-exec, and none is left after close()', (t) => {
    start().close(); // what Node and libbpf open once
    const before = descriptors();
    const object = start('getppid__tracepoint', 'enter__tp_btf', 'enter__raw_tp', 'tasks__iter');
    object.drain('events', new Uint8Array(FRAME));
    object.iterate('tasks__iter');
    const opened = descriptors().filter((fd) => !before.includes(fd));
    t.ok(opened.length > 10, `${opened.length} descriptors`);
    for (const fd of opened) t.ok(closesOnExec(fd), `${fd}: ${readlinkSync(`/proc/self/fd/${fd}`)}`);
    object.close();
    t.strictSame(descriptors(), before);
  });

  const prelude = `
    const { BpfObject } = require(${JSON.stringify(addonPath)});
    const bytes = require('node:fs').readFileSync(${JSON.stringify(path)});
    const into = new Uint8Array(1024);
    const start = () => {
      const object = new BpfObject(bytes, ${JSON.stringify(TAG)});
      const programs = ['getppid__tracepoint', 'enter__tp_btf'];
      for (const program of programs) object.setAutoload(program, true);
      const target = Buffer.from(${JSON.stringify([...targetBytes(0)])});
      target.writeUInt32LE(process.pid);
      object.writeGlobals('.rodata', 0, target);
      object.load();
      for (const program of programs) object.attach(program);
      return object;
    };
    const drain = (object) => { for (let i = 0; i < 23; i++) process.ppid; return object.drain('events', into); };
  `;

  const endings: readonly (readonly [string, number, string])[] = [
    ['process.exit() inside a callback', 7, 'const object = start(); setInterval(() => { drain(object); process.exit(7); }, 1);'],
    ['an exception that nobody catches', 1, 'const object = start(); setTimeout(() => { drain(object); throw new Error("of the user"); }, 1);'],
    ['close() twice', 0, 'const object = start(); drain(object); object.close(); object.close();'],
    ['close() in the middle of a drain loop', 5, `const object = start();
      try { for (let i = 0; ; i++) { drain(object); if (i === 10) object.close(); } } catch (error) { process.exitCode = error.code === 'ECLOSED' ? 5 : 6; }`],
    ['reaching its end without close()', 0, 'const object = start(); drain(object);'],
    ['process.exit() in a worker', 0, `const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(`${prelude} const object = start(); drain(object); process.exit(3);`)}, { eval: true }).on('exit', (code) => { process.exitCode = code === 3 ? 0 : 9; });`],
    ['SIGTERM', -15, 'const object = start(); setInterval(() => drain(object), 1); setTimeout(() => process.kill(process.pid, "SIGTERM"), 20);'],
  ];
  for (const [how, code, script] of endings) {
    test(`a process that ends by ${how} ends as it should and leaves nothing behind`, (t) => {
      const child = spawnSync(process.execPath, ['-e', prelude + script], { encoding: 'utf8', timeout: 30_000 });
      t.equal(child.signal === 'SIGTERM' ? -15 : child.status, code, child.stderr);
      if (code === 1) t.match(child.stderr, /Error: of the user/);
      else t.equal(child.stderr, '');
      });
  }

  test('objects that are collected without close() free their descriptors', (t) => {
    const script = `
      const { readdirSync } = require('node:fs');
      const count = () => readdirSync('/proc/self/fd').length;
      start().close();
      const before = count();
      for (let i = 0; i < 20; i++) drain(start());
      const open = count();
      const wait = (left) => { gc(); if (count() === before) return; if (left === 0) process.exit(8); setTimeout(wait, 20, left - 1); };
      if (open < before + 20) process.exit(9);
      setTimeout(wait, 0, 50);`;
    const child = spawnSync(process.execPath, ['--expose-gc', '-e', prelude + script], { encoding: 'utf8', timeout: 60_000 });
    t.strictSame([child.status, child.stderr], [0, '']);
  });

  test('300 workers terminated, most of them in the middle of draining, leave descriptors and threads as they were', (t) => {
    const worker = `${prelude} const object = start(); require('node:worker_threads').parentPort.postMessage('ready'); for (;;) drain(object);`;
    const script = `
      const { Worker } = require('node:worker_threads');
      const { readdirSync } = require('node:fs');
      const count = () => [readdirSync('/proc/self/fd').length, readdirSync('/proc/self/task').length];
      const run = async (number) => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        const ready = new Promise((resolve) => worker.once('message', resolve));
        worker.on('error', (error) => { console.error(error); process.exit(9); });
        // Every fifth is terminated wherever it is: starting, opening, loading or attaching.
        if (number % 5 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
        else { await ready; await new Promise((resolve) => setTimeout(resolve, Math.random() * 5)); }
        await worker.terminate();
      };
      (async () => {
        for (let i = 0; i < 4; i++) await run(i);
        const before = count();
        for (let i = 0; i < 300; i += 2) await Promise.all([run(i), run(i + 1)]);
        await new Promise((resolve) => setTimeout(resolve, 100));
        console.log(JSON.stringify([before, count()]));
      })();`;
    const child = spawnSync(process.execPath, ['-e', prelude + script], { encoding: 'utf8', timeout: 280_000 });
    t.strictSame([child.status, child.signal, child.stderr], [0, null, '']);
    const [before, after] = JSON.parse(child.stdout || '[[],[0]]') as [number[], number[]];
    t.strictSame(after, before, '[descriptors, threads]');
  }, 300_000);

  test('kill -9 at 20 random points leaves nothing within a second', async (t) => {
    for (let i = 0; i < 20; i++) {
      const child = spawn(process.execPath, ['-e', `${prelude} for (;;) { const object = start(); drain(object); object.close(); }`], { stdio: 'ignore' });
      await killAfter(child, 40 + Math.random() * 160);
      t.ok(await nothingLeft());
    }
  }, 120_000);
}

async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  const exited = once(child, 'exit');
  await sleep(milliseconds);
  child.kill('SIGKILL');
  await exited;
}

/** Polls for at most a second: the kernel frees programs and maps after a grace period. */
async function nothingLeft(): Promise<boolean> {
  const PATH = `${process.env.PATH}:/usr/sbin`;
  for (const end = Date.now() + 1000; ; await sleep(20)) {
    const { status, stdout } = spawnSync('bpftool', ['map', 'show'], { encoding: 'utf8', env: { ...process.env, PATH } });
    if (status === 0 && !stdout.includes(`name ${TAG}.`)) return true;
    if (Date.now() > end) return false;
  }
}

function failure(act: () => unknown): NativeError {
  try {
    act();
  } catch (error) {
    return error as NativeError;
  }
  throw new Error('it did not throw');
}

/** libuv asks the kernel each time. */
function callGetppid(times: number): void {
  for (let i = 0; i < times; i++) void process.ppid;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

/** A row of `calls`: u32 key, u64 value. */
function row(key: number, value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([key, value, 0]).buffer);
}

function rows(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: bytes.length / size }, (_, index) => bytes.slice(index * size, (index + 1) * size));
}

function sum(values: Uint8Array): number {
  return rows(values, 8).reduce((total, bytes) => total + Number(view(bytes).getBigUint64(0, true)), 0);
}

function slot(object: BpfObject, index: number): number {
  return sum(object.lookup('slots', u32(index)) ?? new Uint8Array(0));
}

function drainAll(object: BpfObject, size: number): number[] {
  const into = new Uint8Array(size);
  const received: number[] = [];
  for (let length; (length = object.drain('events', into)) > 0; ) received.push(...sequences(into, length));
  return received;
}

function sequences(into: Uint8Array, length: number): number[] {
  return rows(into.subarray(0, length), FRAME).map((bytes) => Number(view(bytes).getBigUint64(4, true)));
}

/** Without readdir's own, which is gone by the time we look. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fdinfo/${fd}`));
}

function closesOnExec(fd: string): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}
