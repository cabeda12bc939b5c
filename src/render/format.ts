/** A value and its unit as sanitized text for people. */
import type { Histogram, Share, Tally, Unit, Value } from '../report/model.js';
import { count } from '../report/histogram.js';
import { forTerminal } from './sanitize.js';

/** Shown for what is not known or does not apply. */
const NOTHING = '-';

const TOP_SHARES = 3;
const TIME: readonly (readonly [number, string])[] = [[1, 'ns'], [1e3, 'µs'], [1e6, 'ms'], [1e9, 's']];
const SIZE: readonly (readonly [number, string])[] = [[1, ' B'], [2 ** 10, ' KiB'], [2 ** 20, ' MiB'], [2 ** 30, ' GiB'], [2 ** 40, ' TiB']];

/** Three significant digits: 1.23, 12.3, 123, and more for larger numbers. */
function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** In the largest unit that the value reaches after rounding: 999,600 ns are 1.00ms. */
function scaled(value: number, steps: readonly (readonly [number, string])[], limit: number): string {
  let [size, name] = steps[0] ?? [1, ''];
  if (value < limit) return `${value}${name}`;
  for (const [nextSize, nextName] of steps.slice(1)) if (Math.round(value / size) >= limit) [size, name] = [nextSize, nextName];
  return threeDigits(value / size) + name;
}

/** `1h02m`: two neighbouring units, the lower one with two digits. */
function longDuration(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** Nanoseconds as `431ns`, `1.23ms`, `59.9s`, `1m05s`, `2h05m`, `3d04h`. */
export function formatDuration(ns: number): string {
  if (ns === 0) return '0';
  return ns < 59.95e9 ? scaled(ns, TIME, 1000) : longDuration(Math.round(ns / 1e9));
}

/** Bytes as `512 B`, `8.30 MiB`. */
export const formatSize = (bytes: number): string => scaled(bytes, SIZE, 1024);

/** 0..1 as per cent. Never `0 %` for a few, never `100 %` for nearly all. */
function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return NOTHING;
  if (ratio === 0 || ratio === 1) return `${ratio * 100} %`;
  if (ratio < 0.0005) return '<0.1 %';
  if (ratio < 1 && ratio >= 0.9995) return '>99.9 %';
  return `${(ratio * 100).toFixed(ratio > 1 ? 0 : 1)} %`;
}

/** `worker-3 (4245) 95.6 %, main (4242) 3.1 %, 4 more`. */
function formatShares(shares: readonly Share[]): string {
  const top = shares.slice(0, TOP_SHARES).map(({ name, tid, share }) => `${forTerminal(name) || '?'} (${tid}) ${formatRatio(share)}`);
  const more = shares.length > TOP_SHARES ? [`${shares.length - TOP_SHARES} more`] : [];
  return [...top, ...more].join(', ');
}

/** `woken 412, timed out 3`, zeros left out. */
function formatTallies(tallies: readonly Tally[]): string {
  return tallies.filter((tally) => tally.count > 0).map((tally) => `${forTerminal(tally.name)} ${tally.count}`).join(', ');
}

function formatNumber(value: number, unit: Unit): string {
  if (unit === 'ns') return formatDuration(value);
  if (unit === 'ratio') return formatRatio(value);
  if (unit === 'bytes') return formatSize(value);
  if (unit === 'rate') return value === 0 ? '0' : `${threeDigits(value)}/s`;
  return unit === 'address' ? `0x${value.toString(16)}` : String(value);
}

/** The text of a cell; `-` for null and for lists with nothing in them. A histogram is only counted here: `bars.ts` draws it. */
export function formatValue(value: Value, unit: Unit): string {
  if (value === null) return NOTHING;
  if (typeof value === 'number') return formatNumber(value, unit);
  if (typeof value === 'bigint') return unit === 'address' ? `0x${value.toString(16)}` : String(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return forTerminal(value) || NOTHING;
  if (unit === 'shares') return formatShares(value as readonly Share[]) || NOTHING;
  return (unit === 'tally' ? formatTallies(value as readonly Tally[]) : String(count(value as Histogram))) || NOTHING;
}
