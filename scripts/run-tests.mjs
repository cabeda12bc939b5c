// Runs the checks and the test files, and counts. Called by scripts/test, which has built everything.
//   --compiled    each x.test.ts has its x.test.js beside it: run that with plain Node.js, which on an emulated machine saves minutes
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { Parser } from 'tap-parser';
import { fail, skip, totals, watch } from './tap-count.mjs';

const compiled = process.argv.includes('--compiled');

/**
 * Timeouts in seconds, for one file. Kernel tests count what happens on the machine, so two at once would disturb each
 * other; and each has a runner of its own, because a file that hangs takes its runner down.
 */
const groups = {
  unit: { jobs: 2, timeout: 300 },
  contract: { jobs: 2, timeout: 180 },
  kernel: { jobs: 1, timeout: compiled ? 1800 : 600 }, // compiled: where the processor is emulated
};
const generatedAndCommitted = `
  node scripts/generate.mjs
  git -c safe.directory="$PWD" diff --exit-code && test -z "$(git -c safe.directory="$PWD" status --porcelain src/generated)"`;

await main(process.argv.slice(2).filter((word) => word !== '--compiled'));

async function main(words) {
  const files = words.filter((word) => !(word in groups)).map((file) => relative('.', file));
  for (const file of files.filter((name) => !existsSync(name))) fail(file, 'no such file');
  if (words.length === 0) runChecks();
  for (const group of Object.keys(groups)) {
    if (files.length > 0) await runFiles(group, files.filter((file) => existsSync(file) && groupOf(file) === group));
    else if (words.length === 0 || words.includes(group)) await runGroup(group);
  }
  if (words.length === 0 && process.env.CI === 'true') await runVirtualMachines();
  if (totals.passed + totals.failed === 0) fail('no test ran');
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

/** Each check counts as one test. */
function runChecks() {
  check('lint', 'node_modules/.bin/eslint', ['.', '--max-warnings=0']);
  check('types', 'node_modules/.bin/tsc', ['-p', 'tsconfig.test.json']);
  if (process.env.CI !== 'true') return;
  const name = 'generated files are committed';
  if (existsSync('.git')) check(name, 'sh', ['-ec', generatedAndCommitted]);
  else skip(name, 'not a git checkout');
}

function check(name, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) return fail(name, error?.message ?? stdout + stderr);
  totals.passed++;
  console.log(`ok   ${name}`);
}

function groupOf(file) {
  return /^test\/(contract|kernel)\//.exec(file)?.[1] ?? 'unit';
}

async function runGroup(group) {
  const files = readdirSync('test', { recursive: true })
    .map((name) => join('test', name))
    .filter((file) => file.endsWith('.test.ts') && groupOf(file) === group);
  if (files.length === 0) fail(`${group} tests`, 'there are none');
  else await runFiles(group, files.sort());
}

async function runFiles(group, files) {
  if (files.length === 0) return;
  if (group === 'kernel' && process.getuid() !== 0) return skip('kernel tests', 'not root');
  mkdirSync('build/test', { recursive: true });
  const copy = createWriteStream(`build/test/${group}.tap`);
  const batches = groups[group].jobs === 1 ? files.map((file) => [file]) : [files];
  for (const batch of batches) await (compiled ? runCompiled : runTap)(groups[group], batch, copy);
  copy.end();
}

/** The kernels of the matrix, with a sum of their own. */
async function runVirtualMachines() {
  const name = 'virtual machines';
  if (process.arch !== 'x64') return skip(name, 'their kernels are for x86-64');
  const running = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, 'scripts/vm-tests.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(running, 'exit');
  let text = '';
  for await (const chunk of running.stdout.setEncoding('utf8')) {
    process.stdout.write(chunk);
    text += chunk;
  }
  const sum = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(text.trimEnd().split('\n').at(-1));
  const [status] = await exited;
  if (!sum || (status !== 0 && sum[2] === '0')) return fail(name, `they ended with ${status}`);
  for (const [i, key] of ['passed', 'failed', 'skipped'].entries()) totals[key] += Number(sum[i + 1]);
}

/** Reports as the stream comes, and keeps a copy to read later. */
async function runTap({ jobs, timeout }, files, copy) {
  const failedBefore = totals.failed;
  const args = ['run', '--reporter=tap', `--jobs=${jobs}`, `--timeout=${timeout}`, ...files];
  const tap = spawn('node_modules/.bin/tap', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(tap, 'exit');
  const root = new Parser();
  const ended = new Set();
  watch(root, [], ended);
  root.on('bailout', (reason) => fail('bail out', reason));
  tap.stdout.pipe(copy, { end: false });
  tap.stdout.pipe(root);
  await once(root, 'complete');
  for (const file of files.filter((name) => !ended.has(name))) fail(file, 'did not run to its end: something took the runner down');
  const [status, signal] = await exited;
  if (status !== 0 && totals.failed === failedBefore) fail(files.join(' '), `the runner ended with ${signal ?? status}`);
}

/** The files of a batch one after the other, each a TAP stream of its own. */
async function runCompiled({ timeout }, files, copy) {
  for (const file of files) {
    const failedBefore = totals.failed;
    const begun = Date.now();
    const test = spawn(process.execPath, [file.replace(/ts$/, 'js')], { env: { ...process.env, TAP_TIMEOUT: String(timeout) }, stdio: ['ignore', 'pipe', 'inherit'], timeout: 1000 * timeout, killSignal: 'SIGKILL' });
    const exited = once(test, 'exit');
    const root = new Parser();
    const count = watch(root, [file]);
    root.on('bailout', (reason) => fail('bail out', reason));
    test.stdout.pipe(copy, { end: false });
    test.stdout.pipe(root);
    const [results] = await once(root, 'complete');
    const [status, signal] = await exited;
    if (results.plan?.skipAll && results.plan.comment !== 'no tests found') skip(file, results.plan.comment);
    else if (count() === 0) fail(file, 'asserts nothing');
    if ((status !== 0 || !results.ok) && totals.failed === failedBefore) fail(file, `it ended with ${signal ?? status}`);
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    console.log(`${totals.failed > failedBefore ? 'FAIL' : 'ok  '} ${file} (${seconds} s)`);
  }
}
