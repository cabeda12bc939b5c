/** What ktrace itself uses while nothing happens. */
import { Program, cpuNs, memory, now, sleep } from '../programs.mjs';
import { mib } from '../table.mjs';
import { startKtrace } from '../tracers.mjs';

export const name = 'idle';
export const tool = 'futex';

const SECONDS = 10;

export async function run({ progress }) {
  const target = new Program(process.execPath, ['-e', 'setInterval(() => {}, 1e9)']);
  await sleep(300);
  const samples = {};
  for (const [title, args] of [['an idle Node process', ['-p', String(target.pid)]], ['the whole machine', []]]) {
    progress(`${SECONDS} s: ${title}`);
    samples[title] = await measure(args);
  }
  await target.stop();
  const rows = Object.entries(samples).map(([title, { share, rss }]) => [title, `${(100 * share).toFixed(2)} %`, mib(rss)]);
  const notes = ['The rest of the machine is as busy as it is: the second row is an upper bound.'];
  return { samples, failures: {}, tables: [{ title: `CPU of ktrace over ${SECONDS} s`, columns: ['target', 'of one core', 'memory'], rows, notes }] };
}

async function measure(args) {
  const { program } = await startKtrace(args);
  await sleep(1000);
  const begun = now();
  const before = cpuNs(program.pid);
  await sleep(SECONDS * 1000);
  const share = (cpuNs(program.pid) - before) / (now() - begun);
  const { rss } = memory(program.pid);
  await program.stop();
  return { share, rss };
}
