/** Interleaved rounds, so that what else the machine does falls on every candidate alike, and what to say of them. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Samples of one quantity, one per round. */
export function summary(samples) {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), samples };
}

/**
 * A B C … A B C …: `measure(candidate)` gives `{ quantity: number }`. The result is samples[candidate.name][quantity], one per round.
 * A candidate that fails is left out from then on, with the reason in `failures`.
 */
export async function interleave(rounds, candidates, measure, progress) {
  const samples = Object.fromEntries(candidates.map(({ name }) => [name, {}]));
  const failures = {};
  for (let round = 0; round < rounds; round++) {
    for (const candidate of candidates) {
      if (failures[candidate.name] !== undefined) continue;
      progress(`round ${round + 1}/${rounds}: ${candidate.name}`);
      try {
        const found = await measure(candidate, round);
        for (const [quantity, value] of Object.entries(found)) (samples[candidate.name][quantity] ??= []).push(value);
      } catch (error) {
        if (candidate.needed) throw error;
        failures[candidate.name] = error.message;
        delete samples[candidate.name];
      }
    }
  }
  return { samples, failures };
}

/** Each round's value less the same round's value of the base. */
export const added = (samples, base) => samples.map((value, round) => value - base[round]);

/** Ratio of the medians; the spread is that of the ratios within each round where there is one. */
export function ratio(samples, base) {
  const each = samples.map((value, round) => value / base[round]).filter(Number.isFinite);
  return { median: median(samples) / median(base), min: Math.min(...each), max: Math.max(...each) };
}
