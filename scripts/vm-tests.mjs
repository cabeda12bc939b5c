// Runs kernel tests in virtual machines, and says which kernel ran which tool in which variant:
//   npm run test:vm [-- --kernel 6.1]... [--whole] [--part futex:fentry]... [--write]
// --write puts the results into docs/kernels.md, into the table of this form, in the place of what those kernels said before. --part runs some of
// what `scripts/vm-suite --list [--whole]` lists, and renews the rows of those.
// Each tool has a guest of its own, with --whole each of its variants; as many run at once as there are processors for.
// All of the tests (--whole) take an hour and more for a kernel where the processor is emulated; else what depends most on the kernel is run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const RESULTS = 'build/vm/results';
const TIMEOUT_S = 1800;
const WHOLE_TIMEOUT_S = 7200;
/** What a guest takes of the machine's memory: its own, and qemu's. */
const GUEST_BYTES = 2.5 * 2 ** 30;
/** Between the first line of a report of the OOM killer, which tests bring about, and where it was called from there are some others. */
const OOM_LINES = 8;
const PAGE = 'docs/kernels.md';
const END = '<!-- end -->';

async function main(words) {
  const { values } = parseArgs({ args: words, options: { kernel: { type: 'string', multiple: true }, part: { type: 'string', multiple: true }, whole: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } } });
  const kernels = someOf(listed('scripts/vm-kernel'), values.kernel);
  const parts = someOf(listed('scripts/vm-suite', ...(values.whole ? ['--whole'] : [])), values.part);
  alone();
  const atOnce = room(prepare(kernels));
  if (!values.part) for (const kernel of kernels) rmSync(`${RESULTS}/${kernel}`, { recursive: true, force: true }); // those of the other form, too
  for (const [signal, status] of [['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143]]) process.once(signal, () => (endAll(), process.exit(status)));
  const guests = await inTurn(kernels.flatMap((kernel) => parts.map((part) => () => testPart(kernel, part, values.whole))), atOnce).finally(endAll);
  const results = kernels.map((kernel) => ofKernel(kernel, guests.filter((guest) => guest.kernel === kernel)));
  console.log(`\n${table(results.flatMap(({ rows }) => rows))}\n`);
  for (const { kernel, time, problems } of results) console.log(`${kernel}: ${time}, ${problems.length === 0 ? 'well' : problems.join('; ')}`);
  if (values.write) writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), values.whole, cellsOf(results, values.part === undefined)));
  const { passed, failed, skipped } = sum(results);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** The words that somebody chose, or else all that there are. */
export function someOf(known, chosen = known) {
  for (const word of chosen) if (!known.includes(word)) throw new Error(`${word || "''"} is none of ${known.join(', ')}`);
  return chosen;
}

/** Two such runs in one checkout would build under each other's guests. The lock is this process's, and ends with it. */
function alone() {
  mkdirSync(RESULTS, { recursive: true });
  const lock = openSync(`${RESULTS}/lock`, 'w');
  const { status, error } = spawnSync('flock', ['--nonblock', '--conflict-exit-code', '9', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
  if (status === 9) throw new Error('another run of test:vm is under way in this checkout');
  if (status !== 0) throw error ?? new Error(`flock ended with ${status}`);
}

/** What all guests share is made before the first of them. The tests are compiled here: a loader takes minutes where the processor is emulated. Returns how the guests' processors run. */
function prepare(kernels) {
  call('inherit', 'scripts/setup');
  call('inherit', 'node_modules/.bin/tsc', '-p', 'scripts/vm.tsconfig.json');
  call('inherit', 'scripts/setup', 'vm');
  for (const kernel of kernels) call('inherit', 'scripts/vm-kernel', kernel);
  return call('pipe', 'scripts/vm', '--kernel', kernels[0], '--accelerator').trim();
}

export function call(stdout, command, ...args) {
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', stdout, 'inherit'] });
  if (done.error) throw done.error;
  if (done.status !== 0) throw Object.assign(new Error(`${command} ended with ${done.status}`), { status: done.status });
  return done.stdout;
}

export const listed = (script, ...words) => call('pipe', script, '--list', ...words).trim().split('\n');

/** The results of all jobs, in their order. */
async function inTurn(jobs, atOnce) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const own = next++;
      results[own] = await jobs[own]();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

/** How many guests the machine has room for: they have two processors each, which share one of the machine's where they are emulated. */
function room(accelerator) {
  const processors = Math.floor(availableParallelism() / (accelerator.startsWith('tcg') ? 1 : 2));
  return Math.max(1, Math.min(processors, Math.floor(freemem() / GUEST_BYTES)));
}

/** Process groups of guests that run. */
const running = new Set();

function endAll() {
  for (const group of running) {
    try {
      process.kill(-group, 'SIGTERM');
    } catch {
      // it has ended
    }
  }
}

async function testPart(kernel, part, whole) {
  const share = `${RESULTS}/${kernel}/${part}`;
  rmSync(share, { recursive: true, force: true });
  mkdirSync(share, { recursive: true });
  const begun = Date.now();
  const suite = ['scripts/vm-suite', '/run/ktrace-vm', ...(whole ? ['--whole'] : []), part];
  const args = ['--kernel', kernel, '--share', share, '--timeout', String(whole ? WHOLE_TIMEOUT_S : TIMEOUT_S), '--', ...suite];
  const guest = spawn('setpriv', ['--pdeathsig', 'TERM', 'scripts/vm', ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(guest.pid);
  const lead = `${kernel} ${part}: `;
  const print = async (input) => {
    for await (const line of createInterface({ input })) console.log(lead + line);
  };
  const [[status]] = await Promise.all([once(guest, 'close'), print(guest.stdout), print(guest.stderr)]);
  running.delete(guest.pid);
  const log = read(`${share}/kernel.log`);
  const complaints = complaintsOf(log);
  for (const line of complaints) console.log(`FAIL ${lead}kernel log: ${line}`);
  const ofGuest = [
    ...(status === 0 ? [] : [`the guest of ${part} ended with ${status}`]),
    ...(isWhole(log) ? [] : [`not all of the kernel's log is in ${share}/kernel.log`]),
    ...(complaints.length === 0 ? [] : [`${complaints.length} complaints in ${share}/kernel.log`]),
  ];
  const found = parseCoverage(kernel, read(`${share}/coverage.tsv`)).map((row) => withSkips(row, read(`${share}/${tapOf(row)}`)));
  const rows = found.length > 0 ? found : [nothingOf(kernel, part)];
  ofGuest.push(...rows.flatMap(wrongSkips));
  const problems = [...ofGuest, ...rows.filter(({ result }) => result === 'fail').map(({ tool, variant, why }) => `${tool} ${variant}: ${why}`)];
  return { kernel, seconds: Math.round((Date.now() - begun) / 1000), rows: rows.map((row) => ({ ...row, ofGuest })), problems };
}

function nothingOf(kernel, part) {
  const [tool, variant = 'together'] = part === 'rest' ? ['-', '-'] : part.split(':');
  return { kernel, tool, variant, result: 'fail', why: 'nothing was tested', skips: [] };
}

function ofKernel(kernel, guests) {
  const seconds = guests.map((guest) => guest.seconds);
  const time = `${guests.length} guests, ${Math.max(...seconds)} s the longest, ${seconds.reduce((a, b) => a + b)} s together`;
  return { kernel, time, rows: guests.flatMap(({ rows }) => rows), problems: guests.flatMap(({ problems }) => problems) };
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

/** Why tests of a TAP text were skipped, each reason once. */
export const reasonsIn = (tap) => [...new Set([...tap.matchAll(/ # SKIP ?(.*)$/gm)].map(([, reason]) => reason || 'without a reason'))];

/** Where scripts/vm-suite puts the TAP of a row. */
export const tapOf = ({ tool, variant }) => (tool === '-' ? 'rest.tap' : `${tool}-${variant}.tap`);

/** A row, and why tests of it were skipped. */
export function withSkips(row, tap) {
  const skips = reasonsIn(tap);
  return { ...row, skips: skips.length === 0 && /, [1-9]\d* skipped$/.test(row.why) ? ['without a reason'] : skips };
}

/** What a row skipped although its kernel can do it. */
export const wrongSkips = ({ kernel, tool, variant, skips }) => skips.filter((reason) => !lacks(kernel, reason)).map((reason) => `${tool} ${variant}: skipped, though this kernel lacks nothing of it: ${reason}`);

/** Since this one Debian's kernels are preempted in the middle of BPF programs. */
const PREEMPTED_SINCE = '7.0';

/** Whether a kernel may skip a test for this: it is older than what the reason names, or skipped runs of programs itself. */
export function lacks(kernel, reason) {
  const number = (version) => version.split('.').map(Number).reduce((major, minor) => 1000 * major + minor);
  const [, since] = /\bneeds? Linux (\d+\.\d+)/.exec(reason) ?? [];
  return since === undefined ? reason.startsWith('this kernel preempts programs') && number(kernel) >= number(PREEMPTED_SINCE) : number(kernel) < number(since);
}

/** What a row says of its result. */
const told = ({ result, why, skips = [] }) => `${result}: ${why}${skips.length === 0 ? '' : ` (${skips.map((reason) => reason.replaceAll('|', '\\|')).join('; ')})`}`;

/** From the first line to that of the end, which scripts/vm-guest asks for. */
export const isWhole = (log) => log.includes('Linux version ') && log.includes('sysrq: Resetting');

/** What a kernel log must not have: WARN, BUG, oops, stalls, panics. */
export function complaintsOf(log) {
  const complaint = /(\bWARNING: |\bBUG: |\bBUG at |\bOops\b|\bkernel BUG\b|general protection fault|Kernel panic|Call Trace:|blocked for more than \d+ seconds|rcu.*(stall|self-detected)|\bUBSAN: |\d+ printk messages dropped)/;
  const lines = log.split('\n');
  const ofOom = (i) => lines[i].includes('Call Trace:') && lines.slice(Math.max(0, i - OOM_LINES), i).some((line) => line.includes(' invoked oom-killer: '));
  return lines.filter((line, i) => complaint.test(line) && !ofOom(i));
}

export function table(rows) {
  const cells = [['kernel', 'tool', 'variant', 'result'], ...rows.map((row) => [row.kernel, row.tool, row.variant, told(row)])];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

/** A row for each kernel, tool and variant, and where all parts ran one for what is of the whole; else each row has its own date. */
function cellsOf(results, areAll) {
  const today = new Date().toISOString().slice(0, 10);
  return results.flatMap(({ kernel, rows, time, problems }) => [
    ...rows.map((row) => [release(kernel), row.tool, row.variant, areAll ? told(row) : [`${today}: ${told(row)}`, ...row.ofGuest].join('; ')]),
    ...(areAll ? [[release(kernel), '', '', `${today}: ${time}; ${problems.length === 0 ? 'the kernel logs are clean' : problems.join('; ')}`]] : []),
  ]);
}

/**
 * The page with `rows` in its table of that form; kernels that they do not name keep theirs, and where they lack the last one, which is of all
 * parts, the rows that they do not name. The first cell is a kernel's release.
 */
export function withTable(page, whole, rows) {
  const mark = `<!-- written by npm run test:vm --${whole ? ' --whole' : ''} --write -->\n`;
  const start = page.indexOf(mark) + mark.length;
  const end = page.indexOf(END, start);
  if (start < mark.length || end < 0) throw new Error(`${PAGE} has no place for the table: ${mark}`);
  const series = (cell) => cell.split('.', 2).join('.'); // of 6.1.0-50-amd64: 6.1
  const isSame = (a, b) => series(a[0]) === series(b[0]) && a[1] === b[1] && a[2] === b[2];
  const renewed = new Set(rows.filter(([, tool]) => tool === '').map(([kernel]) => series(kernel)));
  const old = page.slice(start, end).split('\n').slice(2, -1).map((line) => line.slice(2, -2).split(' | ')).filter(([kernel]) => !renewed.has(series(kernel)));
  const kept = old.map((row) => rows.find((each) => isSame(each, row)) ?? row);
  const added = rows.filter((row) => !old.some((each) => isSame(each, row)));
  const rank = (tool) => ['-', ''].indexOf(tool); // what belongs to no tool, and what is of all of them, come last
  const inOrder = (a, b) => series(a[0]).localeCompare(series(b[0]), 'en', { numeric: true }) || rank(a[1]) - rank(b[1]) || a[1].localeCompare(b[1]);
  const lines = [['kernel', 'tool', 'variant', 'result'], ['---', '---', '---', '---'], ...[...kept, ...added].sort(inOrder)].map((row) => `| ${row.join(' | ')} |\n`);
  return page.slice(0, start) + lines.join('') + page.slice(end);
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

/** A command's work; what it cannot do is one line, and the status of what failed. */
export async function command(name, work) {
  await work(process.argv.slice(2)).catch(({ message, status }) => {
    console.error(`${name}: ${message}`);
    process.exitCode = status ?? 1;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await command('vm-tests', main);
