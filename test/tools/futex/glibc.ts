/** What this machine's glibc really has in memory while threads sleep on its locks: objects.c, compiled and run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Wait } from '../../../src/tools/futex/model.js';
import { wait } from './snapshots.js';

export interface Blocked {
  readonly name: string;
  /** As the kernel shows it to an observer that came later: registers and memory. */
  readonly wait: Wait;
  /** Where the pthread object begins. */
  readonly object: bigint;
  /** Thread that holds it; 0 when nobody does, or nobody can tell. */
  readonly holder: number;
}

interface Line {
  readonly name: string;
  readonly tid: number;
  readonly object: string;
  readonly holder: number;
  readonly call: string;
  readonly bytes: string;
}

/** Why that cannot be done here; false when it can. */
export const missing = spawnSync('cc', ['--version']).error ? 'no C compiler' : false;

export function blockedThreads(): { glibc: string; pid: number; blocked: Blocked[] } {
  const directory = mkdtempSync(join(tmpdir(), 'ktrace-objects-'));
  try {
    const program = join(directory, 'objects');
    execFileSync('cc', ['-std=c11', '-O2', '-pthread', '-Wall', '-Wextra', '-Werror', '-o', program, join(import.meta.dirname, 'objects.c')]);
    const [first = '{}', ...lines] = execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
    const { glibc, pid } = JSON.parse(first) as { glibc: string; pid: number };
    return { glibc, pid, blocked: lines.map((line) => blockedThread(JSON.parse(line) as Line, pid)) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function blockedThread({ name, tid, object, holder, call, bytes }: Line, pid: number): Blocked {
  const [syscall = 0n, ...args] = call.split(' ').map(BigInt);
  const memory = { bytes: new Uint8Array(Buffer.from(bytes, 'hex')), before: 48 };
  const found = wait(tid, args[0] ?? 0n, { tgid: pid, syscall: Number(syscall), args: args.slice(0, 6), memory, began: 'unknown' });
  return { name, wait: found, object: BigInt(object), holder };
}
