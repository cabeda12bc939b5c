/** Objects for the tests of src/btf, made from C by the real compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Btf } from '../../src/btf/btf.js';
import { ElfFile } from '../../src/btf/elf.js';

const root = join(import.meta.dirname, '../..');
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const directory = mkdtempSync(join(tmpdir(), 'ktrace-btf-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

/** Why objects cannot be made here, for `skip`; false when they can. */
export const missing = ['clang', 'bpftool'].find((tool) => spawnSync(tool, ['--version'], { env }).error)?.concat(' is not installed') ?? false;

export interface BuiltObject {
  /** Finished by `bpftool gen object`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** As clang leaves it. */
  readonly raw: Uint8Array;
}

let built: BuiltObject | undefined;

/** test/btf/fixture.bpf.c, compiled once per test file. */
export function fixture(): BuiltObject {
  built ??= compile();
  return built;
}

export function btfBytes(object: Uint8Array): Uint8Array {
  const section = new ElfFile(object).section('.BTF');
  if (!section) throw new Error('no .BTF');
  return section.bytes;
}

export function btfOf(object: Uint8Array): Btf {
  return new Btf(btfBytes(object));
}

export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 26 });
  if (status !== 0) throw error ?? new Error(`${command}: ${stderr}`);
  return stdout;
}

function compile(): BuiltObject {
  const [raw, path] = [join(directory, 'raw.o'), join(directory, 'fixture.bpf.o')];
  const include = ['-I', join(root, 'bpf/include'), '-idirafter', `/usr/include/${run('uname', '-m').trim()}-linux-gnu`];
  run('clang', '-g', '-O2', '-target', 'bpf', '-D__TARGET_ARCH_x86', ...include, '-c', join(root, 'test/btf/fixture.bpf.c'), '-o', raw);
  run('bpftool', 'gen', 'object', path, raw);
  return { path, bytes: readFileSync(path), raw: readFileSync(raw) };
}
