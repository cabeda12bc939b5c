/** The addon against the running kernel: every method with exact values. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeError } from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { kernelFacts } from '../../src/source/facts.js';
import { openProbe } from '../bpf/probe.js';
import { kernelVersion } from './machine.js';
import { callGetppid, CALLS, drainAll, FAILED, failure, FRAME, HITS, NESTED, row, rows, sequences, slot, sum, SYSCALLS, TAG, u32, view, withProbe } from './probes.js';

withProbe(({ bytes, start, test }) => {
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
    t.strictSame(slots.map((bytes) => view(bytes).getUint32(0, true)), [HITS, FAILED, SYSCALLS, NESTED], 'keys in order');
    t.strictSame(slots.map((bytes) => sum(bytes.subarray(4))), [CALLS, 0, 0, 0]);
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
      t.equal(recursionMisses, 0, 'none of these runs inside itself');
    }
    object.close();
  });

  test('runs that the kernel left out because the program ran already are counted, each of them', (t) => {
    const object = start('faults__tp_btf', 'fault__raw_tp');
    callGetppid(CALLS);
    object.detach();
    const { fault__raw_tp: misses } = Object.fromEntries(object.programs().map(({ name, recursionMisses }) => [name, recursionMisses]));
    const faults = slot(object, HITS) / CALLS; // of one read: some kernels copy again what could not be copied
    t.ok(faults === 1 || faults === 2, `${faults} page faults of a read`);
    const nested = faults * faults * CALLS;
    const [ran, missed] = kernelVersion() >= 601 ? [0, nested] : [nested, 0]; // since 6.1 this kind of program does not run inside itself
    t.equal(slot(object, NESTED), ran);
    if (kernelFacts().preemptible) t.ok((misses ?? 0) >= missed, 'those of others, too, while it was preempted');
    else t.equal(misses, missed);
    object.close();
  });

  test('asked for statistics, the verifier says of its work what the kernel says of the programs', (t) => {
    const names = ['getppid__tracepoint', 'enter__raw_tp', 'tasks__iter'];
    const worked = (statistics: boolean): number[] => {
      const object = openProbe(bytes, TAG, names);
      object.load(statistics);
      const worked = object.programs().map(({ verifiedInsns }) => verifiedInsns);
      object.close();
      return worked;
    };
    const said = worked(true);
    t.ok(said.length === 3 && said.every((work) => work > 2));
    t.strictSame(worked(false), kernelVersion() >= 516 ? said : [0, 0, 0]);
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
});
