import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AddonError, loadBinding } from '../../src/native/load.js';
import { addonPath, whyNot } from '../bpf/probe.js';

const THIS = process.arch === 'arm64' ? { machine: 183, name: 'aarch64' } : { machine: 62, name: 'x86-64' };
const OTHER = process.arch === 'arm64' ? { machine: 62, name: 'x86-64' } : { machine: 183, name: 'aarch64' };

const directory = t.testdir();
const rebuild = /npm run setup/;

t.test('a missing addon is named, with the command that builds it', (t) => {
  const error = failure([join(directory, 'no-such.node')]);
  t.equal(error.code, 'ADDON');
  t.equal(error.message, 'The addon ktrace.node is not built');
  t.match(error.hint, rebuild);
  t.end();
});

t.test('an addon of another machine names both machines', (t) => {
  const path = file('foreign.node', elf(OTHER.machine));
  const error = failure([path]);
  t.equal(error.message, `The addon ${path} is built for ${OTHER.name}, this is ${THIS.name}`);
  t.match(error.hint, rebuild);
  t.end();
});

t.test('an addon of a machine without a name says its number', (t) => {
  t.match(failure([file('exotic.node', elf(4242))]).message, /built for machine 4242, this is /);
  t.end();
});

t.test('a big-endian addon is read as such', (t) => {
  const bytes = elf(0);
  bytes[5] = 2;
  bytes.writeUInt16BE(22, 18);
  t.match(failure([file('big.node', bytes)]).message, /built for s390x, this is /);
  t.end();
});

for (const [what, bytes] of [
  ['an empty file', Buffer.alloc(0)],
  ['a text file', Buffer.from('version https://git-lfs.github.com/spec/v1\n'.repeat(9))],
  ['half an ELF header', elf(THIS.machine).subarray(0, 40)],
] as const) {
  t.test(`${what} is called corrupt`, (t) => {
    const error = failure([file(`${what.replaceAll(' ', '-')}.node`, bytes)]);
    t.match(error.message, /^The addon .* is corrupt: not an ELF file$/);
    t.match(error.hint, rebuild);
    t.end();
  });
}

t.test('a truncated addon is called corrupt before the loader can die of it', (t) => {
  const bytes = elf(THIS.machine);
  bytes.writeBigUInt64LE(4096n, 40);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(10, 60);
  t.match(failure([file('truncated.node', bytes)]).message, /is corrupt: truncated$/);
  t.end();
});

t.test('an ELF file that the loader refuses is called corrupt, in the loader\'s words', (t) => {
  const error = failure([file('hollow.node', elf(THIS.machine))]);
  t.match(error.message, /is corrupt: /);
  t.ok(error.cause instanceof Error);
  t.end();
});

t.test('the first candidate that exists is taken', (t) => {
  const path = file('second.node', elf(OTHER.machine));
  t.match(failure([join(directory, 'absent.node'), path]).message, path);
  t.end();
});

t.test('a missing libbpf is named, with the package that brings it', { skip: whyNot() ?? false }, (t) => {
  const bytes = Buffer.from(readFileSync(addonPath));
  const at = bytes.indexOf('libbpf.so.1\0');
  t.ok(at > 0, 'the addon names its libbpf');
  bytes.write('libbpf.so.7', at, 'latin1');
  const error = failure([file('nolibbpf.node', bytes)]);
  t.equal(error.message, 'The library libbpf.so.7 is missing');
  t.match(error.hint, /apt-get install libbpf1/);
  t.end();
});

t.test('the built addon cut short at any point is an AddonError or loads, and never kills the process', { skip: whyNot() ?? false }, (t) => {
  const bytes = readFileSync(addonPath);
  for (let i = 1; i < 20; i++) {
    const error = failure([file(`cut${i}.node`, bytes.subarray(0, Math.floor((bytes.length * i) / 20)))]);
    t.match(error.message, /is corrupt: truncated$/);
  }
  t.end();
});

t.test('the addon loads once, and also through require() in a plain Node', { skip: whyNot() ?? false }, (t) => {
  const binding = loadBinding();
  t.equal(loadBinding(), binding);
  t.match(binding.libbpfVersion, /^\d+\.\d+/);
  t.ok(binding.possibleCpus >= 1);
  t.equal(execFileSync(process.execPath, ['-p', `typeof require(${JSON.stringify(addonPath)}).BpfObject`], { encoding: 'utf8' }), 'function\n');
  t.end();
});

function failure(candidates: readonly string[]): AddonError {
  try {
    loadBinding(candidates);
  } catch (error) {
    if (error instanceof AddonError) return error;
    throw error;
  }
  throw new Error('it loaded');
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** The header of a 64-bit little-endian shared object, and nothing behind it. */
function elf(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  return header;
}
