import t from 'tap';
import { fnv1a64, layoutHash } from '../../src/btf/hash.js';
import { readSchema, type Schema } from '../../src/btf/schema.js';
import type { Field, StructLayout } from '../../src/btf/shape.js';
import { btfOf, fixture, missing } from './object.js';

function schema(): Schema {
  return readSchema(btfOf(fixture().bytes), 'fixture');
}

t.test('FNV-1a has the values of its authors', (t) => {
  t.equal(fnv1a64(''), 'cbf29ce484222325');
  t.equal(fnv1a64('a'), 'af63dc4c8601ec8c');
  t.equal(fnv1a64('foobar'), '85944171f73967e8');
  t.end();
});

t.test('the schema holds what is shared, sorted, and nothing private', { skip: missing }, (t) => {
  const { records, structs, enums, options, maps } = schema();
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  t.same(names(records), ['fixture_event']);
  t.same(names(structs), ['fixture_event', 'fixture_key']);
  t.same(names(enums), ['fixture_drop', 'fixture_outcome'], 'an anchored enum is shared, too');
  t.same(names(options), ['emit_events', 'filter_comm_is', 'limits', 'min_wait_ns']);
  t.same(names(maps), ['drops', 'events', 'events_lost', 'events_untold', 'states', 'totals', 'totals_full', 'totals_zero']);
  const states = maps.find(({ name }) => name === 'states');
  t.same([states?.key, states?.value], [undefined, undefined], 'task storage never leaves the kernel');
  t.end();
});

t.test('the hash of the fixture is the same with every compiler', { skip: missing }, (t) => {
  t.equal(layoutHash(schema()), '8d4bf30a8295c996');
  t.end();
});

t.test('every layout fact changes the hash', { skip: missing }, (t) => {
  const original = schema();
  const struct = (edit: (layout: StructLayout) => StructLayout): Schema => ({ ...original, structs: original.structs.map(edit) });
  const field = (edit: (field: Field) => Field) => struct((layout) => ({ ...layout, fields: layout.fields.map(edit) }));
  const wait = (change: Partial<Field>) => field((f) => (f.name === 'wait_ns' ? { ...f, ...change } : f));
  const changed: Record<string, Schema> = {
    'a name': wait({ name: 'waited_ns' }),
    'an offset': wait({ offset: 24 }),
    'a size': wait({ size: 4 }),
    'a sign': wait({ signed: true }),
    'a unit': wait({ typedef: 'ktrace_bytes' }),
    'the length of an array': field((f) => (f.name === 'histogram' ? { ...f, length: 6, size: 48 } : f)),
    'the elements of an array': field((f) => (f.name === 'steps' ? { ...f, element: { kind: 'int', size: 2, signed: false } } : f)),
    'the size of a struct': struct((layout) => ({ ...layout, size: layout.size + 8 })),
    'a constant': { ...original, enums: original.enums.map(({ name, values }) => ({ name, values: new Map([...values, ['MORE', 9]]) })) },
    'one option less': { ...original, options: original.options.slice(1) },
    'the type of an option': { ...original, options: original.options.map((o) => ({ ...o, type: { ...o.type, signed: !o.type.signed } })) },
    'the type of a map': { ...original, maps: original.maps.map((map) => ({ ...map, type: map.type + 1 })) },
    'the key of a map': { ...original, maps: original.maps.map((map) => ({ ...map, key: map.value })) },
  };
  const hashes = new Set([layoutHash(original)]);
  for (const [what, variant] of Object.entries(changed)) {
    const hash = layoutHash(variant);
    t.notOk(hashes.has(hash), what);
    hashes.add(hash);
  }
  t.end();
});
