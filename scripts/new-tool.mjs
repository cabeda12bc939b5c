#!/usr/bin/env node
// npm run new-tool NAME: a tool that works, counts calls of getppid(2), and waits to be changed. Nothing is overwritten.
// The templates are the files of a tool called "sample"; its name is replaced wherever it stands.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const NAME = /^[a-z][a-z0-9]*$/;
const MAX_NAME = 15; // BPF_OBJ_NAME_LEN
const RESERVED = ['ktrace', 'sample', 'registry'];

/** Template → file, with NAME in place of the tool's name. */
const FILES = {
  'sample.bpf.c': 'bpf/NAME.bpf.c',
  'cli.ts': 'src/tools/NAME/cli.ts',
  'tool.ts': 'src/tools/NAME/tool.ts',
  'aggregate.ts': 'src/tools/NAME/aggregate.ts',
  'report.ts': 'src/tools/NAME/report.ts',
  'aggregate.test.ts': 'test/tools/NAME/aggregate.test.ts',
  'report.test.ts': 'test/tools/NAME/report.test.ts',
  'kernel.test.ts': 'test/kernel/NAME.test.ts',
  'sample.md': 'docs/tools/NAME.md',
};

function main([name, ...rest]) {
  if (name === undefined || rest.length > 0) throw new Error('usage: npm run new-tool NAME');
  if (!NAME.test(name) || name.length > MAX_NAME) throw new Error(`${name}: a name has up to ${MAX_NAME} lower-case letters and digits, a letter first`);
  if (RESERVED.includes(name)) throw new Error(`${name}: this name is taken`);
  const files = Object.entries(FILES).map(([template, path]) => [template, path.replace('NAME', name)]);
  const existing = files.map(([, path]) => path).filter((path) => existsSync(join(root, path)));
  if (existing.length > 0) throw new Error(`${existing.join(', ')}: exists already; nothing was written`);
  for (const [template, path] of files) write(path, renamed(readFileSync(join(root, 'scripts/template', template), 'utf8'), name));
  console.log(`${files.map(([, path]) => path).join('\n')}\n\nNext: scripts/build, then npm test`);
}

function write(path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { flag: 'wx' });
}

/** sample → name, Sample → Name, SAMPLE → NAME. */
function renamed(text, name) {
  const forms = { sample: name, Sample: name.charAt(0).toUpperCase() + name.slice(1), SAMPLE: name.toUpperCase() };
  return text.replace(/sample|Sample|SAMPLE/g, (form) => forms[form]);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
