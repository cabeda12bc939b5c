/** Tracers that are killed with SIGKILL, and what the kernel must not keep of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { heldIds, leftOf } from './bpf-objects.js';
import type { Tracer } from './tracer.js';

/** Kills a tracer once that is due. A second later all that it held is gone, and nothing is there that was not before. */
export async function killed(t: Test, tracer: Tracer, moment: string, due: () => boolean): Promise<void> {
  const before = outliving();
  while (!due()) await sleep(10);
  const held = heldIds(tracer.pid); // and no pause before the end
  tracer.kill('SIGKILL');
  t.strictSame(await tracer.exit(), { code: null, signal: 'SIGKILL' });
  const count = held.prog.length + held.map.length + held.link.length;
  t.strictSame(await leftOf(held, 1000), { prog: [], map: [], link: [] }, `killed ${moment}: its ${count} BPF programs, maps and links are gone`);
  t.strictSame(outliving(), before, 'no pin, and no probe in tracefs');
}

/** How many files a process has open: cheap to look at, and tells how far a tracer has come. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What would be there after its process, by path: files of BPF filesystems, and lines of probes in tracefs. */
export function outliving(): Record<string, readonly string[]> {
  const pins = mountsOf('bpf').map((path) => [path, readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()] as const);
  const events = mountsOf('tracefs').flatMap((path) => ['kprobe_events', 'uprobe_events'].map((name) => join(path, name))).filter((path) => existsSync(path));
  return Object.fromEntries([...pins, ...events.map((path) => [path, readFileSync(path, 'utf8').split('\n')] as const)]);
}

function mountsOf(type: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).filter((words) => words[2] === type).map(([, path = '']) => path);
}
