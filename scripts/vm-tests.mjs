// Runs kernel tests in virtual machines, and says which kernel ran which tool in which variant:
//   npm run test:vm [-- --kernel 6.1] [--whole] [--write]
// --write puts the table into docs/kernels.md.
// All of the tests (--whole) take three quarters of an hour for a kernel where the processor is emulated; else what depends most on the kernel is run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const RESULTS = 'build/vm/results';
const TIMEOUT_S = 1800;
const WHOLE_TIMEOUT_S = 7200;
/** Between the first line of a report of the OOM killer, which tests bring about, and where it was called from there are some others. */
const OOM_LINES = 8;
const PAGE = 'docs/kernels.md';
const MARKS = ['<!-- written by npm run test:vm -- --write -->', '<!-- end -->'];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));

function main(words) {
  const all = run('scripts/vm-kernel', ['--list'], 'pipe').stdout.trim().split('\n');
  const { values } = parseArgs({ args: words, options: { kernel: { type: 'string' }, whole: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } } });
  const kernels = values.kernel === undefined ? all : [values.kernel];
  // Compiled here once: a loader takes minutes where the processor is emulated.
  const compiled = run('node_modules/.bin/tsc', ['-p', 'scripts/vm.tsconfig.json'], 'inherit');
  if (compiled.status !== 0) throw new Error('the tests do not compile');
  const results = kernels.map((kernel) => testKernel(kernel, values.whole));
  console.log(`\n${table(results.flatMap(({ rows }) => rows))}\n`);
  for (const { kernel, seconds, problems } of results) {
    console.log(`${kernel}: ${seconds} s, ${problems.length === 0 ? 'well' : problems.join('; ')}`);
  }
  if (values.write) writeTable(results);
  const { passed, failed, skipped } = sum(results);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function testKernel(kernel, whole) {
  const share = `${RESULTS}/${kernel}`;
  rmSync(share, { recursive: true, force: true });
  mkdirSync(share, { recursive: true });
  console.log(`# Linux ${kernel}`);
  const begun = Date.now();
  const suite = ['scripts/vm-suite', '/run/ktrace-vm', ...(whole ? ['--whole'] : [])];
  const { status } = run('scripts/vm', ['--kernel', kernel, '--share', share, '--timeout', String(whole ? WHOLE_TIMEOUT_S : TIMEOUT_S), '--', ...suite], 'inherit');
  const seconds = Math.round((Date.now() - begun) / 1000);
  const rows = parseCoverage(kernel, read(`${share}/coverage.tsv`));
  const complaints = complaintsOf(read(`${share}/kernel.log`));
  for (const line of complaints) console.log(`FAIL kernel log of ${kernel}: ${line}`);
  const problems = [
    ...(status === 0 ? [] : [`the guest ended with ${status}`]),
    ...rows.filter(({ result }) => result === 'fail').map(({ tool, variant, why }) => `${tool} ${variant}: ${why}`),
    ...(complaints.length === 0 ? [] : [`${complaints.length} complaints in ${share}/kernel.log`]),
  ];
  return { kernel, seconds, rows, problems };
}

function run(command, args, output) {
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', output, 'inherit'] });
  if (done.error) throw done.error;
  return done;
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Lines of scripts/vm-suite: tool, variant, result, why. */
export function parseCoverage(kernel, text) {
  return text.split('\n').filter(Boolean).map((line) => {
    const [tool, variant, result, why] = line.split('\t');
    return { kernel, tool, variant, result, why };
  });
}

/** What a kernel log must not have: WARN, BUG, oops, stalls, panics. */
export function complaintsOf(log) {
  const complaint = /(\bWARNING: |\bBUG: |\bBUG at |\bOops\b|\bkernel BUG\b|general protection fault|Kernel panic|Call Trace:|blocked for more than \d+ seconds|rcu.*(stall|self-detected))/;
  const lines = log.split('\n');
  const ofOom = (i) => lines[i].includes('Call Trace:') && lines.slice(Math.max(0, i - OOM_LINES), i).some((line) => line.includes(' invoked oom-killer: '));
  return lines.filter((line, i) => complaint.test(line) && !ofOom(i));
}

export function table(rows) {
  const cells = [['kernel', 'tool', 'variant', 'result'], ...rows.map(({ kernel, tool, variant, result, why }) => [kernel, tool, variant, `${result}: ${why}`])];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

/** A row for each kernel, tool and variant, and one for what its tests said. */
export function writeTable(results) {
  const cells = results.flatMap(({ kernel, rows, seconds, problems }) => [
    ...rows.map(({ tool, variant, result, why }) => [release(kernel), tool, variant, `${result}: ${why}`]),
    [release(kernel), '', '', `${seconds} s; ${problems.length === 0 ? 'the kernel log is clean' : problems.join('; ')}`],
  ]);
  const lines = [['kernel', 'tool', 'variant', 'result'], ['---', '---', '---', '---'], ...cells].map((row) => `| ${row.join(' | ')} |`);
  const page = readFileSync(PAGE, 'utf8');
  const [start, end] = MARKS.map((mark) => page.indexOf(mark));
  if (start < 0 || end < start) throw new Error(`${PAGE} has no place for the table`);
  writeFileSync(PAGE, `${page.slice(0, start)}${MARKS[0]}\n${lines.join('\n')}\n${page.slice(end)}`);
}

const release = (kernel) => read(`build/vm/kernels/${kernel}/release`).trim() || kernel;

/** Tests that passed or failed in all guests; a variant that a kernel lacks is one skip, and what went wrong outside of tests one failure. */
function sum(results) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const { rows, problems } of results) {
    let failed = 0;
    for (const { result, why } of rows) {
      const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(why)?.slice(1).map(Number) ?? [0, result === 'fail' ? 1 : 0, result === 'skip' ? 1 : 0];
      totals.passed += counts[0];
      failed += counts[1];
      totals.skipped += counts[2];
    }
    totals.failed += failed === 0 && problems.length > 0 ? 1 : failed;
  }
  return totals;
}
