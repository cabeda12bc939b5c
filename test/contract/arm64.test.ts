/** The addon and the launcher for arm64: they are made by a cross compiler and tried in an emulator of the processor. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable, Writable } from 'node:stream';
import t from 'tap';
import { root } from './objects.js';

const build = join(root, 'build/arm64');
const sysroot = join(build, 'sysroot');
const addon = join(build, 'Release/ktrace.node');
const launcher = join(build, 'Release/ktrace-exec');
const env = { PATH: process.env['PATH'], LD_LIBRARY_PATH: join(sysroot, 'usr/lib/x86_64-linux-gnu') };
/** Where the emulated programs find their libraries: those of the compiler, and libbpf with what that needs. */
const EMULATED = ['-L', join(sysroot, 'usr/aarch64-linux-gnu'), '-E', `LD_LIBRARY_PATH=${join(sysroot, 'usr/lib/aarch64-linux-gnu')}:${join(sysroot, 'lib/aarch64-linux-gnu')}`];

const tool = (name: string): string => join(sysroot, 'usr/bin', name);
const ask = (name: string, ...args: string[]): string => execFileSync(tool(`aarch64-linux-gnu-${name}`), args, { env, encoding: 'utf8' });
const symbols = (file: string, ...which: string[]): string[] => ask('nm', '--dynamic', '--format=just-symbols', ...which, file).trim().split('\n');
const needed = (file: string): string[] => [...ask('readelf', '--dynamic', '--wide', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = '']) => name);

/** The functions that Node.js brings, as the headers have them for the version that the addon asks for. */
const nodes = new Set(Object.values((createRequire(import.meta.url)('node-api-headers') as { symbols: Record<string, Record<string, string[]>> }).symbols['v8'] ?? {}).flat());

/** Loads the addon in a program that has functions of these names, with all symbols resolved at once; what it says. */
function loadWith(functions: readonly string[], directory: string): string {
  const [source, program] = [join(directory, 'host.c'), join(directory, 'host')];
  writeFileSync(source, `#include <dlfcn.h>
#include <stdio.h>
${functions.map((name) => `void ${name}(void) {}`).join('\n')}
int main(int argc, char **argv)
{
	void *addon = dlopen(argv[1], RTLD_NOW);
	puts(!addon ? dlerror() : dlsym(addon, "napi_register_module_v1") ? "an addon" : "no addon");
}
`);
  ask('gcc', `--sysroot=${sysroot}`, '-rdynamic', '-o', program, source);
  return execFileSync(tool('qemu-aarch64'), [...EMULATED, program, addon], { env, encoding: 'utf8' }).trim();
}

/** The launcher with its arguments, and a byte on descriptor 3 once `before` is through. */
async function launch(args: readonly string[], before: (said: () => string) => Promise<void> = async () => undefined): Promise<unknown> {
  const child = spawn(tool('qemu-aarch64'), [...EMULATED, launcher, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const [, stdout, stderr, gate] = child.stdio as unknown as [null, Readable, Readable, Writable];
  let said = '';
  stdout.setEncoding('utf8').on('data', (more: string) => (said += more));
  const [complaint, exited] = [text(stderr), once(child, 'close')];
  await before(() => said);
  gate.on('error', () => undefined).end('x');
  const [status] = (await exited) as [number | null];
  return { status, stdout: said, stderr: await complaint };
}

const made = spawnSync(join(root, 'scripts/build-arm64'), { encoding: 'utf8' });

if (made.status === 77) t.plan(0, made.stderr.trim());
else {
  t.test('the addon and the launcher compile for arm64', (t) => {
    t.equal(made.status, 0, made.stderr);
    for (const file of [addon, launcher]) {
      const elf = readFileSync(file);
      t.equal(elf.toString('latin1', 0, 6), '\x7fELF\x02\x01', '64 bits, little-endian');
      t.strictSame([elf.readUInt16LE(16), elf.readUInt16LE(18)], [3, 183], 'ET_DYN, EM_AARCH64');
    }
    t.end();
  });

  t.test('they need libbpf, the C++ library and the C library, and no more', (t) => {
    t.strictSame(needed(addon), ['libbpf.so.1', 'libstdc++.so.6', 'libgcc_s.so.1', 'libc.so.6', 'ld-linux-aarch64.so.1']);
    t.strictSame(needed(launcher), ['libc.so.6', 'ld-linux-aarch64.so.1']);
    t.end();
  });

  t.test('the addon loads where Node.js brings the functions of Node-API 8, and not without one of them', (t) => {
    const wanted = symbols(addon, '--undefined-only').filter((name) => /^(napi|node_api)_/.test(name));
    t.ok(wanted.length > 50, `${wanted.length} functions of Node-API`);
    t.strictSame(wanted.filter((name) => !nodes.has(name)), []);
    t.ok(symbols(addon, '--defined-only').includes('napi_register_module_v1'));
    t.equal(loadWith(wanted, t.testdir()), 'an addon');
    const [first = '', ...rest] = wanted;
    t.equal(loadWith(rest, t.testdir()), `${addon}: undefined symbol: ${first}`);
    t.end();
  });

  t.test('the launcher waits for its byte, then becomes the program', async (t) => {
    const outcome = await launch(['--', 'sh', '-c', 'echo $1; exit 23', 'sh', 'a  b'], async (said) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      t.equal(said(), '', 'nothing ran');
    });
    t.strictSame(outcome, { status: 23, stdout: 'a b\n', stderr: '' });
    t.strictSame(await launch(['--', '/no/such/program']), { status: 127, stdout: '', stderr: 'ktrace-exec: /no/such/program: No such file or directory\n' });
  });
}
