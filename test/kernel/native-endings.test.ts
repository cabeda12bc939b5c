/** Nothing of the addon is left behind, however a process ends. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { addonPath, targetBytes } from '../bpf/probe.js';
import { FRAME, nothingLeft, TAG, withProbe } from './probes.js';

withProbe(({ path, start, test }) => {
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
});

async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  const exited = once(child, 'exit');
  await sleep(milliseconds);
  child.kill('SIGKILL');
  await exited;
}

/** Without readdir's own, which is gone by the time we look. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fdinfo/${fd}`));
}

function closesOnExec(fd: string): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (parseInt(flags, 8) & 0o2000000) !== 0;
}
