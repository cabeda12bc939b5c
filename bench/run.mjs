#!/usr/bin/env node
/** `npm run bench -- [--rounds N] [--only NAME,NAME…] [--json]`: what ktrace costs, side by side with doing nothing and with its peers. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { loadavg, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { Program, root } from './programs.mjs';
import { renderTable } from './table.mjs';

const SECTIONS = ['calls', 'start', 'idle', 'storm', 'syscalls', 'flood', 'execs', 'connects'];
const DEFAULT_ROUNDS = 11;

const say = (text) => process.stderr.write(`bench: ${text}\n`);

function fail(message, code) {
  say(message);
  process.exit(code);
}

function readOptions() {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: String(DEFAULT_ROUNDS) }, only: { type: 'string', multiple: true }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(`Usage: npm run bench -- [--rounds N] [--only ${SECTIONS.join('|')}] [--json]\n`);
    process.exit(0);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) fail(`Expected --rounds to be a positive integer, not ${values.rounds}`, 2);
  const only = values.only?.flatMap((name) => name.split(',')) ?? SECTIONS;
  const unknown = only.find((name) => !SECTIONS.includes(name));
  if (unknown !== undefined) fail(`There is no section ${unknown}: take one of ${SECTIONS.join(', ')}`, 2);
  return { rounds, only: SECTIONS.filter((name) => only.includes(name)), json: values.json ?? false };
}

/** The variant that ktrace chooses here; the empty programs take the same hooks. */
async function variantHere(tool) {
  const program = new Program(process.execPath, ['dist/cli/main.js', tool, '--dry-run']);
  const { match } = await program.said('stderr', /\(variant (\w+)\)/);
  await program.done();
  return match[1];
}

async function prepare() {
  if (process.getuid() !== 0) fail('not root: run it as sudo npm run bench', 77);
  if (!existsSync(`${root}/dist/cli/main.js`) || !existsSync(`${root}/build/workloads/eagain`)) fail('not built: run `npm run setup && npm run build` first', 77);
  const { compileEmpty } = await import('./empty.mjs');
  compileEmpty();
  execFileSync('cc', ['-O2', '-pthread', '-o', `${root}/build/bench/load`, `${root}/bench/load.c`]);
}

/** On a terminal one line that is overwritten, else nothing. */
function progressOf(name) {
  return (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text === undefined ? '' : `${name}: ${text}`}`);
}

function describe(machine, { rounds }) {
  const busy = machine.loadAverage > 1 ? ': the machine is busy, expect wide spreads' : '';
  return `${rounds} interleaved rounds; each figure is a median (least-greatest of the rounds). Linux ${machine.kernel}, ${machine.cpus} CPUs, Node ${process.version}.
Load average at the start ${machine.loadAverage.toFixed(2)}${busy}. Compare ratios: absolute times are this machine's, now.\n`;
}

async function main() {
  const options = readOptions();
  const machine = { kernel: release(), cpus: cpus().length, loadAverage: loadavg()[0] };
  await prepare();
  const { findTracers } = await import('./tracers.mjs');
  const print = (text) => options.json || process.stdout.write(`${text}\n`);
  print(describe(machine, options));
  const sections = {};
  for (const name of options.only) {
    const section = await import(`./sections/${name}.mjs`);
    const variant = await variantHere(section.tool);
    const { tracers, missing } = findTracers(section.tool, variant);
    print(`${name}: ktrace ${section.tool}, variant ${variant}${missing.map((line) => `; ${line}`).join('')}\n`);
    const progress = progressOf(name);
    const result = await section.run({ rounds: options.rounds, tracers, progress });
    progress();
    for (const table of result.tables) print(renderTable(table));
    for (const [tracer, reason] of Object.entries(result.failures)) print(`${tracer} could not be measured: ${reason}\n`);
    sections[name] = { variant, missing, samples: result.samples, failures: result.failures };
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ machine, rounds: options.rounds, sections }, undefined, 2)}\n`);
}

main().then(
  () => process.exit(0),
  (error) => fail(error.stack, 1),
);
