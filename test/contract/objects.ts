/** The BPF objects of the tree and their sources, as the contract tests look at them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Btf, ElfFile, readSchema, type Schema } from '../../src/btf/index.js';

export const root = join(import.meta.dirname, '../..');
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

export interface ObjectFile {
  readonly tool: string;
  readonly elf: ElfFile;
  readonly btf: Btf;
  readonly schema: Schema;
  /** bpf/TOOL.bpf.c, and what it includes of ours. */
  readonly source: string;
}

export const toolNames = readdirSync(join(root, 'bpf')).filter((file) => file.endsWith('.bpf.c')).map((file) => basename(file, '.bpf.c'));

/** Why the objects cannot be looked at; false when they can. */
export const missing = ['clang', 'llvm-strip', 'bpftool'].find((tool) => spawnSync(tool, ['--version'], { env }).error)?.concat(' is not installed')
  ?? toolNames.find((tool) => !existsSync(join(root, 'build/bpf', `${tool}.bpf.o`)))?.concat(' is not built: npm run build') ?? false;

export function readObject(tool: string, directory = join(root, 'build/bpf')): ObjectFile {
  const elf = new ElfFile(readFileSync(join(directory, `${tool}.bpf.o`)));
  const btf = new Btf(elf.section('.BTF')?.bytes ?? new Uint8Array());
  return { tool, elf, btf, schema: readSchema(btf, tool), source: readFileSync(join(root, 'bpf', `${tool}.bpf.c`), 'utf8') };
}

/** C and header files of ours below bpf/, by path. */
export function sources(): Map<string, string> {
  const files = readdirSync(join(root, 'bpf'), { recursive: true, encoding: 'utf8' }).filter((file) => /\.[ch]$/.test(file));
  return new Map(files.map((file) => [`bpf/${file}`, readFileSync(join(root, 'bpf', file), 'utf8')]));
}

/** C without comments. */
export function code(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ' ');
}

/** The objects for another machine, built in a copy so that the tree's own stay as they are. */
export function buildFor(arch: string, directory: string): string {
  for (const part of ['bpf', 'scripts']) cpSync(join(root, part), join(directory, part), { recursive: true });
  mkdirSync(join(directory, 'build'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  execFileSync(join(directory, 'scripts/build-bpf'), { env: { ...env, ARCH: arch }, stdio: ['ignore', 'ignore', 'pipe'] });
  return join(directory, 'build', `bpf-${arch}`);
}
