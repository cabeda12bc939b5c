import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LayoutError, layoutHash, maps, programs, structLayout, type Btf, type Field } from '../../src/btf/index.js';
import { Kind } from '../../src/btf/kind.js';
import { TYPEDEFS } from '../../src/report/units.js';
import { buildFor, code, missing, readObject, root, sources, toolNames } from './objects.js';

const HASHES: ReadonlySet<number> = new Set([1, 5]); // BPF_MAP_TYPE_HASH, _PERCPU_HASH; LRU maps are never full
const RING = 27; // BPF_MAP_TYPE_RINGBUF
const PER_CPU_ARRAY = 6;
const TASK_STORAGE = 29;
/** Sections that libbpf gives back without a trace when ktrace dies. `kprobe.multi` and pins are not among them, nor legacy tracefs probes. */
const SECTION = /^(tracepoint|raw_tp|tp_btf|fentry|fexit|kprobe|kretprobe|ksyscall|kretsyscall|iter|uprobe|uretprobe|lsm)\/[\w./+-]+$/;

/** Every typedef of ours that the object's BTF knows. */
function typedefsIn(btf: Btf): string[] {
  return Array.from({ length: btf.count }, (_, id) => id).filter((id) => btf.kind(id) === Kind.TYPEDEF && btf.name(id).startsWith('ktrace_')).map((id) => btf.name(id));
}

const plain = ({ typedef, struct, kind, element }: Field): boolean => typedef === undefined && struct === undefined && kind !== 'enum' && element?.typedef === undefined && element?.struct === undefined;

if (missing) t.test('the rules for BPF objects', { skip: missing }, () => undefined);
else {
  const objects = toolNames.map((tool) => readObject(tool));

  for (const { tool, btf, elf, schema, source } of objects) {
    t.test(`${tool}: what it shares has a layout without holes, bitfields or pointers, in multiples of 8 bytes`, (t) => {
      t.ok(schema.structs.length > 0);
      for (const { name } of schema.structs) {
        const { size, fields } = structLayout(btf, name); // throws on any of them
        t.equal(size % 8, 0, `struct ${name}: ${size} bytes`);
        t.equal(fields.reduce((sum, field) => sum + field.size, 0), size, `struct ${name}: its fields fill it`);
      }
      t.end();
    });

    t.test(`${tool}: structs and enums carry the name of the tool, or of ktrace`, (t) => {
      for (const { name } of [...schema.structs, ...schema.enums]) {
        t.match(name, new RegExp(`^(${tool}|ktrace)_[a-z0-9_]+$`));
        t.notMatch(name, /^(event|record|totals|key|value)$/);
      }
      for (const { name } of schema.records) t.ok(name.startsWith(`${tool}_`), name);
      t.end();
    });

    t.test(`${tool}: every typedef of ours in it is one that units.ts explains`, (t) => {
      const found = typedefsIn(btf);
      t.ok(found.length > 0);
      t.strictSame(found.filter((name) => !(name in TYPEDEFS)), []);
      t.end();
    });

    t.test(`${tool}: a number of 64 bits says its unit`, (t) => {
      const allowed = /^(_reserved|waitv|nvcsw|syscall)$/; // not shown: private to the kernel side, or a number of a system call
      const bare = schema.structs.flatMap(({ name, fields }) => fields.filter((field) => field.size === 8 && plain(field) && !allowed.test(field.name)).map((field) => `${name}.${field.name}`));
      t.strictSame(bare, []);
      t.end();
    });

    t.test(`${tool}: what is reserved is named so, and never shown`, (t) => {
      const reserved = schema.structs.flatMap(({ fields }) => fields.filter(({ name }) => /reserved|pad(ding)?$/i.test(name)).map(({ name }) => name));
      t.strictSame(reserved.filter((name) => !name.startsWith('_')), []);
      t.end();
    });

    t.test(`${tool}: every program is hook__variant in an optional section of a kind that leaves nothing behind`, (t) => {
      const found = programs(elf);
      t.ok(found.length > 0);
      for (const { name, hook, variant, section } of found) {
        t.match(name, /^[a-z][a-z0-9_]*__[a-z0-9]+$/);
        t.ok(hook !== '' && variant !== '', name);
        t.match(section, SECTION, name);
        t.notMatch(section, /^(kprobe|kretprobe|uprobe)\.multi|^k(ret)?probe$|^tracepoint$/, name);
      }
      const sections = elf.functions().map(({ section }) => section.name).filter((name) => name !== '.text');
      t.strictSame(sections.filter((name) => !name.startsWith('?')), [], 'without the "?" one missing hook fails them all');
      t.end();
    });

    t.test(`${tool}: no failure to store something is silent`, (t) => {
      const maps = new Map(schema.maps.map((map) => [map.name, map]));
      for (const { name, type } of schema.maps) {
        const counter = type === RING ? `${name}_lost` : HASHES.has(type) ? `${name}_full` : undefined;
        if (counter !== undefined) t.equal(maps.get(counter)?.type, PER_CPU_ARRAY, `${name} has ${counter}`);
      }
      t.ok(schema.maps.some(({ type }) => HASHES.has(type) || type === RING));
      t.end();
    });

    t.test(`${tool}: every map but those that live with their threads is bounded`, (t) => {
      for (const { name, type, maxEntries } of maps(btf)) t.ok(maxEntries > 0 || type === TASK_STORAGE, `${name}: ${maxEntries}`);
      t.end();
    });

    t.test(`${tool}: the licence lets the kernel load it`, (t) => {
      const section = elf.section('license');
      t.equal(Buffer.from(section?.bytes ?? []).toString('latin1'), 'Dual BSD/GPL\0');
      t.end();
    });

    t.test(`${tool}: the file begins with its licence, then with what it measures and what it does not`, (t) => {
      const [first = '', ...rest] = source.split('\n');
      t.equal(first, '// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)');
      const comment = /^\/\*([^]*?)\*\/\n#include/.exec(rest.join('\n'))?.[1]?.replace(/\s*\n \*\s*/g, ' ').trim() ?? '';
      t.match(comment, /^[A-Z][^.]+\./, 'a sentence');
      t.match(comment, /\bdoes not (see|measure|count|tell)\b/i, 'and its limits');
      t.end();
    });
  }

  t.test('every typedef that units.ts explains is one that types.bpf.h declares, and the other way round', (t) => {
    const declared = [...code(sources().get('bpf/include/ktrace/types.bpf.h') ?? '').matchAll(/^typedef [^;]*?\b(ktrace_\w+)(?:\[\d+\])?;/gm)].map(([, name]) => name ?? '');
    t.strictSame(declared.toSorted(), Object.keys(TYPEDEFS).toSorted());
    t.end();
  });

  t.test('for another machine the objects compile, and share the same layouts', (t) => {
    const arch = process.arch === 'arm64' ? 'x86' : 'arm64';
    const directory = buildFor(arch, t.testdir());
    for (const { tool, schema, elf } of objects) {
      const other = readObject(tool, directory);
      t.equal(layoutHash(other.schema), layoutHash(schema), tool);
      t.strictSame(programs(other.elf).map(({ name, section }) => `${section} ${name}`).sort(), programs(elf).map(({ name, section }) => `${section} ${name}`).sort());
    }
    t.end();
  });

  t.test('what the build noted of each object is so: its bytes and its layout', (t) => {
    const manifest = JSON.parse(readFileSync(join(root, 'build/bpf/manifest.json'), 'utf8')) as { objects: Record<string, unknown> };
    for (const { tool, schema } of objects) {
      const bytes = readFileSync(join(root, 'build/bpf', `${tool}.bpf.o`));
      t.strictSame(manifest.objects[`${tool}.bpf.o`], { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, layoutHash: layoutHash(schema) }, tool);
    }
    t.end();
  });

  t.test('a rule that is broken is noticed', (t) => {
    const { btf } = objects[0] as (typeof objects)[number];
    t.throws(() => structLayout(btf, 'task_struct'), LayoutError, 'pointers');
    t.throws(() => structLayout(btf, 'no_such_struct'), LayoutError);
    t.end();
  });
}
