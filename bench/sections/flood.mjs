/** As many system calls as the machine makes, for half a minute: nothing may be lost, and ktrace may not notice. */
import { cpuNs, gated, memory, now } from '../programs.mjs';
import { mib, ms } from '../table.mjs';
import { startKtrace } from '../tracers.mjs';

export const name = 'flood';
export const tool = 'syscalls';

const SECONDS = 30;
const THREADS = 2;

export async function run({ progress }) {
  progress(`${SECONDS} s`);
  const { calls, accounting, exact, share, growth, report } = await measure();
  const { hits, aggregated, inFlight, filtered, dropped } = accounting;
  const row = [`${(calls / SECONDS / 1e6).toFixed(2)} M/s`, `${hits} = ${aggregated} + ${inFlight} + ${filtered} + ${dropped}`, exact ? 'yes' : `NO: ${calls} calls`, `${(100 * share).toFixed(2)} %`, mib(growth), ms(report)];
  const columns = ['calls', 'hits = aggregated + in flight + filtered + dropped', 'exact', 'CPU', 'grew by', 'SIGINT to report'];
  const notes = [`${THREADS} threads, ${SECONDS} s. Exact: the law holds, and the hits are the calls that the program counted itself.`];
  return { samples: [{ calls, accounting, exact, share, growth, report }], failures: {}, tables: [{ title: 'A flood of system calls', columns, rows: [row], notes }] };
}

async function measure() {
  const workload = await gated('storm', '--threads', String(THREADS), '--seconds', String(SECONDS), '--hold');
  const { program } = await startKtrace(['-p', String(workload.pid), '-e', 'getppid,dup'], tool);
  const before = { cpu: cpuNs(program.pid), rss: memory(program.pid).rss, ns: now() };
  workload.program.tell('');
  await workload.program.said('stdout', /}\n$/);
  const share = (cpuNs(program.pid) - before.cpu) / (now() - before.ns);
  const growth = memory(program.pid).rss - before.rss;
  const stopped = now();
  program.kill('SIGINT');
  const { ns } = await program.said('stdout', /\n}\n$/);
  await program.done();
  const { accounting } = JSON.parse(program.stdout).header;
  workload.program.kill('SIGKILL');
  const text = workload.program.stdout;
  const { rounds } = JSON.parse(text.slice(text.indexOf('{')));
  const { hits, aggregated, inFlight, filtered, dropped } = accounting;
  const exact = hits === aggregated + inFlight + filtered + dropped && hits === 2 * rounds;
  return { calls: 2 * rounds, accounting, exact, share, growth, report: ns - stopped };
}
