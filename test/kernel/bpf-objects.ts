/** What of ours is in the kernel. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '../../src/generated/registry.js';
import { ENV } from './machine.js';

export type BpfIds = Readonly<Record<'prog' | 'map' | 'link', readonly number[]>>;

/** Ids of the BPF programs, maps and links that a process holds. */
export function heldIds(pid: number): BpfIds {
  const ids = { prog: new Set<number>(), map: new Set<number>(), link: new Set<number>() };
  for (const fd of listing(`/proc/${pid}/fdinfo`)) {
    for (const [, kind, id] of text(`/proc/${pid}/fdinfo/${fd}`).matchAll(/^(prog|map|link)_id:\s*(\d+)$/gm)) ids[kind as 'prog'].add(Number(id));
  }
  return { prog: [...ids.prog], map: [...ids.map], link: [...ids.link] };
}

/** Which of them are still there: the kernel takes a moment to free them. */
export async function leftOf(ids: BpfIds, patienceMs = 5000): Promise<BpfIds> {
  for (const end = Date.now() + patienceMs; ; await sleep(20)) {
    const left = { prog: still('prog', ids.prog), map: still('map', ids.map), link: still('link', ids.link) };
    if (left.prog.length + left.map.length + left.link.length === 0 || Date.now() > end) return left;
  }
}

function still(kind: keyof BpfIds, ids: readonly number[]): number[] {
  if (ids.length === 0) return [];
  const present = new Set(bpfObjects(kind).map(({ id }) => id));
  return ids.filter((id) => present.has(id));
}

function bpfObjects(kind: keyof BpfIds): { id: number; name?: string }[] {
  const { status, stdout, stderr } = spawnSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', env: ENV, maxBuffer: 1 << 26 });
  // bpftool fails when an object goes away while it lists them.
  if (status !== 0) return /No such file|can't get/.test(stdout + stderr) ? bpfObjects(kind) : raise(`bpftool ${kind} show: ${stdout}${stderr}`);
  return JSON.parse(stdout || '[]') as { id: number; name?: string }[];
}

function raise(message: string): never {
  throw new Error(message);
}

function listing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Programs named like ours that no process holds, after a second. */
export async function orphans(): Promise<string[]> {
  const tools = await Promise.all(registry.map(({ load }) => load()));
  const ours = new Set(tools.flatMap(({ schema }) => schema.programs.map(({ name }) => name)));
  for (const end = Date.now() + 1000; ; await sleep(50)) {
    const held = new Set(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => heldIds(Number(pid)).prog));
    const left = bpfObjects('prog').filter(({ id, name = '' }) => ours.has(name) && !held.has(id));
    if (left.length === 0 || Date.now() > end) return left.map(({ name = '' }) => name);
  }
}
