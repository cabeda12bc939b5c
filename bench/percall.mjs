/** What a tracer costs the program that it traces, and everybody else, call by call (bench/load.c). */
import { Program, root, sleep, stranger } from './programs.mjs';
import { added, interleave, median, ratio, summary } from './rounds.mjs';
import { ns, spread, times } from './table.mjs';

const MOST_TRIES = 5;
const STEADY = 1.015; // a quiet machine repeats the yardstick within half a percent
const BATCHES = 400;

/** `traced`, `others`: titles by mode of bench/load, in the traced process and in one that is not. */
export async function perCall({ traced, others, notes, rounds, tracers, progress }) {
  const calm = new Calm(Object.keys(traced), Object.keys(others));
  const { samples, failures } = await interleave(rounds, tracers, (tracer) => calm.measure(tracer), progress);
  const tables = [
    ...Object.entries(traced).map(([mode, title]) => tableOf(title, `traced ${mode}`, samples)),
    ...Object.entries(others).map(([mode, title]) => ({ ...tableOf(title, `other ${mode}`, samples), notes: [...notes] })),
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

  constructor(traced, others) {
    this.traced = traced;
    this.others = others;
  }

  async measure(tracer) {
    let kept;
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      for (let waits = 0; stranger() !== undefined && waits < MOST_TRIES; waits++) await sleep(200);
      const tried = await measure(tracer, this);
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

async function measure(tracer, { traced: own, others: theirs }) {
  const target = await load(own, tracer.batches);
  try {
    const attached = await tracer.attach(target.pid);
    const others = await (await load(theirs, tracer.batches)).go();
    const traced = await target.go();
    const intruder = stranger();
    await attached.detach();
    return { by: intruder, spin: Math.max(traced.spin, others.spin), found: { ...named('traced', traced), ...named('other', others) } };
  } finally {
    target.program.kill('SIGKILL');
  }
}

async function load(modes, batches = BATCHES) {
  const program = new Program(`${root}/build/bench/load`, [String(batches), 'spin', ...modes]);
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
