/** One event as one JSON line. */
import type { Unit } from '../report/model.js';
import { bigintJson, nanoseconds } from './json.js';
import { forJson } from './sanitize.js';

/** A decoded event: numbers are safe integers or ratios, 64-bit values bigint, names raw strings. */
export interface EventRecord {
  /** Tells events apart in one stream, e.g. `futex_wait`; never `report`. */
  readonly type: string;
  readonly [field: string]: EventValue;
}

type EventValue = number | bigint | string | boolean | null | readonly EventValue[];

function fieldJson(value: EventValue, name: string, unit: Unit | undefined): unknown {
  if (Array.isArray(value)) return value.map((item: EventValue) => fieldJson(item, name, unit));
  if (typeof value === 'bigint') return bigintJson(value, unit === 'address');
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}, which JSON cannot say exactly`);
  return Number.isInteger(value) ? nanoseconds(value, name) : value;
}

/** The event as one line ending in a line feed. bigint fields become decimal strings, or hex where `units` calls them addresses. */
export function renderEvent(event: EventRecord, units: Readonly<Record<string, Unit>> = {}): string {
  const fields = Object.entries(event).map(([name, value]) => [name, fieldJson(value, name, units[name])]);
  return `${forJson(Object.fromEntries(fields))}\n`;
}
