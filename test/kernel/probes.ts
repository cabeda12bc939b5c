/** Programs of test/bpf/probe.bpf.c in the kernel, opened by the addon, and what they saw. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { compileProbe, openProbe, whyNot } from '../bpf/probe.js';
import type { BpfObject, NativeError } from '../../src/native/binding.js';

export const CALLS = 23;
/** Indices of the map `slots`. */
export const HITS = 0;
export const FAILED = 1;
export const SYSCALLS = 2;
export const NESTED = 3;
/** A 16-byte record behind its length, padded to 8. */
export const FRAME = 24;
/** Internal maps are named after the object; every program uses .rodata, so while one is left, so is that map. */
export const TAG = `kt${process.pid % 100000}`;

export interface Probe {
  /** Of the object file. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** An object with these programs, loaded and attached. */
  readonly start: (...programs: string[]) => BpfObject;
  /** A test that leaves no map of ours in the kernel. */
  readonly test: (title: string, body: (t: Test) => void | Promise<void>, timeout?: number) => void;
}

/** The tests of one file. */
export function withProbe(define: (probe: Probe) => void): void {
  const why = process.getuid?.() === 0 ? whyNot() : 'not root';
  if (why) {
    t.plan(0, why);
    return;
  }
  const path = join(t.testdir(), 'probe.bpf.o');
  const bytes = compileProbe(path);
  define({
    path,
    bytes,
    start: (...programs) => {
      const object = openProbe(bytes, TAG, programs);
      object.load();
      for (const program of programs) if (!program.endsWith('__iter')) object.attach(program);
      return object;
    },
    test: (title, body, timeout = 60_000) => {
      t.test(title, { timeout }, async (t) => {
        await body(t);
        t.ok(await nothingLeft(), 'nothing of ours is left in the kernel');
      });
    },
  });
}

/** Polls for at most a second: the kernel frees programs and maps after a grace period. */
export async function nothingLeft(): Promise<boolean> {
  const PATH = `${process.env.PATH}:/usr/sbin`;
  for (const end = Date.now() + 1000; ; await sleep(20)) {
    const { status, stdout } = spawnSync('bpftool', ['map', 'show'], { encoding: 'utf8', env: { ...process.env, PATH } });
    if (status === 0 && !stdout.includes(`name ${TAG}.`)) return true;
    if (Date.now() > end) return false;
  }
}

export function failure(act: () => unknown): NativeError {
  try {
    act();
  } catch (error) {
    return error as NativeError;
  }
  throw new Error('it did not throw');
}

/** libuv asks the kernel each time. */
export function callGetppid(times: number): void {
  for (let i = 0; i < times; i++) void process.ppid;
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

/** A row of `calls`: u32 key, u64 value. */
export function row(key: number, value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([key, value, 0]).buffer);
}

export function rows(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: bytes.length / size }, (_, index) => bytes.slice(index * size, (index + 1) * size));
}

export function sum(values: Uint8Array): number {
  return rows(values, 8).reduce((total, bytes) => total + Number(view(bytes).getBigUint64(0, true)), 0);
}

export function slot(object: BpfObject, index: number): number {
  return sum(object.lookup('slots', u32(index)) ?? new Uint8Array(0));
}

export function drainAll(object: BpfObject, size: number): number[] {
  const into = new Uint8Array(size);
  const received: number[] = [];
  for (let length; (length = object.drain('events', into)) > 0; ) received.push(...sequences(into, length));
  return received;
}

export function sequences(into: Uint8Array, length: number): number[] {
  return rows(into.subarray(0, length), FRAME).map((bytes) => Number(view(bytes).getBigUint64(4, true)));
}
