/** What a tracer costs the program that it traces, and everybody else, call by call (bench/load.c). */
import { Program, root, sleep, stranger } from '../programs.mjs';
import { added, interleave, median, ratio, summary } from '../rounds.mjs';
import { ns, spread, times } from '../table.mjs';

export const name = 'calls';

const MOST_TRIES = 5;
const STEADY = 1.015; // a quiet machine repeats the yardstick within half a percent
const BATCHES = '400';
const WHOLE = 'The row "ktrace futex" traces the whole machine: this process, too.';

/** Modes of bench/load in the traced process, and in one that is not. */
const TRACED = {
  wait: 'A traced futex call: FUTEX_WAIT, EAGAIN, private',
  'wait-shared': 'A traced futex call: FUTEX_WAIT, EAGAIN, shared',
  wake: 'A traced futex call: FUTEX_WAKE, nobody waits',
  'hand-over': 'Real sleeps: two traced threads hand a word to and fro (2 wakes, 2 sleeps)',
  getppid: 'Another system call of the traced process: getppid',
};
const UNTRACED = {
  wait: 'The others: FUTEX_WAIT, EAGAIN, of a process that is not traced',
  getppid: 'The others: getppid of a process that is not traced',
  pipes: 'The others: two processes hand a byte to and fro through pipes (2 wake-ups)',
};

export async function run({ rounds, tracers, progress }) {
  const calm = new Calm();
  const { samples, failures } = await interleave(rounds, tracers, (tracer) => calm.measure(tracer), progress);
  const tables = [
    ...Object.entries(TRACED).map(([mode, title]) => tableOf(title, `traced ${mode}`, samples)),
    ...Object.entries(UNTRACED).map(([mode, title]) => ({ ...tableOf(title, `other ${mode}`, samples), notes: [WHOLE] })),
  ];
  if (calm.disturbed > 0) tables.at(-1).notes.push(`${calm.disturbed} measurements were disturbed in all ${MOST_TRIES} tries${by(calm.strangers)}: hence the widest spreads.`);
  return { samples, failures, tables };
}

/**
 * A measurement is made again, a few times, when a busy neighbour on the same core slowed it (the yardstick `spin` says so) or somebody
 * else had hooks in the kernel, whose cost would be taken for the tracer's. The quietest is kept.
 */
class Calm {
  #best = Infinity;
  disturbed = 0;
  strangers = new Set();

  async measure(tracer) {
    let kept;
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      for (let waits = 0; stranger() !== undefined && waits < MOST_TRIES; waits++) await sleep(200);
      const tried = await measure(tracer);
      this.#best = Math.min(this.#best, tried.spin);
      if (kept === undefined || loudness(tried) < loudness(kept)) kept = tried;
      if (loudness(kept) < STEADY * this.#best) return kept.found;
    }
    this.disturbed++;
    if (kept.by !== undefined) this.strangers.add(kept.by);
    return kept.found;
  }
}

const loudness = ({ by, spin }) => (by === undefined ? spin : 2 * spin);

async function measure(tracer) {
  const target = await load(Object.keys(TRACED));
  try {
    const attached = await tracer.attach(target.pid);
    const others = await (await load(Object.keys(UNTRACED))).go();
    const traced = await target.go();
    const intruder = stranger();
    await attached.detach();
    return { by: intruder, spin: Math.max(traced.spin, others.spin), found: { ...named('traced', traced), ...named('other', others) } };
  } finally {
    target.program.kill('SIGKILL');
  }
}

async function load(modes) {
  const program = new Program(`${root}/build/bench/load`, [BATCHES, 'spin', ...modes]);
  await program.said('stdout', /^ready/);
  const go = async () => {
    program.tell('');
    return JSON.parse((await program.done()).replace(/^ready.*\n/, ''));
  };
  return { pid: program.pid, program, go };
}

const by = (strangers) => (strangers.size === 0 ? '' : ` (others had hooks in the kernel: ${[...strangers].join(', ')})`);
const named = (who, found) => Object.fromEntries(Object.entries(found).map(([mode, value]) => [`${who} ${mode}`, value]));

function tableOf(title, quantity, samples) {
  const bare = samples.nothing[quantity];
  const floor = samples['empty programs'][quantity];
  const floorCost = added(floor, bare);
  const hooked = median(floorCost) > 0.05 * median(bare); // else there is nothing to compare with
  const rows = Object.entries(samples).map(([tracer, { [quantity]: own }]) => {
    const cost = added(own, bare);
    const toFloor = tracer === 'nothing' || !hooked ? '-' : spread(ratio(cost, floorCost), times);
    return [tracer, toFloor, tracer === 'nothing' ? '-' : spread(summary(cost), ns), spread(ratio(own, floor), times), spread(summary(own), ns)];
  });
  return { title, columns: ['attached', 'added, to empty', 'added', 'time, to empty', 'time'], rows };
}
