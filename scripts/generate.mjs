#!/usr/bin/env node
// Write src/generated/ from the BPF objects in build/bpf/: the types that user space sees, and the registry of tools.
// What is committed holds layout facts only, which no compiler version changes; the digests of the objects of this build
// go to build/bpf/manifest.json. `npm run generate -- --check` writes nothing and fails when something is out of date.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Btf, ElfFile, LayoutError, layoutHash, programs, readSchema } from '../dist/btf/index.js';
import { emitRegistry } from './generate/registry.mjs';
import { emitTool } from './generate/tool.mjs';

const root = join(import.meta.dirname, '..');
const generated = join(root, 'src/generated');
const objects = join(root, 'build/bpf');

function main() {
  const tools = readdirSync(join(root, 'bpf'))
    .filter((file) => file.endsWith('.bpf.c'))
    .map((file) => readTool(basename(file, '.bpf.c')))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = new Map(tools.map((tool) => [`${tool.name}.ts`, emitTool(tool)]));
  files.set('registry.ts', emitRegistry(tools.filter(hasUserSide)));
  if (process.argv.includes('--check')) return check(files);
  write(files);
  writeFileSync(join(objects, 'manifest.json'), manifest(tools));
}

function readTool(name) {
  const tool = readTwin(name, `${name}.bpf.o`);
  const legacy = readTwin(name, `${name}.legacy.bpf.o`);
  if (legacy.hash !== tool.hash) throw new LayoutError(`${legacy.file} shares other layouts than ${tool.file}`);
  return { ...tool, twins: [tool, legacy] };
}

/** A tool has two objects: one for kernels before 5.17, which share all that user space sees. */
function readTwin(name, file) {
  const path = join(objects, file);
  if (!existsSync(path)) throw new LayoutError(`${path}: not built; run scripts/build-bpf`);
  const bytes = readFileSync(path);
  try {
    const elf = new ElfFile(bytes);
    const btf = elf.section('.BTF');
    if (!btf) throw new LayoutError('no .BTF section; compile with -g');
    const schema = readSchema(new Btf(btf.bytes), name);
    return { name, file, bytes, schema, programs: programs(elf), hash: layoutHash(schema) };
  } catch (cause) {
    throw new LayoutError(`${path}: ${cause.message}`, { cause });
  }
}

function hasUserSide({ name }) {
  return existsSync(join(root, 'src/tools', name, 'tool.ts'));
}

function manifest(tools) {
  const entries = tools.flatMap(({ twins }) => twins).map(({ file, bytes, hash }) => [
    file,
    { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, layoutHash: hash },
  ]);
  return `${JSON.stringify({ objects: Object.fromEntries(entries) }, null, 2)}\n`;
}

/** Files that would not change keep their times, so that nothing is compiled again for them. */
function write(files) {
  mkdirSync(generated, { recursive: true });
  for (const file of surplus(files)) rmSync(join(generated, file));
  for (const file of outdated(files)) writeFileSync(join(generated, file), files.get(file));
}

function check(files) {
  const wrong = [...surplus(files), ...outdated(files)];
  if (wrong.length === 0) return;
  console.error(`src/generated is out of date (${wrong.join(', ')}); run: npm run generate`);
  process.exitCode = 1;
}

function outdated(files) {
  return [...files.keys()].filter((file) => read(join(generated, file)) !== files.get(file));
}

/** Left over from tools that are gone. */
function surplus(files) {
  return existsSync(generated) ? readdirSync(generated).filter((file) => !files.has(file)) : [];
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

try {
  main();
} catch (error) {
  if (!(error instanceof LayoutError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
