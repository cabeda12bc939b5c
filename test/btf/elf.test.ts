import fc from 'fast-check';
import t from 'tap';
import { ElfFile } from '../../src/btf/elf.js';
import { LayoutError } from '../../src/btf/error.js';
import { programs } from '../../src/btf/programs.js';
import { damaged, RUNS, valueOrLayoutError } from './fuzz.js';
import { fixture, missing } from './object.js';

/** The smallest file that is accepted: a header, the null section, the section names, and `extra` appended. */
function tinyElf(): Uint8Array {
  const bytes = new Uint8Array(64 + 2 * 64 + 16);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, 247, true);
  view.setBigUint64(40, 64n, true); // section headers
  view.setUint16(58, 64, true);
  view.setUint16(60, 2, true);
  view.setUint16(62, 1, true); // section names
  view.setUint32(128, 1, true); // name of section 1
  view.setUint32(132, 3, true); // SHT_STRTAB
  view.setBigUint64(152, 192n, true);
  view.setBigUint64(160, 16n, true);
  bytes.set(new TextEncoder().encode('\0.strtab\0'), 192);
  return bytes;
}

function changed(at: number, ...values: number[]): Uint8Array {
  const bytes = tinyElf();
  bytes.set(values, at);
  return bytes;
}

t.test('sections are found by name, without copying', (t) => {
  const bytes = tinyElf();
  const elf = new ElfFile(bytes);
  t.same(elf.sections.map(({ name }) => name), ['', '.strtab']);
  const section = elf.section('.strtab');
  t.equal(section?.bytes.buffer, bytes.buffer);
  t.equal(section?.bytes.length, 16);
  t.equal(elf.section('.BTF'), undefined);
  t.same(elf.functions(), [], 'a file without a symbol table has no functions');
  t.end();
});

t.test('what is not a BPF object is refused, with the reason', (t) => {
  const refused: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(0), /bad magic/],
    ['other magic', changed(0, 0x7e), /bad magic/],
    ['32-bit', changed(4, 1), /not 64-bit little endian/],
    ['big endian', changed(5, 2), /not 64-bit little endian/],
    ['an executable', changed(16, 2), /not relocatable/],
    ['x86-64', changed(18, 62), /machine 62 is not BPF/],
    ['odd section headers', changed(58, 40), /section header size/],
    ['no sections', changed(60, 0), /0 sections/],
    ['more sections than a file may have', changed(60, 0xff, 0xff), /65535 sections/],
    ['more sections than bytes', changed(60, 9), /lie outside/],
    ['section names nowhere', changed(62, 7), /section 7 of 2/],
    ['a section past the end', changed(160, 17), /lie outside/],
    ['a section at 2^63', changed(159, 0x80), /lie outside/],
    ['a name without an end', changed(64 + 128, ...new Array<number>(16).fill(65)), /lie outside/],
  ];
  for (const [name, bytes, message] of refused) t.throws(() => new ElfFile(bytes), { name: 'LayoutError', code: 'LAYOUT', message }, name);
  t.end();
});

t.test('programs are the global functions of executable sections', { skip: missing }, (t) => {
  const expected = [
    { name: 'do_futex__fentry', section: 'fentry/do_futex', hook: 'do_futex', variant: 'fentry' },
    { name: 'do_futex__kprobe', section: 'kprobe/do_futex', hook: 'do_futex', variant: 'kprobe' },
    { name: 'plain', section: 'tracepoint/syscalls/sys_enter_futex', hook: 'plain', variant: '' },
  ];
  for (const bytes of [fixture().bytes, fixture().raw]) {
    const found = programs(new ElfFile(bytes)).sort((a, b) => (a.name < b.name ? -1 : 1));
    t.same(found, expected);
  }
  t.end();
});

t.test('a symbol table whose strings are elsewhere is refused', { skip: missing }, (t) => {
  const bytes = Uint8Array.from(fixture().bytes);
  const view = new DataView(bytes.buffer);
  const table = new ElfFile(bytes).sections.find(({ type }) => type === 2);
  view.setUint32(Number(view.getBigUint64(40, true)) + (table?.index ?? 0) * 64 + 40, 60_000, true);
  t.throws(() => programs(new ElfFile(bytes)), new LayoutError('ELF file: symbol table names section 60000 for its strings'));
  t.end();
});

t.test('damaged files give sections and programs, or LayoutError', (t) => {
  const seed = missing ? tinyElf() : fixture().bytes;
  const read = (bytes: Uint8Array) => programs(new ElfFile(bytes));
  t.doesNotThrow(() => fc.assert(fc.property(damaged(seed), (bytes) => valueOrLayoutError(() => read(bytes))), RUNS));
  // Most edits of a large file hit code; these hit the header and the tables.
  t.doesNotThrow(() => fc.assert(fc.property(damaged(tinyElf()), (bytes) => valueOrLayoutError(() => read(bytes))), RUNS));
  t.end();
});
