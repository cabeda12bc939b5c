import t from 'tap';
import { ElfFile } from '../../src/btf/elf.js';
import { enumValues } from '../../src/btf/enums.js';
import { globals } from '../../src/btf/globals.js';
import { structLayout } from '../../src/btf/layout.js';
import { maps } from '../../src/btf/maps.js';
import type { Field } from '../../src/btf/shape.js';
import { btfOf, fixture, missing } from './object.js';

/** `offset name kind size unit` and what else there is to say. */
function line(field: Field): string {
  const sign = field.kind === 'int' && field.signed ? 'signed ' : '';
  const flags = `${field.bool ? ' bool' : ''}${field.text ? ' text' : ''}`;
  const length = field.length === undefined ? '' : ` [${field.length}]`;
  const of = field.struct ?? field.element?.struct;
  const name = field.enumName ?? of?.name;
  return `${field.offset} ${field.name}: ${sign}${field.kind} ${field.size}${length}${flags} ${field.typedef ?? name ?? '-'}`;
}

t.test('the layout of a struct is what the C says', { skip: missing }, (t) => {
  const layout = structLayout(btfOf(fixture().bytes), 'fixture_event');
  t.equal(layout.size, 184);
  t.same(layout.fields.map(line), [
    '0 key: struct 16 fixture_key',
    '16 wait_ns: int 8 ktrace_ns',
    '24 cgroup_id: int 8 ktrace_id64',
    '32 delta: signed int 8 -',
    '40 error: signed int 4 ktrace_errno',
    '44 port: int 2 -',
    '46 level: signed int 1 -',
    '47 last: int 1 bool -',
    '48 comm: bytes 16 [16] text ktrace_comm',
    '64 path: bytes 24 [24] text -',
    '88 evidence: bytes 8 [8] ktrace_raw',
    '96 histogram: array 40 [5] ktrace_count',
    '136 steps: array 6 [3] -',
    '142 _reserved: bytes 2 [2] -',
    '144 seen: array 32 [2] fixture_key',
    '176 lost: int 4 -',
    '180 _zero: int 4 -',
  ]);
  const key = layout.fields[0]?.struct;
  t.same(key?.fields.map(line), ['0 address: int 8 ktrace_addr', '8 tid: int 4 ktrace_tid', '12 outcome: enum 4 fixture_outcome']);
  t.equal(key?.fields[2]?.signed, true, 'an enum with a negative constant is signed');
  t.end();
});

t.test('the layout is the same before and after linking', { skip: missing }, (t) => {
  const [linked, raw] = [fixture().bytes, fixture().raw].map((bytes) => structLayout(btfOf(bytes), 'fixture_event'));
  t.same(raw, linked);
  t.end();
});

t.test('what cannot be shared is refused, naming struct and field', { skip: missing }, (t) => {
  const btf = btfOf(fixture().bytes);
  const refused: [string, string][] = [
    ['bad_padding', 'struct bad_padding: field b: 4 bytes of implicit padding before it'],
    ['bad_tail', 'struct bad_tail: 4 bytes of implicit padding at the end'],
    ['bad_bitfield', 'struct bad_bitfield: field a: bitfield'],
    ['bad_pointer', 'struct bad_pointer: field b: pointer cannot be shared with user space'],
    ['bad_union', 'struct bad_union: field u: union cannot be shared with user space'],
    ['bad_float', 'struct bad_float: field a: float cannot be shared with user space'],
    ['bad_size', 'struct bad_size: size 4 is not a multiple of 8'],
    ['bad_wide', 'struct bad_wide: field a: integer of 16 bytes'],
    ['bad_matrix', 'struct bad_matrix: field a: array of arrays'],
    ['bad_flexible', 'struct bad_flexible: field rest: array of 0 elements'],
    ['bad_anonymous', 'struct bad_anonymous: field inner: struct without a name cannot be shared with user space'],
    ['bad_unnamed', 'struct bad_unnamed: field without a valid name at bit 0'],
    ['bad_nested', 'struct bad_tail: 4 bytes of implicit padding at the end'],
    ['nowhere', "struct nowhere: not in the object's BTF"],
  ];
  for (const [name, message] of refused) t.throws(() => structLayout(btf, name), { name: 'LayoutError', message }, name);
  t.end();
});

t.test('options have offset, size, unit and type', { skip: missing }, (t) => {
  const options = globals(btfOf(fixture().bytes), '.rodata');
  const found = new Map(options.map((option) => [option.name, option]));
  t.same([...found.keys()].sort(), ['emit_events', 'filter_comm_is', 'limits', 'min_wait_ns', 'private_knob']);
  t.equal(new Set(options.map(({ offset }) => offset)).size, options.length, 'no two at one offset');
  t.match(found.get('min_wait_ns'), { size: 8, typedef: 'ktrace_ns', isStatic: false });
  t.match(found.get('min_wait_ns')?.type(), { kind: 'int', size: 8, signed: false });
  t.match(found.get('emit_events')?.type(), { kind: 'int', size: 1, bool: true });
  t.match(found.get('filter_comm_is')?.type(), { kind: 'bytes', size: 16, text: true, typedef: 'ktrace_comm' });
  t.match(found.get('limits')?.type(), { kind: 'array', length: 3, element: { kind: 'int', size: 4 } });
  t.equal(found.get('private_knob')?.isStatic, true);
  t.end();
});

t.test('an offset is where the initial value lies', { skip: missing }, (t) => {
  const elf = new ElfFile(fixture().bytes);
  const knob = globals(btfOf(fixture().bytes), '.rodata').find(({ name }) => name === 'private_knob');
  t.equal(elf.section('.rodata')?.bytes[knob?.offset ?? -1], 5);
  t.end();
});

t.test('a variable of a type that cannot be shared is listed, but has no type', { skip: missing }, (t) => {
  const anchor = globals(btfOf(fixture().bytes), '.bss').find(({ name }) => name === 'bad_bad_size');
  t.equal(anchor?.size, 8);
  t.throws(() => anchor?.type(), { name: 'LayoutError', message: 'variable bad_bad_size: pointer cannot be shared with user space' });
  t.end();
});

t.test('an object straight from clang has no offsets, and is refused', { skip: missing }, (t) => {
  const raw = btfOf(fixture().raw);
  for (const section of ['.rodata', '.bss']) {
    const message = `${section}: no offsets yet; finish the object with \`bpftool gen object\``;
    t.throws(() => globals(raw, section), { name: 'LayoutError', message });
  }
  t.same(globals(raw, '.data'), [], 'a section that is not there has no variables');
  t.end();
});

t.test('constants of an enum come in declared order', { skip: missing }, (t) => {
  const btf = btfOf(fixture().bytes);
  t.same([...enumValues(btf, 'fixture_outcome')], [['FIXTURE_OK', 0], ['FIXTURE_FAILED', 7], ['FIXTURE_MINUS', -3]]);
  t.throws(() => enumValues(btf, 'nowhere'), { name: 'LayoutError' });
  t.end();
});

t.test('maps have type, size, key and value', { skip: missing }, (t) => {
  const found = new Map(maps(btfOf(fixture().bytes)).map((map) => [map.name, map]));
  t.same([...found.keys()].sort(), ['drops', 'events', 'events_lost', 'events_untold', 'states', 'totals', 'totals_full', 'totals_zero']);
  const totals = found.get('totals');
  t.match(totals, { type: 1, maxEntries: 123, key: { struct: 'fixture_key' }, value: { typedef: 'ktrace_count' } });
  t.equal(totals?.key?.layout().size, 16);
  t.match(totals?.value?.layout(), { size: 8, scalar: true, fields: [{ name: 'value', offset: 0, typedef: 'ktrace_count' }] });
  t.match(found.get('events'), { type: 27, maxEntries: 65_536, key: undefined, value: undefined });
  t.match(found.get('states'), { type: 29, value: { struct: 'fixture_private' } });
  t.throws(() => found.get('states')?.value?.layout(), { name: 'LayoutError', message: /field pointer: pointer/ });
  t.end();
});
