/** Start, stop and memory of the ktrace command, next to `node -e 0`. */
import { Program, cpuNs, gated, memory, now, sleep } from '../programs.mjs';
import { interleave, ratio, summary } from '../rounds.mjs';
import { mib, ms, spread, times } from '../table.mjs';
import { startKtrace } from '../tracers.mjs';

export const name = 'start';
export const tool = 'futex';

const LEAST_ROUNDS = 15;

async function bareNode() {
  const program = new Program(process.execPath, ['-e', '0']);
  await program.done();
  return { total: program.exitedNs - program.startedNs, ...(await nodeUp()) };
}

/** Peak memory and CPU time of a Node process that has nothing to do but to stay. */
async function nodeUp() {
  const program = new Program(process.execPath, ['-e', 'fs.writeSync(1,"up");fs.readSync(0,Buffer.alloc(1))']);
  await program.said('stdout', /up/);
  const cpu = cpuNs(program.pid);
  const { peak } = memory(program.pid);
  program.tell('');
  await program.done();
  return { peak, cpu };
}

async function dryRun() {
  const program = new Program(process.execPath, ['dist/cli/main.js', 'futex', '--dry-run']);
  const { ns } = await program.said('stderr', /loaded and attached/);
  await program.done();
  return { attached: ns - program.startedNs, total: program.exitedNs - program.startedNs };
}

async function doctor() {
  const program = new Program(process.execPath, ['dist/cli/main.js', 'doctor', '--json']);
  await program.said('stdout', REPORT);
  await program.done();
  return { total: program.exitedNs - program.startedNs };
}

/** One report while it runs, so that its memory is in the peak, and one at the end. */
async function live(args) {
  const { program, attachedNs } = await startKtrace(['-i', '300ms', ...args]);
  const cpu = cpuNs(program.pid);
  await program.said('stdout', REPORT);
  await sleep(20);
  const { peak } = memory(program.pid);
  const begun = now();
  const first = program.stdout.length;
  program.kill('SIGINT');
  const { ns } = await program.said('stdout', new RegExp(`^[^]{${first},}${REPORT.source}`));
  await program.done();
  return { attached: attachedNs - program.startedNs, cpu, peak, report: ns - begun, stop: program.exitedNs - begun };
}

const REPORT = /"schemaVersion"[^]*\n}\n/;

async function traceOne() {
  const target = await gated('eagain');
  try {
    return await live(['-p', String(target.pid)]);
  } finally {
    target.program.kill('SIGKILL');
  }
}

const CANDIDATES = { node: bareNode, dry: dryRun, doctor, one: traceOne, all: () => live([]) };

export async function run({ rounds, progress }) {
  const count = Math.max(rounds, LEAST_ROUNDS);
  const candidates = Object.keys(CANDIDATES).map((name) => ({ name, needed: true }));
  const { samples } = await interleave(count, candidates, ({ name }) => CANDIDATES[name](), progress);
  return { samples, failures: {}, tables: [tableOf(samples, count)] };
}

function tableOf({ node, dry, doctor, one, all }, count) {
  const least = (samples, base) => times(Math.min(...samples) / Math.min(...base));
  const row = (title, own, base, format) => [title, spread(ratio(own, base), times), least(own, base), spread(summary(own), format)];
  const rows = [
    row('node -e 0', node.total, node.total, ms),
    row('exec to attached, -p', one.attached, node.total, ms),
    row('exec to attached, whole machine', all.attached, node.total, ms),
    row('exec to attached, --dry-run', dry.attached, node.total, ms),
    row('exec to exit, --dry-run', dry.total, node.total, ms),
    row('ktrace doctor, exec to exit', doctor.total, node.total, ms),
    row('CPU time until then, -p', one.cpu, node.cpu, ms),
    row('SIGINT to report, -p', one.report, node.total, ms),
    row('SIGINT to exit, -p', one.stop, node.total, ms),
    row('peak memory: node', node.peak, node.peak, mib),
    row('peak memory: -p, reports printed', one.peak, node.peak, mib),
    row('peak memory: whole machine, reports printed', all.peak, node.peak, mib),
  ];
  const notes = [`${count} rounds. On a busy machine trust the ratio of the least times, and that of the CPU times.`];
  return { title: 'User space, next to node -e 0', columns: ['', 'ratio', 'of the least', 'absolute'], rows, notes };
}
