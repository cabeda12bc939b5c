import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bucketOf, FIRST_BUCKET } from '../../src/report/buckets.js';
import { code, root, sources } from './objects.js';

const files = sources();
const KERNEL: readonly string[] = ['bpf/include/ktrace/kernel.bpf.h', 'bpf/include/ktrace/kernel_files.bpf.h', 'bpf/include/ktrace/kernel_net.bpf.h', 'bpf/include/ktrace/kernel_memory.bpf.h'];
const FIXES = 'bpf/include/ktrace/core_fixes.bpf.h';
const TOTALS = 'bpf/include/ktrace/totals.bpf.h';
const text = (path: string): string => files.get(path) ?? '';

t.test('how long each file is', (t) => {
  for (const [path, content] of files) {
    const lines = content.split('\n').length - 1;
    t.comment(`${path}: ${lines} lines, ${code(content).split('\n').filter((line) => line.trim() !== '').length} of them code`);
    t.ok(lines <= 250, `${path}: ${lines} lines`);
  }
  t.end();
});

t.test('every file names its licence first and says in a comment what it is for', (t) => {
  for (const [path, content] of files) {
    t.match(content, /^(\/\/|\/\*) SPDX-License-Identifier: \(GPL-2\.0-only OR BSD-2-Clause\)/, path);
    t.match(content.split('\n').slice(1).join('\n'), /^\/\*[^]{20,}?\*\//, path);
  }
  t.end();
});

/** Parts of a file, in their order. */
const PARTS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['includes', /^#include /gm], ['options', /^const volatile /gm], ['maps', /SEC\("\.maps"\)|^KTRACE_(TOTALS|COUNTERS|RING)\(/gm], ['bodies', /^(?:static|__noinline)\b[^;{]*\([^;]*\)\s*\{/gm], ['programs', /^SEC\("\?/gm],
];

t.test('in a file of a tool includes come first, then options, maps and bodies, and at last programs', (t) => {
  for (const [path, content] of files) {
    if (path.startsWith('bpf/include/')) continue;
    const places = PARTS.map(([name, pattern]) => [name, [...code(content).matchAll(pattern)].map(({ index }) => index)] as const);
    const found = places.filter(([, indices]) => indices.length > 0);
    t.ok(found.length > 0, path);
    for (const [i, [name, indices]] of found.entries()) {
      const [next, later] = found[i + 1] ?? [];
      const orderly = later === undefined || (name === 'bodies' ? (indices[0] ?? 0) < Math.min(...later) : Math.max(...indices) < Math.min(...later));
      t.ok(orderly, `${path}: ${name} before ${next}`);
    }
  }
  t.end();
});

t.test('kernel.bpf.h declares only fields that some program reads', (t) => {
  const readers = [...files].filter(([path]) => !KERNEL.includes(path)).map(([, content]) => code(content)).join('\n');
  const needed = new Set(['upid.ns']); // never read; it only shows what stands behind `nr` in the array of them
  const unread: string[] = [];
  let fields = 0;
  for (const [, struct = '', body = ''] of code(KERNEL.map(text).join('')).matchAll(/struct (\w+) \{([^}]*)\} KERNEL_STRUCT/g)) {
    for (const declaration of body.split(';').filter((each) => each.trim() !== '')) {
      for (const name of declaration.split(',').map((each) => /(\w+)\s*(\[\d+\])?\s*$/.exec(each)?.[1] ?? '')) {
        fields++;
        const read = new RegExp(`(->|\\.|,\\s*)${name}\\b`).test(readers) || struct.startsWith('bpf_iter');
        if (!read && !needed.has(`${struct}.${name}`)) unread.push(`${struct}.${name}`);
      }
    }
  }
  t.ok(fields > 20, `${fields} fields`);
  t.strictSame(unread, []);
  t.end();
});

t.test('what kernel.bpf.h declares is used: structs and constants, too', (t) => {
  const own = code(KERNEL.map(text).join(''));
  const readers = [...files].filter(([path]) => !KERNEL.includes(path)).map(([, content]) => code(content)).join('\n');
  const declared = [...own.matchAll(/^struct (\w+)( \{|;)/gm)].map(([, name = '']) => name);
  const constants = [...own.matchAll(/^#define ([A-Z]\w+) /gm)].map(([, name = '']) => name).filter((name) => name !== 'KERNEL_STRUCT' && !name.endsWith('_BPF_H'));
  const elsewhere = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(readers) || [...own.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length > 1;
  t.strictSame([...declared, ...constants].filter((name) => !elsewhere(name)), []);
  t.end();
});

t.test('nothing asks for the version of the kernel', (t) => {
  for (const [path, content] of files) t.notMatch(code(content), /LINUX_KERNEL_VERSION|KERNEL_VERSION\(|\bkconfig\b|__kconfig/, path);
  t.end();
});

t.test('every accessor of core_fixes says why it is there: a commit, an option of the kernel, or an architecture', (t) => {
  const accessors = [...text(FIXES).matchAll(/\/\*((?:(?!\*\/)[^])*)\*\/\nstatic __always_inline [\w ]+?\*?(\w+)\([^)]*\)\n\{([^]*?)\n\}/g)];
  const all = [...text(FIXES).matchAll(/^static __always_inline [\w ]+?\*?(\w+)\(/gm)].map(([, name]) => name);
  t.strictSame(accessors.map(([, , name]) => name), all, 'each has a comment');
  t.ok(all.length > 0);
  for (const [, comment = '', name = '', body = ''] of accessors) {
    t.ok(/\b[0-9a-f]{12} \("[^"]+",? ?[^)]*\d+\.\d+\)/.test(comment) || /CONFIG_[A-Z]/.test(comment) || /__TARGET_ARCH_/.test(body), name);
    if (/bpf_core_field_exists|___before|___until/.test(body) && !/CONFIG_/.test(comment)) t.match(comment, /\b[0-9a-f]{12} \("/, `${name}: a rename has its commit`);
  }
  t.end();
});

t.test('loops are bounded by a constant', (t) => {
  for (const [path, content] of files) {
    t.notMatch(code(content), /\b(while|goto)\b\s*\(?/, path);
    for (const [loop, condition = ''] of code(content).matchAll(/\bfor\s*\([^;]*;([^;]*);/g)) t.match(condition, /<\s*([A-Z_0-9]+)\b/, `${path}: ${loop}`);
  }
  t.end();
});

/** The arithmetic of the kernel side, by the compiler of this machine. */
function slots(values: readonly bigint[], directory: string): number[] {
  const arithmetic = text(TOTALS).slice(text(TOTALS).indexOf('#define HISTOGRAM_OFFSET'), text(TOTALS).indexOf('static __always_inline void histogram_add'));
  const source = `#include <stdint.h>
#include <stdio.h>
typedef uint64_t __u64; typedef uint32_t __u32; typedef uint64_t ktrace_ns;
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
__u32 histogram_slot(ktrace_ns v);
${arithmetic}
int main(void) { unsigned long long v; while (scanf("%llu", &v) == 1) printf("%u\\n", histogram_slot(v)); printf("%d %d\\n", HISTOGRAM_OFFSET, HISTOGRAM_SLOTS); }
`;
  writeFileSync(join(directory, 'slots.c'), source);
  execFileSync('cc', ['-std=gnu11', '-O2', '-Wall', '-Werror', '-fsanitize=undefined', '-fno-sanitize-recover', '-o', join(directory, 'slots'), join(directory, 'slots.c')]);
  return execFileSync(join(directory, 'slots'), { input: values.join('\n'), encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split(/\s+/).map(Number);
}

t.test('the histogram of the kernel side has the buckets of the report', { skip: spawnSync('cc', ['--version']).error ? 'no C compiler' : false }, (t) => {
  const random = Array.from({ length: 20_000 }, (_, i) => (BigInt(Math.floor(Math.random() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(Math.random() * 2 ** 32))) >> BigInt(i % 64));
  const powers = Array.from({ length: 64 }, (_, k) => 2n ** BigInt(k)).flatMap((power) => [power - 1n, power, power + 1n]);
  const edges = Array.from({ length: 4 * 53 }, (_, i) => BigInt(Math.floor(2 ** (i / 4)))).flatMap((edge) => [edge - 1n, edge, edge + 1n]);
  const values = [...powers, ...edges, ...random, 2n ** 64n - 1n].map((v) => (v < 0n ? 0n : BigInt.asUintN(64, v)));
  const found = slots(values, t.testdir());
  const [offset = 0, count = 0] = found.slice(-2);
  const wanted = (v: bigint): number => Math.max(0, Math.min(count - 1, (v <= BigInt(Number.MAX_SAFE_INTEGER) ? bucketOf(Number(v)) : Infinity) - offset));
  t.strictSame(values.filter((v, i) => found[i] !== wanted(v)).slice(0, 10), []);
  t.strictSame([offset, count], [24, 152], 'buckets.ts and the report say so, too');
  t.end();
});

t.test('the user side counts buckets from where the kernel side does', (t) => {
  const [, offset] = /#define HISTOGRAM_OFFSET (\d+)/.exec(text(TOTALS)) ?? [];
  t.equal(String(FIRST_BUCKET), offset);
  const [, before] = /#define EVIDENCE_BEFORE (\d+)/.exec(text('bpf/futex.bpf.h')) ?? [];
  const [, behind] = /#define EVIDENCE_BEHIND (\d+)/.exec(text('bpf/futex.bpf.h')) ?? [];
  const [, shift] = /#define PAGE_SHIFT (\d+)/.exec(text('bpf/include/ktrace/kernel.bpf.h')) ?? [];
  const look = readFileSync(join(root, 'src/tools/futex/look.ts'), 'utf8');
  t.match(look, `const PAGE_BYTES = ${2 ** Number(shift)};`);
  t.match(look, `const EVIDENCE_BEFORE = ${before};`);
  t.match(look, `const EVIDENCE_BEHIND = ${behind};`);
  t.end();
});
