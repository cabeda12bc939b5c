import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '..');
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const missing = ['clang', 'llvm-strip', 'bpftool'].find((tool) => spawnSync(tool, ['--version'], { env }).error);
const skip = missing === undefined ? false : `${missing} is not installed`;
const NAME = 'getppids';

/** What a tool is made of: given to somebody who starts one, and nothing else is touched. */
const FILES = [
  `bpf/${NAME}.bpf.c`, `src/tools/${NAME}/cli.ts`, `src/tools/${NAME}/tool.ts`, `src/tools/${NAME}/aggregate.ts`, `src/tools/${NAME}/report.ts`, `test/tools/${NAME}/aggregate.test.ts`,
  `test/tools/${NAME}/report.test.ts`, `test/kernel/${NAME}.test.ts`, `docs/tools/${NAME}.md`,
];

/** A checkout in which nothing is compiled yet but the BPF objects, which take longest. */
function checkout(directory: string): string {
  for (const part of ['bpf', 'docs', 'examples', 'native', 'schema', 'scripts', 'src', 'test', 'eslint.config.js', 'package.json', 'tsconfig.json', 'tsconfig.test.json', '.taprc']) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(directory, part), { recursive: true, preserveTimestamps: true });
  }
  mkdirSync(join(directory, 'build/bpf'), { recursive: true });
  if (existsSync(join(root, 'build/bpf'))) cpSync(join(root, 'build/bpf'), join(directory, 'build/bpf'), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

function run(directory: string, command: string, ...args: string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: directory, env: { ...env, TAP: '' }, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, output: `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.slice(-4000) };
}

const newTool = (directory: string, ...words: string[]): Outcome => run(directory, process.execPath, 'scripts/new-tool.mjs', ...words);

t.test('a name that cannot be one is refused, and nothing is written', (t) => {
  const directory = t.testdir();
  cpSync(join(root, 'scripts'), join(directory, 'scripts'), { recursive: true });
  for (const words of [[], ['Upper'], ['1st'], ['a-b'], ['a_b'], ['../x'], ['morethansixteenletters'], ['ktrace'], ['sample'], ['registry'], ['two', 'words']]) {
    const { status, output } = newTool(directory, ...words);
    t.equal(status, 2, words.join(' '));
    t.match(output, /^[^\n]+\n$/, 'one line says why');
  }
  t.strictSame(['bpf', 'src', 'test', 'docs'].filter((part) => existsSync(join(directory, part))), []);
  t.end();
});

t.test('what exists is never overwritten, not even in part', (t) => {
  const directory = t.testdir({ docs: { tools: { [`${NAME}.md`]: 'mine' } } });
  cpSync(join(root, 'scripts'), join(directory, 'scripts'), { recursive: true });
  const { status, output } = newTool(directory, NAME);
  t.equal(status, 2);
  t.match(output, new RegExp(`docs/tools/${NAME}\\.md: exists already; nothing was written`));
  t.equal(readFileSync(join(directory, `docs/tools/${NAME}.md`), 'utf8'), 'mine');
  t.strictSame(FILES.filter((file) => existsSync(join(directory, file))), [`docs/tools/${NAME}.md`]);
  t.end();
});

t.test('a new tool builds, generates, keeps to the rules and passes its own tests as it is', { skip, timeout: 280_000 }, (t) => {
  const directory = checkout(t.testdir());
  const made = newTool(directory, NAME);
  t.equal(made.status, 0, made.output);
  t.strictSame(FILES.filter((file) => !existsSync(join(directory, file))), []);
  t.strictSame(FILES.filter((file) => /sample/i.test(readFileSync(join(directory, file), 'utf8'))), [], 'the name of the template is nowhere left');
  for (const step of ['bpf', 'generated', 'typescript']) {
    const built = run(directory, 'scripts/build', step);
    t.equal(built.status, 0, `${step}: ${built.output}`);
  }
  t.match(readFileSync(join(directory, 'src/generated/registry.ts'), 'utf8'), new RegExp(`${NAME}Cli.*${NAME}Tool`));
  const types = run(directory, process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json');
  t.strictSame(types.output.split('\n').filter((line) => line.includes(NAME)), [], 'its tests are well typed');
  const checks: readonly (readonly [string, ...string[]])[] = [
    ['scripts/generate.mjs', '--check'],
    ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', `src/tools/${NAME}`, `test/tools/${NAME}`, `test/kernel/${NAME}.test.ts`],
    ['node_modules/tap/dist/esm/run.mjs', 'run', '--reporter=tap', `test/tools/${NAME}/aggregate.test.ts`, `test/tools/${NAME}/report.test.ts`, 'test/contract/bpf.test.ts'],
    ['dist/cli/main.js', NAME, '--help'],
  ];
  for (const check of checks) {
    const { status, output } = run(directory, process.execPath, ...check);
    t.equal(status, 0, `${check.join(' ')}: ${output}`);
  }
  t.end();
});

t.test('an object of a tool that has no user side yet does not break the others', { skip, timeout: 280_000 }, (t) => {
  const directory = checkout(t.testdir());
  const source = readFileSync(join(root, 'scripts/template/sample.bpf.c'), 'utf8').replace(/sample/g, NAME);
  writeFileSync(join(directory, `bpf/${NAME}.bpf.c`), source);
  for (const step of ['bpf', 'generated']) {
    const { status, output } = run(directory, 'scripts/build', step);
    t.equal(status, 0, `${step}: ${output}`);
  }
  t.notMatch(readFileSync(join(directory, 'src/generated/registry.ts'), 'utf8'), NAME);
  t.end();
});
