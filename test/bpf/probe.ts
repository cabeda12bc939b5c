/** The test object of the addon's tests (probe.bpf.c), and how it is opened. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadBinding } from '../../src/native/load.js';
import type { BpfObject } from '../../src/native/binding.js';

export const addonPath = fileURLToPath(new URL('../../build/Release/ktrace.node', import.meta.url));

/** Why the object cannot be compiled or the addon not be loaded here; undefined when both can. */
export function whyNot(): string | undefined {
  if (!existsSync(addonPath)) return 'the addon is not built: npm run setup';
  if (spawnSync('clang', ['--version']).status !== 0) return 'no clang: npm run setup';
  return undefined;
}

/** Compiles probe.bpf.c to `path`, or to memory only. */
export function compileProbe(path?: string): Uint8Array {
  const source = fileURLToPath(new URL('probe.bpf.c', import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), 'ktrace-probe-'));
  const output = path ?? join(directory, 'probe.bpf.o');
  const [arch, headers] = process.arch === 'arm64' ? ['arm64', 'aarch64-linux-gnu'] : ['x86', 'x86_64-linux-gnu'];
  const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${arch}`, `-I/usr/include/${headers}`];
  try {
    execFileSync('clang', [...flags, '-c', source, '-o', output], { stdio: ['ignore', 'ignore', 'pipe'] });
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `struct target` of probe.bpf.c. */
export function targetBytes(tgid: number): Uint8Array {
  return new Uint8Array(new Uint32Array([tgid, process.arch === 'arm64' ? 173 : 110]).buffer);
}

/** Opened with these programs switched on and this process as the target; not loaded. */
export function openProbe(bytes: Uint8Array, name: string, programs: readonly string[], tgid = process.pid): BpfObject {
  const object = new (loadBinding().BpfObject)(bytes, name);
  for (const program of programs) object.setAutoload(program, true);
  object.writeGlobals('.rodata', 0, targetBytes(tgid));
  return object;
}
