// Runs the checks and the test files, and counts. Called by scripts/test, which has built everything.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import { Parser } from 'tap-parser';

/**
 * Timeouts in seconds, for one file. Kernel tests count what happens on the machine, so two at once would disturb each
 * other; and each has a runner of its own, because a file that hangs takes its runner down.
 */
const groups = {
  unit: { jobs: 2, timeout: 180 },
  contract: { jobs: 2, timeout: 180 },
  kernel: { jobs: 1, timeout: 600 },
};
const generatedAndCommitted = `
  node scripts/generate.mjs
  git -c safe.directory="$PWD" diff --exit-code && test -z "$(git -c safe.directory="$PWD" status --porcelain src/generated)"`;

const totals = { passed: 0, failed: 0, skipped: 0 };
await main(process.argv.slice(2));

async function main(words) {
  const files = words.filter((word) => !(word in groups)).map((file) => relative('.', file));
  for (const file of files.filter((name) => !existsSync(name))) fail(file, 'no such file');
  if (words.length === 0) runChecks();
  for (const group of Object.keys(groups)) {
    if (files.length > 0) await runFiles(group, files.filter((file) => existsSync(file) && groupOf(file) === group));
    else if (words.length === 0 || words.includes(group)) await runGroup(group);
  }
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
  for (const batch of batches) await runTap(groups[group], batch, copy);
  copy.end();
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

/**
 * Counts the assertions of one level and those below, and returns how many it saw. A subtest counts as what is in it;
 * as one when there is nothing in it, or when it failed on its own account (crash, timeout, wrong plan). At the top
 * level the subtests are the test files: `ended` collects their names.
 */
function watch(parser, path, ended) {
  let count = 0;
  let countInside = () => 0;
  let failedBefore = totals.failed;
  parser.on('child', (child) => {
    failedBefore = totals.failed;
    countInside = watch(child, [...path, child.name]);
  });
  parser.on('assert', (result) => {
    const name = [...path, result.name].join(' > ');
    if (countInside() === 0) leaf(name, result, ended !== undefined);
    else if (!result.ok && totals.failed === failedBefore) fail(name, details(result.diag));
    if (ended && result.name.endsWith('.ts')) endFile(result, totals.failed > failedBefore, ended);
    count++;
    countInside = () => 0;
    failedBefore = totals.failed;
  });
  return () => count;
}

function leaf(name, result, isFile) {
  const reason = [result.skip, result.todo].find((word) => typeof word === 'string');
  if (isFile && result.ok && (reason ?? 'no tests found') === 'no tests found') fail(name, 'asserts nothing');
  else if (result.skip || result.todo) skip(name, reason);
  else if (result.ok) totals.passed++;
  else fail(name, details(result.diag));
}

function endFile(result, failed, ended) {
  ended.add(result.name);
  const seconds = ((result.time ?? 0) / 1000).toFixed(1);
  console.log(`${failed ? 'FAIL' : 'ok  '} ${result.name} (${seconds} s)`);
}

/** tap's `t.skip('why')` has its reason as its name. */
function skip(name, reason) {
  totals.skipped++;
  console.log(`skip ${name}${reason ? `: ${reason}` : ''}`);
}

function fail(name, why = '') {
  totals.failed++;
  console.log(`FAIL ${name}`);
  const lines = why.trimEnd().split('\n').map((line) => (line.length > 300 ? `${line.slice(0, 300)}… (whole in build/test/)` : line));
  if (why.trim()) console.log(lines.map((line) => `     ${line}`).join('\n'));
}

/** What tap says about a failure, without the parts that only repeat the source or the command line. */
function details(diag) {
  const { source, stdio, cwd, externalID, command, args, jobId, ...rest } = diag || {};
  const { at, ...told } = rest;
  const place = at ? [`at ${at.fileName}:${at.lineNumber}`] : [];
  return [...place, ...Object.entries(told).map(([key, value]) => `${key}: ${text(value)}`)].join('\n');
}

function text(value) {
  return typeof value === 'string' ? (value.includes('\n') ? `\n${value}` : value) : inspect(value, { depth: 6 });
}
