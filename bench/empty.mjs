/** Empty programs on exactly the hooks that a tool of ktrace takes on this kernel, attached by the same addon. */
import { execFileSync } from 'node:child_process';
import { readFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadBinding } from '../dist/native/load.js';
import { connectTool } from '../dist/tools/connect/tool.js';
import { PREFIX } from '../dist/source/facts.js';
import { execTool } from '../dist/tools/exec/tool.js';
import { futexTool } from '../dist/tools/futex/tool.js';
import { syscallsTool } from '../dist/tools/syscalls/tool.js';
import { root } from './programs.mjs';

const OBJECT = join(root, 'build/bench/empty.bpf.o');

export function compileEmpty() {
  mkdirSync(join(root, 'build/bench'), { recursive: true });
  const include = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  execFileSync('clang', ['-g', '-O2', '-target', 'bpf', `-DCALL="${PREFIX}"`, '-idirafter', include, '-c', join(root, 'bench/empty.bpf.c'), '-o', OBJECT]);
}

const TOOLS = { connect: connectTool, exec: execTool, futex: futexTool, syscalls: syscallsTool };

/** The sections that a tool hooks in one variant; those that the kernel lacks are left out when attaching, as ktrace does. */
function hooked({ schema, alsoOn }, variant) {
  const programs = schema.programs.filter((program) => !program.section.startsWith('iter/') && ['any', variant].includes(program.variant));
  return [...new Set(programs.flatMap(({ name, section }) => [section, ...(alsoOn[name] ?? [])]))];
}

/** Attach them; `close()` takes them down. `clock`: each reads the clock. */
export function attachEmpty(name, variant, clock = false) {
  const tool = TOOLS[name];
  const source = readFileSync(join(root, 'bench/empty.bpf.c'), 'utf8');
  const known = new Map([...source.matchAll(/^EMPTY\((\w+), "(.*)"\)/gm)].map(([, name, section]) => [section.replace('" CALL "', 'sys_'), name]));
  const sections = hooked(tool, variant);
  const missing = sections.find((section) => !known.has(section));
  if (missing) throw new Error(`bench/empty.bpf.c has no program for ${missing}: add it`);
  const object = new (loadBinding().BpfObject)(readFileSync(OBJECT), 'ktrace_bench_empty');
  for (const section of sections) object.setAutoload(known.get(section), true);
  object.writeGlobals('.rodata', 0, new Uint8Array([clock ? 1 : 0]));
  object.load();
  for (const section of sections) attach(object, known.get(section), section, tool);
  return object;
}

function attach(object, program, section, { optionalHooks }) {
  try {
    object.attach(program);
  } catch (error) {
    const call = section.replace(/^.*sys_(enter|exit)_/, '');
    if (error.code !== 'ENOENT' || optionalHooks[call] === undefined) throw error;
  }
}
