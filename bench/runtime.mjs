/** How long a tracer's programs run in the kernel, as the kernel itself counts it (kernel.bpf_stats_enabled): without its user space. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { gated } from './programs.mjs';
import { interleave, summary } from './rounds.mjs';
import { ns, spread } from './table.mjs';

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Run time so far, ns, by id of program. */
function runTimes() {
  const programs = JSON.parse(execFileSync('bpftool', ['prog', 'show', '-j'], { env: { ...process.env, PATH }, maxBuffer: 1 << 26 }));
  return new Map(programs.map(({ id, run_time_ns: time = 0 }) => [id, time]));
}

/** `command`: a workload that waits at its gate and then does `count` things. */
async function measure(tracer, command, count) {
  const target = await gated(...command);
  try {
    const strangers = new Set(runTimes().keys());
    const attached = await tracer.attach(target.pid);
    const before = runTimes();
    await target.go();
    const after = runTimes();
    await attached.detach();
    const own = [...after].filter(([id]) => !strangers.has(id));
    return { program: own.reduce((sum, [id, time]) => sum + time - (before.get(id) ?? 0), 0) / count };
  } finally {
    target.program.kill('SIGKILL');
  }
}

export async function programTime({ title, command, count, rounds, tracers, progress }) {
  const was = readFileSync(SWITCH, 'utf8');
  writeFileSync(SWITCH, '1');
  try {
    const hooked = tracers.filter(({ name }) => name !== 'nothing');
    const { samples, failures } = await interleave(rounds, hooked, (tracer) => measure(tracer, command, count), progress);
    const rows = Object.entries(samples).map(([name, { program }]) => [name, spread(summary(program), ns)]);
    return { samples, failures, table: { title, columns: ['attached', 'its programs'], rows, notes: ['As the kernel counts it, without what a probe costs beside its program, and without user space.'] } };
  } finally {
    writeFileSync(SWITCH, was);
  }
}
