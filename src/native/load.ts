/** Finds and loads the addon: the only importer of the .node file. */

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { shellWords } from '../report/doctor/model.js';
import { codeOf } from '../source/doctor/text.js';
import { packageRoot } from '../source/version.js';
import type { NativeBinding } from './binding.js';

/** The addon cannot be used here. `message` is one sentence, `hint` the next step. */
export class AddonError extends Error {
  override readonly name = 'AddonError';
  readonly code = 'ADDON';

  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const BUILD = 'run `npm run setup` to build it here';
export const READABLE_HINT = 'let this user read it, or run it with sudo';

/** What is there, and broken, is not out of date. A package that was installed has nothing to build it from. */
export const rebuild = (): string => (existsSync(`${packageRoot}/scripts/build`) ? `build it again: \`cd ${shellWords([packageRoot])} && rm -rf build/bpf build/Release && npm run setup\`` : 'install ktrace again');

const ELF_MAGIC = 0x7f454c46;
const HEADER_SIZE = 64;
/** e_machine of the ELF header; the first word of a value is Node's name of it, the second the kernel's. */
const machines: Readonly<Record<number, readonly [string, string]>> = {
  3: ['ia32', 'i386'],
  22: ['s390x', 's390x'],
  40: ['arm', 'arm'],
  62: ['x64', 'x86-64'],
  183: ['arm64', 'aarch64'],
  243: ['riscv64', 'riscv64'],
};

let loaded: NativeBinding | undefined;

/**
 * The addon, loaded once. With `candidates` (for tests), the first of those files that exists, and never cached.
 * Throws AddonError when there is none or it cannot be loaded.
 */
export function loadBinding(candidates?: readonly string[]): NativeBinding {
  if (candidates) return loadFirst(candidates);
  loaded ??= loadFirst(addonPaths());
  return loaded;
}

/** In the order of preference. This file is two directories below the package root, as src/native/load.ts and as dist/native/load.js. */
function addonPaths(): string[] {
  return ['build/Release/ktrace.node'].map((path) => fileURLToPath(new URL(`../../${path}`, import.meta.url)));
}

function loadFirst(candidates: readonly string[]): NativeBinding {
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new AddonError('The addon ktrace.node is not built', BUILD);
  checkFile(path);
  try {
    return createRequire(import.meta.url)(path) as NativeBinding;
  } catch (error) {
    throw explain(path, error);
  }
}

/** Before dlopen, whose words for a foreign file are vague, and which dies of SIGBUS in a truncated one. */
function checkFile(path: string): void {
  const { header, size } = readHeader(path);
  if (header.length < HEADER_SIZE || header.readUInt32BE(0) !== ELF_MAGIC) throw corrupt(path, 'not an ELF file');
  const machine = header[5] === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
  const [arch, name] = machines[machine] ?? ['', `machine ${machine}`];
  if (arch !== process.arch) throw new AddonError(`The addon ${path} is built for ${name}, this is ${nameOfThisMachine()}`, rebuild());
  if (sectionTableEnd(header) > size) throw corrupt(path, 'truncated');
}

function readHeader(path: string): { header: Buffer; size: number } {
  const file = open(path);
  try {
    const header = Buffer.alloc(HEADER_SIZE);
    const length = readSync(file, header, 0, HEADER_SIZE, 0);
    return { header: header.subarray(0, length), size: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new AddonError(`The addon ${path} cannot be read: ${codeOf(cause)}`, READABLE_HINT, { cause });
  }
}

/** Linkers put the section headers at the end of the file (64-bit layout: e_shoff, e_shentsize, e_shnum). */
function sectionTableEnd(header: Buffer): number {
  return Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
}

function nameOfThisMachine(): string {
  return Object.values(machines).find(([arch]) => arch === process.arch)?.[1] ?? process.arch;
}

function corrupt(path: string, why: string, cause?: unknown): AddonError {
  return new AddonError(`The addon ${path} is corrupt: ${why}`, rebuild(), { cause });
}

/** From the dynamic loader's message. */
function explain(path: string, cause: unknown): AddonError {
  const message = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
  const library = /(lib[\w.+-]+): cannot open shared object file/.exec(message)?.[1];
  if (library?.startsWith('libbpf.so')) return new AddonError(`The library ${library} is missing`, 'install it: `apt-get install libbpf1`', { cause });
  if (library) return new AddonError(`The library ${library} is missing`, 'install the package that brings it', { cause });
  const version = /version `([^']+)' not found/.exec(message)?.[1];
  if (version) return new AddonError(`The addon ${path} is built for a newer system: it needs ${version}`, rebuild(), { cause });
  return corrupt(path, message, cause);
}
