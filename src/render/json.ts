/** The report as JSON, the format that `schema/report.schema.json` publishes: raw values, nothing rounded, nothing left out. */
import type { Column, Histogram, Report, Row, Section, Share, Tally, Value } from '../report/model.js';
import { forJson } from './sanitize.js';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A number that a double cannot hold exactly must not get here: counts stay below 2^53 by contract. */
function whole(value: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${what} is ${value}, which is no exact integer`);
  return value;
}

/** Nanoseconds get beyond 2^53 after 104 days, of uptime or of threads together: then they are digits, as near as a double is (1 part in 2^53). */
export function nanoseconds(value: number, what: string): number | string {
  return Number.isInteger(value) && value > Number.MAX_SAFE_INTEGER ? BigInt(value).toString() : whole(value, what);
}

function shareJson({ name, pid, tid, count, ns, share }: Share, what: string): Json {
  return { name, pid: whole(pid, what), tid: whole(tid, what), count: whole(count, what), ns: nanoseconds(ns, what), share: finite(share, what) };
}

function tallyJson({ name, count }: Tally, what: string): Json {
  return { name, count: whole(count, what) };
}

function histogramJson({ scale, offset, counts }: Histogram, what: string): Json {
  return { scale, offset: whole(offset, what), counts: counts.map((count) => whole(count, what)) };
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new RangeError(`${what} is ${value}, which JSON cannot say`);
  return value;
}

/** Addresses as lower-case hex, other 64-bit values as decimal strings: JSON readers that use doubles lose nothing. */
export function bigintJson(value: bigint, isAddress: boolean): string {
  return isAddress ? `0x${value.toString(16)}` : value.toString();
}

function valueJson(value: Value, { key, unit }: Column): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return bigintJson(value, unit === 'address');
  if (typeof value === 'number') return unit === 'ratio' || unit === 'rate' ? finite(value, key) : unit === 'ns' ? nanoseconds(value, key) : whole(value, key);
  if (unit === 'shares') return (value as readonly Share[]).map((share) => shareJson(share, key));
  if (unit === 'tally') return (value as readonly Tally[]).map((tally) => tallyJson(tally, key));
  return histogramJson(value as Histogram, key);
}

function rowJson(row: Row, columns: readonly Column[]): Json {
  return Object.fromEntries(columns.map((column) => [column.key, valueJson(row[column.key] ?? null, column)]));
}

function sectionJson({ title, columns, rows, hiddenRows, story, empty }: Section): Json {
  return {
    title,
    columns: columns.map(({ key, unit, description }) => ({ key, unit, description })),
    rows: rows.map((row) => rowJson(row, columns)),
    hiddenRows: whole(hiddenRows, 'hiddenRows'),
    story: [...(story ?? [])],
    empty: empty ?? null,
  };
}

function headerJson(header: Report['header']): Json {
  const { accounting, attempts, filters, limits, durationNs, intervalNs, settled, ...words } = header;
  return {
    ...words,
    durationNs: whole(durationNs, 'durationNs'),
    intervalNs: intervalNs === undefined ? null : whole(intervalNs, 'intervalNs'),
    settled,
    filters: [...filters],
    attempts: attempts.map(({ variant, stage, errno }) => ({ variant, stage, errno })),
    limits: [...limits],
    accounting: Object.fromEntries(Object.entries(accounting).map(([name, count]) => [name, whole(count, name)])),
  };
}

function reportJson({ schemaVersion, header, losses, sections, finding, next }: Report): Json {
  const ids = sections.map(({ id }) => id);
  if (new Set(ids).size < ids.length) throw new Error(`two sections of the report have one id: ${ids.join(', ')}`);
  return {
    schemaVersion,
    header: headerJson(header),
    losses: losses.map(({ reason, count, meaning }) => ({ reason, count: whole(count, reason), meaning })),
    sections: Object.fromEntries(sections.map((section) => [section.id, sectionJson(section)])),
    finding: [...finding],
    next: [...next],
  };
}

/** The report as one JSON document, indented, ending in a line feed. */
export function renderJson(report: Report): string {
  return `${forJson(reportJson(report), 2)}\n`;
}

/** The report as one line, for a stream of JSON lines; `"type":"report"` tells it from events. */
export function renderNdjson(report: Report): string {
  return `${forJson({ type: 'report', ...(reportJson(report) as object) })}\n`;
}
