/** What the options of all tools have in common, as the library takes them, and what a session makes of them. */
import { KtraceError } from '../errors.js';
import { parseDuration } from '../report/duration.js';
import { findCgroup } from '../source/cgroup.js';
import type { SessionOptions } from '../source/options.js';
import { targetWords } from '../source/targets.js';
import type { Own } from '../tools/contract.js';
import { limits } from '../tools/limits.js';

/** Durations are text such as `500ms`, `5s` or `1m`, or numbers of nanoseconds. */
export type Duration = string | number;

/** Options of every tool. */
export interface TraceOptions {
  /** Processes to trace. @default all but this one */
  readonly pid?: number | readonly number[];
  /** Threads to trace. @default all of the processes */
  readonly tid?: number | readonly number[];
  /** Names of threads to trace, as the kernel keeps them: at most 15 bytes. @default all */
  readonly comm?: string | readonly string[];
  /** Path of a cgroup (v2), or a container id. @default all */
  readonly cgroup?: string;
  /** Trace children of the targets that are born from now on. @default false */
  readonly follow?: boolean;
  /** Stop by itself after this time. @default until stop(), the signal, or the end of the last target */
  readonly duration?: Duration;
  /** Stops the session when it is aborted. @default none */
  readonly signal?: AbortSignal;
  /** Send events: see Session.events(). @default false */
  readonly events?: boolean;
  /** Events kept while nobody reads them; more are dropped and counted. @default 100000 */
  readonly backlog?: number;
  /** Rows of each section of a report. @default all */
  readonly rows?: number;
  /** Column that rows are ordered by. @default the tool's first */
  readonly sort?: string;
  /** Hook the kernel in this way and no other. @default the cheapest that works */
  readonly variant?: string;
  /** Trace this process, too. @default false */
  readonly includeSelf?: boolean;
}

const SHARED: readonly (keyof TraceOptions)[] = ['pid', 'tid', 'comm', 'cgroup', 'follow', 'duration', 'signal', 'events', 'backlog', 'rows', 'sort', 'variant', 'includeSelf'];

/** Throws KtraceError for a key that is neither shared nor among `own`. */
export function known(options: object, own: readonly string[]): void {
  const shared: readonly string[] = SHARED;
  for (const key of Object.keys(options)) if (!shared.includes(key) && !own.includes(key)) throw invalid(`There is no option "${key}"`);
}

interface OfTool {
  readonly shortest: number | undefined;
  readonly keys: number;
  readonly ring: number | undefined;
  readonly own: Own;
}

export function complete(options: TraceOptions, tool: { readonly sorts: readonly string[]; filterWords?(own: Own): readonly string[] }, { shortest, keys, ring, own }: OfTool): SessionOptions {
  const pids = ids('pid', options.pid);
  const tids = ids('tid', options.tid);
  if (options.follow === true && pids.length === 0) throw invalid('The "follow" option goes with the children of a "pid"');
  return {
    filters: {
      pids,
      tids,
      comms: list(options.comm),
      cgroup: options.cgroup === undefined ? undefined : findCgroup(options.cgroup),
      minWaitNs: shortest ?? 0,
      launched: false,
      follow: options.follow ?? false,
    },
    own,
    limits: limits(keys, ring === undefined ? undefined : positive('ringSize', ring)),
    events: options.events ?? false,
    backlog: positive('backlog', options.backlog ?? 100_000),
    includeSelf: options.includeSelf ?? false,
    variant: options.variant,
    durationNs: nanoseconds('duration', options.duration),
    signal: options.signal,
    rows: options.rows === undefined ? Number.MAX_SAFE_INTEGER : positive('rows', options.rows),
    sort: sortKey(options.sort, tool.sorts),
    all: true,
    verbose: true,
    target: targetWords({ pids, tids }),
    filterWords: tool.filterWords?.(own) ?? [],
  };
}

const LONGEST = (2 ** 31 - 1) * 1e6; // what a timer takes

export const invalid = (message: string): KtraceError => new KtraceError(message, 'OPTION', 'see TraceOptions, and the options of the tool');

export function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function ids(name: string, value: number | readonly number[] | undefined): readonly number[] {
  return list(value).map((id) => positive(name, id));
}

export function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw invalid(`Expected the "${name}" option to be a positive integer`);
  return value;
}

export function natural(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`Expected the "${name}" option to be an integer of 0 or more`);
  return value;
}

export function nanoseconds(name: string, value: Duration | undefined): number | undefined {
  if (typeof value === 'string') return parseDuration(value, name);
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0 && value <= LONGEST)) throw invalid(`Expected the "${name}" option to be text such as "5s", or nanoseconds up to ${LONGEST}`);
  return value;
}

function sortKey(sort: string | undefined, sorts: readonly string[]): string | undefined {
  if (sort !== undefined && !sorts.includes(sort)) throw invalid(`Expected the "sort" option to be one of ${sorts.join(', ')}`);
  return sort;
}
