// Runs kernel tests in Vagrant's guests, all at once, over `vagrant ssh`: npm run test:vagrant [-- KERNEL...]
// It calls itself in the namespaces of scripts/vagrant-libvirt, once the checkout is built.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { call, command, complaintsOf, listed, parseCoverage, someOf, table, tapOf, withSkips, wrongSkips } from './vm-tests.mjs';

const LOGS = 'build/vagrant/logs';
/** In a guest: the command that people are told to use, with a file that takes seconds, then what scripts/vm-suite finds right for a machine like that one, which is thrown away: tests may change its settings. */
const COMMAND = 'cd /vagrant && npm run test:kernel -- test/kernel/hook-trial.test.ts';
const RESULTS = 'build/vm/results';
const SUITE = `cd /vagrant && sudo mkdir -p /run/ktrace-vm && sudo scripts/vm-suite ${RESULTS} && cat ${RESULTS}/coverage.tsv && { grep -H "# SKIP" ${RESULTS}/*.tap || true; }`;
/** Of the kernel since it booted: dmesg(1) shows only what its buffer still has. */
const LOG = 'uname -r; sudo journalctl --dmesg --no-pager --output=short-monotonic';

const INSIDE = '--inside';

await command('vagrant-tests', ([first, ...others]) => (first === INSIDE ? testKernels(others) : outside(first === undefined ? ['5.10', '6.1', '6.12'] : [first, ...others])));

async function outside(kernels) {
  someOf(listed('scripts/vm-kernel'), kernels);
  call('inherit', 'scripts/setup');
  call('inherit', 'scripts/vagrant-libvirt', 'node', 'scripts/vagrant-tests.mjs', INSIDE, ...kernels);
}

async function testKernels(kernels) {
  rmSync(LOGS, { recursive: true, force: true });
  mkdirSync(LOGS, { recursive: true });
  call('inherit', 'node_modules/.bin/tsc', '-p', 'scripts/vm.tsconfig.json');
  const up = await vagrant('up', ['up', ...kernels]);
  const guests = up.status === 0 ? await Promise.all(kernels.map(testGuest)) : [];
  const destroyed = await vagrant('destroy', ['destroy', '--force', ...kernels]);
  const problems = [...problemOf(up), ...guests.flatMap((guest) => guest.problems), ...problemOf(destroyed)];
  console.log(`\n${table(guests.flatMap(({ rows }) => rows))}\n`);
  for (const problem of problems) console.log(`FAIL ${problem}`);
  const [passed, failed, skipped] = sum(guests.map(({ output }) => output).join('\n'));
  console.log(`${passed} passed, ${Math.max(failed, problems.length)} failed, ${skipped} skipped`);
  process.exitCode = failed + problems.length > 0 ? 1 : 0;
}

async function testGuest(kernel) {
  const told = await vagrant(`${kernel}-command`, ['ssh', kernel, '-c', COMMAND]);
  const suite = await vagrant(`${kernel}-suite`, ['ssh', kernel, '-c', SUITE]);
  const log = await vagrant(`${kernel}-log`, ['ssh', kernel, '-c', LOG]);
  const lines = (wanted) => suite.output.split('\n').filter(wanted).join('\n');
  const tap = (row) => lines((line) => line.startsWith(`${RESULTS}/${tapOf(row)}:`));
  const rows = parseCoverage(kernel, lines((line) => line.includes('\t'))).map((row) => withSkips(row, tap(row)));
  const problems = [
    ...[told, suite, log].flatMap(problemOf),
    ...(log.output.startsWith(`${kernel}.`) ? [] : [`${kernel} runs another kernel`]),
    ...(log.output.includes('Linux version ') ? [] : [`${kernel}: the kernel log has not its beginning`]),
    ...(rows.length > 0 ? [] : [`${kernel}: no tool was tested`]),
    ...rows.filter(({ result }) => result === 'fail').map(({ tool, variant, why }) => `${kernel} ${tool} ${variant}: ${why}`),
    ...rows.flatMap(wrongSkips).map((line) => `${kernel} ${line}`),
    ...complaintsOf(log.output).map((line) => `kernel log of ${kernel}: ${line}`),
  ];
  return { rows, problems, output: told.output + suite.output };
}

/** Its output goes to a log of that name, without the carriage returns of ssh's terminal. */
async function vagrant(name, args) {
  const path = `${LOGS}/${name}.log`;
  const begun = Date.now();
  const child = spawn('vagrant', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(path);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const [status] = await once(child, 'close');
  log.end();
  await once(log, 'close');
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${Math.round((Date.now() - begun) / 1000)} s)`);
  return { name, status, path, output: readFileSync(path, 'utf8').replaceAll('\r', '') };
}

function problemOf({ name, status, path }) {
  return status === 0 ? [] : [`${name} ended with ${status} (see ${path})`];
}

/** Of all lines in which scripts/run-tests.mjs counts. */
function sum(output) {
  return [...output.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].reduce((totals, counts) => totals.map((total, i) => total + Number(counts[i + 1])), [0, 0, 0]);
}
