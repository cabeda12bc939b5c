import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { libraryFacts, readLibrary } from '../../../src/source/doctor/library.js';
import { cgroupMounts, machineFacts, parseOsRelease } from '../../../src/source/doctor/machine.js';
import { ownFiles } from '../../../src/source/doctor/own-files.js';

t.test('os-release gives the name for people, whatever its quotes', (t) => {
  t.equal(parseOsRelease('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'), 'Debian GNU/Linux 12 (bookworm)');
  t.equal(parseOsRelease("PRETTY_NAME='Void'"), 'Void');
  t.equal(parseOsRelease('NAME=Arch\nID=arch'), 'Arch');
  t.equal(parseOsRelease('PRETTY_NAME="a \\"b\\" c"'), 'a "b" c');
  t.equal(parseOsRelease('ID=x'), undefined);
  t.equal(parseOsRelease(''), undefined);
  t.end();
});

t.test('cgroup mounts are told by their types, not by their places', (t) => {
  const v1 = 'cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0';
  t.strictSame(cgroupMounts('cgroup2 /sys/fs/cgroup cgroup2 rw 0 0'), { v2: '/sys/fs/cgroup', v1: false });
  t.strictSame(cgroupMounts(`${v1}\nx /a\\040b cgroup2 rw 0 0`), { v2: '/a b', v1: true });
  t.strictSame(cgroupMounts(v1), { v2: undefined, v1: true });
  t.strictSame(cgroupMounts('cgroup2 /cgroup2 tmpfs rw 0 0\n\n'), { v2: undefined, v1: false });
  t.end();
});

t.test('facts of this machine are read without an exception', (t) => {
  t.match(machineFacts(), { pidNamespace: /^(initial|nested|foreign|missing)$/ });
  const { framePointers = 0, unwindTables } = libraryFacts();
  t.ok(framePointers >= 0 && framePointers <= 1);
  t.type(unwindTables, 'boolean');
  t.end();
});

/** A library of one program header, with unwind tables of so many functions, and so many prologues behind. */
function library(functions: number, prologues: number): Buffer {
  const file = Buffer.alloc(200 + 4 * prologues);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(0x6474e550, 64);
  file.writeBigUInt64LE(128n, 64 + 8);
  file.set([1, 0x1b, 3, 0x3b], 128);
  file.writeUInt32LE(functions, 128 + 8);
  const prologue = Buffer.from(process.arch === 'arm64' ? 'fd030091' : '554889e5', 'hex');
  for (let i = 0; i < prologues; i++) prologue.copy(file, 200 + 4 * i);
  return file;
}

t.test('frame pointers are counted as a part of the functions', (t) => {
  t.strictSame(readLibrary(library(10, 7)), { framePointers: 0.7, unwindTables: true });
  t.strictSame(readLibrary(library(10, 0)), { framePointers: 0, unwindTables: true });
  t.strictSame(readLibrary(library(2, 9)), { framePointers: 1, unwindTables: true });
  t.strictSame(readLibrary(library(0, 9)), { framePointers: undefined, unwindTables: false });
  const without = library(5, 5);
  without.writeUInt32LE(1, 64);
  t.strictSame(readLibrary(without), { framePointers: undefined, unwindTables: false });
  t.throws(() => readLibrary(Buffer.alloc(10)), { name: 'RangeError' }, 'what is no library is refused');
  t.end();
});

t.test('own files are the package, Node.js, what the caller named, and all that is passed on the way there', (t) => {
  const root = t.testdir();
  for (const directory of ['dist/cli', 'build/bpf', 'real', 'bin', 'links']) mkdirSync(join(root, directory), { recursive: true });
  for (const path of ['dist/cli/main.js', 'build/bpf/x.bpf.o', 'real/node', 'unrelated']) writeFileSync(join(root, path), '');
  symlinkSync('real/node', join(root, 'node'));
  symlinkSync(join(root, 'links'), join(root, 'bin/others'));
  symlinkSync('../dist/cli/main.js', join(root, 'links/ktrace'));
  symlinkSync('others/ktrace', join(root, 'bin/ktrace'));
  chmodSync(join(root, 'build/bpf/x.bpf.o'), 0o666);
  const files = ownFiles(root, join(root, 'node'), join(root, 'bin/ktrace'));
  const wanted = ['', 'dist', 'dist/cli', 'dist/cli/main.js', 'build', 'build/bpf', 'build/bpf/x.bpf.o', 'node', 'real', 'real/node', 'bin', 'bin/ktrace', 'bin/others', 'links', 'links/ktrace'];
  t.strictSame(files.map(({ path }) => path).filter((path) => path === root || path.startsWith(`${root}/`)).sort(), wanted.map((path) => join(root, path).replace(/\/$/, '')).sort(), 'each once, and nothing else');
  t.strictSame(files.map(({ path }) => path).filter((path) => !path.startsWith(root) && !root.startsWith(path)), [], 'above that, what is above it');
  t.ok(files.some(({ path }) => path === '/'));
  const modeOf = (name: string): number => files.find(({ path }) => path === join(root, name))?.mode ?? 0;
  t.strictSame([modeOf('build/bpf/x.bpf.o') & 0o777, modeOf('bin/ktrace') >> 12], [0o666, 0o12], 'a link is a link');
  const why = (name: string): string | undefined => files.find(({ path }) => path === join(root, name))?.of;
  t.strictSame([why('dist/cli/main.js'), why('real/node'), why('bin/ktrace'), why('links')], ['package', 'node', 'call', 'call']);
  symlinkSync('round', join(root, 'round'));
  t.strictSame(ownFiles('/no/such/place', '/no/such/node', join(root, 'round')), []);
  t.end();
});
