/** Durations as users write them. */

const NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Longer than any timer of the platform can wait (2^31 ms). */
const LONGEST_HOURS = 596;

/**
 * `500ms`, `1.5s`, `2h` (units ns, us, ms, s, m, h; a bare number is seconds) in whole nanoseconds.
 * Throws RangeError with a sentence that names `option`, for instance `--interval`.
 */
export function parseDuration(text: string, option: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)?$/.exec(text.trim()) ?? [];
  if (digits === undefined) throw expected(option, 'a duration such as 500ms, 5s or 1m', text);
  const exact = Number(digits) * (NS[unit ?? 's'] ?? 0);
  if (exact > LONGEST_HOURS * 3600e9) throw expected(option, `at most ${LONGEST_HOURS}h`, text);
  if (exact > 0 && exact < 1) throw expected(option, 'whole nanoseconds', text);
  return Math.round(exact);
}

function expected(option: string, what: string, text: string): RangeError {
  return new RangeError(`Expected ${option} to be ${what}, not ${JSON.stringify(text)}`);
}
