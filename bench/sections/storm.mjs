/** More than a million waits: nothing may be lost, and ktrace may not notice. */
import { cpuNs, gated, memory, now } from '../programs.mjs';
import { mib } from '../table.mjs';
import { startKtrace } from '../tracers.mjs';

export const name = 'storm';
export const tool = 'futex';

const LEAST_WAITS = 1_000_000;
const ROUNDS = 900_000; // about 1.2 waits each

export async function run({ progress }) {
  const runs = [];
  const total = () => runs.reduce((sum, { waits }) => sum + waits, 0);
  while (total() < LEAST_WAITS) {
    progress(`${total()} waits`);
    runs.push(await measure());
  }
  const rows = runs.map(({ waits, eagain, wakes, accounting, exact, share, growth }) => {
    const { hits, aggregated, inFlight, filtered, dropped } = accounting;
    return [String(waits), `${hits} = ${aggregated} + ${inFlight} + ${filtered} + ${dropped}`, exact ? 'yes' : `NO: ${waits + eagain + wakes} calls`, `${(100 * share).toFixed(2)} %`, mib(growth)];
  });
  const columns = ['waits', 'hits = aggregated + in flight + filtered + dropped', 'exact', 'CPU', 'grew by'];
  const notes = [`${total()} waits in all. Exact: the law holds, and the hits are the calls that the workload counted itself.`];
  return { samples: runs, failures: {}, tables: [{ title: 'A storm: what ktrace counts, of what there was', columns, rows, notes }] };
}

async function measure() {
  const workload = await gated('pingpong', '-n', String(ROUNDS), '--hold');
  const { program } = await startKtrace(['-p', String(workload.pid)]);
  const before = { cpu: cpuNs(program.pid), rss: memory(program.pid).rss, ns: now() };
  workload.program.tell('');
  await workload.program.said('stdout', /}\n$/);
  const share = (cpuNs(program.pid) - before.cpu) / (now() - before.ns);
  const growth = memory(program.pid).rss - before.rss;
  const { accounting } = JSON.parse(await program.stop()).header;
  workload.program.kill('SIGKILL');
  const text = workload.program.stdout;
  const { waits, eagain, wakes } = JSON.parse(text.slice(text.indexOf('{')));
  const { hits, aggregated, inFlight, filtered, dropped } = accounting;
  const exact = hits === aggregated + inFlight + filtered + dropped && hits === waits + eagain + wakes;
  return { waits, eagain, wakes, accounting, exact, share, growth };
}
