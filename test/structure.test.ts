import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ESLint } from 'eslint';
import t from 'tap';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const has = (path: string): boolean => existsSync(join(root, path));

/** Files below a directory whose names end so, as paths from the top. */
function below(directory: string, ending: string): string[] {
  if (!has(directory)) return [];
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending)).map((name) => join(directory, name)).sort();
}

const tools = below('bpf', '.bpf.c').map((path) => basename(path, '.bpf.c'));
const sources = below('src', '.ts').filter((path) => !path.startsWith('src/generated/'));
const tests = below('test', '.test.ts');

function parse(path: string, text = read(path)): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
}

function visit(node: ts.Node, each: (node: ts.Node) => void): void {
  each(node);
  node.forEachChild((child) => visit(child, each));
}

t.test('a tool is whole: programs, user side, tests, page', (t) => {
  t.ok(tools.length > 0);
  for (const tool of tools) {
    const parts = [`bpf/${tool}.bpf.c`, ...['tool', 'cli', 'report'].map((part) => `src/tools/${tool}/${part}.ts`), `docs/tools/${tool}.md`, `src/generated/${tool}.ts`];
    t.strictSame(parts.filter((path) => !has(path)), [], `${tool}: what is missing`);
    t.ok(tests.some((path) => path.startsWith(`test/tools/${tool}/`)), `${tool}: tests without root`);
    t.ok(tests.some((path) => new RegExp(`^test/kernel/${tool}[\\w.-]*\\.test\\.ts$`).test(path)), `${tool}: tests against the kernel`);
  }
  t.strictSame(readdirSync(join(root, 'src/tools'), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !tools.includes(entry.name)).map(({ name }) => name), [], 'no user side without programs');
  t.end();
});

t.test('files are short, and nothing is any', (t) => {
  for (const path of sources) {
    const lines = read(path).split('\n').length - 1;
    t.ok(lines <= 250, `${path}: ${lines} lines`);
    const found: number[] = [];
    const file = parse(path);
    visit(file, (node) => node.kind === ts.SyntaxKind.AnyKeyword && found.push(file.getLineAndCharacterOfPosition(node.getStart()).line + 1));
    t.strictSame(found, [], `${path}: lines with any`);
    t.notMatch(read(path), /@ts-(ignore|nocheck|expect-error)|eslint-disable/, `${path} switches nothing off`);
  }
  t.end();
});

/** Names by which tests assert, as methods of what tap hands them. */
const ASSERTIONS = /^(ok|notOk|equal|not|same|notSame|strictSame|strictNotSame|match|notMatch|matchOnly|matchStrict|matchOnlyStrict|has|hasStrict|notHas|type|throws|doesNotThrow|rejects|resolves|resolveMatch|resolveMatchSnapshot|matchSnapshot|emits|error|fail)$/;

/** Whether a body asserts, or hands its test on to a function that may. */
function asserts(body: ts.Node): boolean {
  let found = false;
  visit(body, (node) => {
    if (!ts.isCallExpression(node)) return;
    const { expression } = node;
    if (ts.isPropertyAccessExpression(expression) && ASSERTIONS.test(expression.name.text)) found = true;
    if (ts.isPropertyAccessExpression(expression) && expression.expression.getText() === 'fc' && expression.name.text === 'assert') found = true;
    if (node.arguments.some((argument) => ts.isIdentifier(argument) && argument.text === 't')) found = true;
  });
  return found;
}

/** `t.test(title, …)`, or `test(title, …)` where a harness hands that out. */
function isTest(node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node) || node.arguments.length < 2) return false;
  const { expression } = node;
  return ts.isPropertyAccessExpression(expression) ? expression.name.text === 'test' : expression.getText() === 'test';
}

/** Calls of t.test(), with the line where each stands. */
function blocks(path: string, text?: string): { line: number; body: ts.Node; skipped: boolean }[] {
  const found: { line: number; body: ts.Node; skipped: boolean }[] = [];
  const file = parse(path, text);
  visit(file, (node) => {
    if (!isTest(node)) return;
    const body = node.arguments.find((argument) => ts.isArrowFunction(argument) || ts.isFunctionExpression(argument));
    const options = node.arguments.find((argument) => ts.isObjectLiteralExpression(argument));
    if (!body || !(ts.isArrowFunction(body) || ts.isFunctionExpression(body))) return;
    const skipped = options?.getText().includes('skip') === true && body.body.getText() === 'undefined';
    found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, body: body.body, skipped });
  });
  return found;
}

t.test('every test asserts something', (t) => {
  t.ok(tests.length > 20);
  for (const path of tests) {
    const all = blocks(path);
    t.ok(all.some(({ skipped }) => !skipped), `${path} has tests`);
    t.strictSame(all.filter(({ body, skipped }) => !skipped && !asserts(body)).map(({ line }) => line), [], `${path}: lines of tests that assert nothing`);
  }
  t.end();
});

t.test('a test that asserts nothing would be noticed', (t) => {
  const empty = "t.test('x', (t) => { t.end(); }); t.test('y', async (t) => { t.pass('fine'); t.comment('x'); });";
  t.strictSame(blocks('x.ts', empty).map(({ body }) => asserts(body)), [false, false]);
  t.strictSame(blocks('x.ts', "t.test('x', (t) => { check(t, 1); t.end(); }); t.test('y', (t) => { t.equal(1, 1); });").map(({ body }) => asserts(body)), [true, true]);
  t.end();
});

t.test('every test says in a sentence what holds', (t) => {
  for (const path of tests) {
    const titles: string[] = [];
    visit(parse(path), (node) => {
      if (!isTest(node)) return;
      const [title] = node.arguments;
      if (title && ts.isStringLiteralLike(title)) titles.push(title.text);
    });
    t.strictSame(titles.filter((title) => !/[a-z ]{5}|[A-Z]_[A-Z]/.test(title)), [], `${path}: titles that say nothing`);
    t.equal(new Set(titles).size, titles.length, `${path}: each once`);
  }
  t.end();
});

t.test('what is generated is up to date', { skip: has('build/bpf/manifest.json') && has('dist/btf/index.js') ? false : 'nothing is built' }, (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  t.end();
});

t.test('every example is short, and run by a test', (t) => {
  const examples = [...below('examples', '.ts'), ...below('examples', '.mjs'), ...below('examples', '.mts')];
  const texts = tests.map(read).join('\n');
  t.ok(examples.length > 0, 'there are examples');
  const runsAll = /readdirSync\([^)]*examples/.test(texts);
  for (const path of examples) {
    const lines = read(path).split('\n').length - 1;
    t.ok(lines <= 40, `${path}: ${lines} lines`);
    t.ok(runsAll || texts.includes(basename(path)), `${path} is run by a test`);
  }
  t.end();
});

/** A snippet that breaks one rule, where it would stand, and the rule. */
const OFFENCES: readonly (readonly [rule: string, path: string, snippet: string])[] = [
  ['no-restricted-imports', 'src/tools/futex/words.ts', "import { readFileSync } from 'node:fs'; export const x = readFileSync;"],
  ['no-restricted-imports', 'src/btf/names.ts', "import * as fs from 'fs'; export const x = fs;"],
  ['no-restricted-imports', 'src/btf/names.ts', "import { readFile } from 'fs/promises'; export const x = readFile;"],
  ['no-restricted-imports', 'src/render/format.ts', "import { hrtime } from 'process'; export const x = hrtime;"],
  ['no-restricted-imports', 'src/render/format.ts', "import { loadBinding } from '../native/load.js'; export const x = loadBinding;"],
  ['no-restricted-imports', 'src/report/duration.ts', "import { Targets } from '../source/targets.js'; export const x = Targets;"],
  ['no-restricted-imports', 'src/tools/futex/words.ts', "import { fail } from '../../cli/exit.js'; export const x = fail;"],
  ['no-restricted-imports', 'src/tools/mappings.ts', "import { procfs } from '../enrich/procfs.js'; export const x = procfs;"],
  ['no-restricted-imports', 'src/tools/mappings.ts', "export { procfs } from '../enrich/procfs.js';"],
  ['no-restricted-globals', 'src/tools/futex/words.ts', 'export const x = process.pid;'],
  ['no-restricted-globals', 'src/render/format.ts', 'console.log(1);'],
  ['no-restricted-globals', 'src/report/duration.ts', 'setTimeout(() => undefined, 1);'],
  ['no-restricted-globals', 'src/btf/names.ts', "export const x = require('fs');"],
  ['no-restricted-globals', 'src/btf/names.ts', 'export const x = performance.now();'],
  ['no-restricted-syntax', 'src/tools/futex/words.ts', 'export const x = Date.now();'],
  ['no-restricted-syntax', 'src/render/format.ts', 'export const x = new Date();'],
  ['no-restricted-syntax', 'src/tools/futex/tool.ts', "export const x = import('../../source/live.js');"],
  ['no-restricted-syntax', 'src/source/targets.ts', 'process.exit(1);'],
  ['no-restricted-syntax', 'src/library/futex.ts', "process.on('SIGINT', () => undefined);"],
  ['no-restricted-syntax', 'src/native/load.ts', 'process.abort();'],
  ['no-restricted-syntax', 'src/source/live.ts', "export const x = '../build/Release/ktrace.node';"],
  ['no-restricted-syntax', 'src/cli/run.ts', "export const x = './ktrace.node';"],
  ['no-console', 'src/source/live.ts', "console.log('x');"],
  ['eqeqeq', 'src/source/live.ts', 'export const x = (a: number): boolean => a == 1;'],
  ['@typescript-eslint/no-explicit-any', 'src/source/live.ts', 'export const x = (a: any): unknown => a;'],
  ['@typescript-eslint/no-floating-promises', 'src/source/live.ts', 'Promise.resolve(1);'],
  ['@typescript-eslint/no-misused-promises', 'src/source/live.ts', 'export const x = [1].filter(async () => true);'],
  ['@typescript-eslint/await-thenable', 'src/source/live.ts', 'export const x = async (): Promise<number> => await 1;'],
  ['@typescript-eslint/switch-exhaustiveness-check', 'src/source/live.ts', "export function x(a: 'b' | 'c'): number { switch (a) { case 'b': return 1; } return 0; }"],
  ['@typescript-eslint/consistent-type-imports', 'src/source/targets.ts', "import { Filters } from '../tools/contract.js'; export const x = (a: Filters): Filters => a;"],
  ['@typescript-eslint/no-unused-vars', 'src/source/live.ts', 'const unused = 1;'],
  ['no-restricted-syntax', 'test/docs.test.ts', "import t from 'tap'; t.match([1], []);"],
  ['no-restricted-syntax', 'test/docs.test.ts', "import t from 'tap'; t.match({ a: [1] }, { a: [] });"],
];

/** What is allowed where the same is forbidden elsewhere. */
const ALLOWED: readonly (readonly [path: string, snippet: string])[] = [
  ['src/cli/run.ts', "process.on('SIGINT', () => process.exit(130)); console.log('x');"],
  ['src/native/load.ts', "export const x = 'ktrace.node';"],
  ['src/source/targets.ts', "import { readFileSync } from 'node:fs'; export const x = [readFileSync, Date.now()];"],
  ['test/docs.test.ts', "import t from 'tap'; t.match([].concat(1), { a: [1], b: { length: 0 } });"],
  ['src/tools/futex/words.ts', "import { parseMappings } from '../mappings.js'; export const x = [parseMappings, new Date(5)];"],
];

t.test('the linter notices each way to break the layers, and an assertion that cannot fail', async (t) => {
  // Where CI is set, typescript-eslint reads each file once only, and snippets in their names would be judged by what is on the disk.
  process.env['TSESTREE_SINGLE_RUN'] = 'false';
  const linter = new ESLint({ cwd: root });
  const rulesBroken = async (path: string, code: string): Promise<(string | null)[]> => (await linter.lintText(code, { filePath: join(root, path) })).flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId));
  for (const [rule, path, code] of OFFENCES) {
    t.ok(has(path), path);
    t.ok((await rulesBroken(path, code)).includes(rule), `${rule} in ${path}: ${code}`);
  }
  for (const [path, code] of ALLOWED) t.strictSame(await rulesBroken(path, code), [], `${path}: ${code}`);
});

t.test('each message of the layering rule says why', (t) => {
  const config = read('eslint.config.js');
  const messages = [...config.matchAll(/message: '([^']+)'/g)].map(([, message]) => message ?? '');
  t.ok(messages.length >= 6);
  for (const message of messages) t.ok(message.length > 80 && / .*[.,:] /.test(message), message);
  t.end();
});

t.test('no file says where it was made', (t) => {
  const files = spawnSync('git', ['-c', `safe.directory=${root}`, 'ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const paths = files.status === 0 ? files.stdout.split('\n').filter(Boolean) : [...sources, ...tests];
  const home = new RegExp(`(^|[^\\w/.-])/(${['work', 'root', 'home/\\w+'].join('|')})/\\w`);
  const wrong = paths.filter((path) => /\.(ts|mjs|js|c|h|cc|md|json|sh|yml)$/.test(path) && path !== 'package-lock.json' && has(path) && home.test(read(path)));
  t.strictSame(wrong, []);
  t.end();
});
