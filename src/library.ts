/** The library's way in: one function per tool, one options object, one kind of session. */
import { KtraceError } from './errors.js';
import { parseDuration } from './report/duration.js';
import type { Report } from './report/model.js';
import { findCgroup } from './source/cgroup.js';
import type { SessionOptions } from './source/options.js';
import { Session } from './source/session.js';
import { targetWords } from './source/targets.js';
import type { Own } from './tools/contract.js';
import type { ExecEventRecord } from './tools/exec/model.js';
import { execTool } from './tools/exec/tool.js';
import { futexTool } from './tools/futex/tool.js';
import type { FutexEventRecord } from './tools/futex/events.js';
import type { SyscallEventRecord } from './tools/syscalls/events.js';
import { BYS, type By } from './tools/syscalls/model.js';
import { syscallsTool } from './tools/syscalls/tool.js';

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

export interface FutexOptions extends TraceOptions {
  /** Leave out shorter waits, already in the kernel. @default 0 */
  readonly minWait?: Duration;
  /** Locks told apart at most; waits for others are counted as lost. @default 4096 */
  readonly maxLocks?: number;
  /** Size of the ring for events in bytes, a power of two. @default 4194304 */
  readonly ringSize?: number;
}

export interface SyscallsOptions extends TraceOptions {
  /** Which calls, as strace(1) has it: `openat,read`, `%file`, `!futex`, `/^epoll`. @default all */
  readonly trace?: string;
  /** A row for each call of each of these. @default 'syscall' */
  readonly by?: By;
  /** Only calls that failed. @default false */
  readonly failed?: boolean;
  /** Only calls that failed with one of these errors, such as `ENOENT`. @default all */
  readonly errno?: string | readonly string[];
  /** Leave out shorter calls, already in the kernel. @default 0 */
  readonly minDuration?: Duration;
  /** With events: send calls only that took as long. @default 0 */
  readonly slow?: Duration;
  /** With slow: of each call as many a second and CPU. @default 100 */
  readonly rate?: number;
  /** With events: the first bytes of what is read and written, too. @default false */
  readonly data?: boolean;
  /** Rows kept at most; calls in others are counted as lost. @default 4096 */
  readonly maxRows?: number;
  /** Size of the ring for events in bytes, a power of two. @default 4194304 */
  readonly ringSize?: number;
}

export interface ExecOptions extends TraceOptions {
  /** Processes of these users only, by real id. @default all */
  readonly uid?: number | readonly number[];
  /** Programs whose path matches this regular expression only. @default all */
  readonly path?: string;
  /** Programs whose arguments, with blanks between, match it. @default all */
  readonly args?: string;
  /** Rules, as the command line has them: see docs/tools/exec.md. @default none */
  readonly alert?: string | readonly string[];
  /** Programs told apart at most; execs of others are counted as lost. @default 4096 */
  readonly maxRows?: number;
  /** Size of the ring for events in bytes, a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const SHARED: readonly (keyof TraceOptions)[] = ['pid', 'tid', 'comm', 'cgroup', 'follow', 'duration', 'signal', 'events', 'backlog', 'rows', 'sort', 'variant', 'includeSelf'];
const FUTEX: readonly (keyof FutexOptions)[] = [...SHARED, 'minWait', 'maxLocks', 'ringSize'];
const EXEC: readonly (keyof ExecOptions)[] = [...SHARED, 'uid', 'path', 'args', 'alert', 'maxRows', 'ringSize'];
const SYSCALLS: readonly (keyof SyscallsOptions)[] = [...SHARED, 'trace', 'by', 'failed', 'errno', 'minDuration', 'slow', 'rate', 'data', 'maxRows', 'ringSize'];

/**
 * Trace waits for locks. The session traces from the moment the promise resolves.
 * Rejects with KtraceError (`code`, `hint`), of which UnsupportedError and AttachError say that this machine does not do.
 */
export async function futex(options: FutexOptions = {}): Promise<Session<FutexEventRecord>> {
  known(options, FUTEX);
  return new Session(futexTool, complete(options, futexTool, { shortest: nanoseconds('minWait', options.minWait), keys: positive('maxLocks', options.maxLocks ?? DEFAULT_KEYS), ring: options.ringSize, own: {} }));
}

/**
 * Trace system calls. The session traces from the moment the promise resolves; with `events` it sends each call when it is over.
 * Rejects as futex() does.
 */
export async function syscalls(options: SyscallsOptions = {}): Promise<Session<SyscallEventRecord>> {
  known(options, SYSCALLS);
  const { trace, by, failed, errno, slow, rate, data } = options;
  if (by !== undefined && !BYS.includes(by)) throw invalid(`Expected the "by" option to be one of ${BYS.join(', ')}`);
  const own = {
    ...(trace === undefined ? {} : { trace }),
    ...(by === undefined ? {} : { by }),
    ...(errno === undefined ? {} : { errno: list(errno) }),
    ...(slow === undefined ? {} : { slow: nanoseconds('slow', slow) }),
    ...(rate === undefined ? {} : { rate: positive('rate', rate) }),
    failed: failed ?? false,
    data: data ?? false,
  };
  return new Session(syscallsTool, complete(options, syscallsTool, { shortest: nanoseconds('minDuration', options.minDuration), keys: positive('maxRows', options.maxRows ?? DEFAULT_KEYS), ring: options.ringSize, own }));
}

/**
 * Trace the lives of processes. The session traces from the moment the promise resolves; with `events` it sends each exec, failed or not, and
 * each end. Rejects as futex() does.
 */
export async function exec(options: ExecOptions = {}): Promise<Session<ExecEventRecord>> {
  known(options, EXEC);
  const { path, args } = options;
  const own = {
    uid: list(options.uid).map((uid) => natural('uid', uid)),
    alert: list(options.alert),
    failed: true,
    maxRows: positive('maxRows', options.maxRows ?? DEFAULT_KEYS),
    ...(path === undefined ? {} : { path }),
    ...(args === undefined ? {} : { args }),
  };
  return new Session(execTool, complete(options, execTool, { shortest: undefined, keys: own.maxRows, ring: options.ringSize, own }));
}

const DEFAULT_KEYS = 4096;

function known(options: object, keys: readonly string[]): void {
  for (const key of Object.keys(options)) if (!keys.includes(key)) throw invalid(`There is no option "${key}"`);
}

interface OfTool {
  readonly shortest: number | undefined;
  readonly keys: number;
  readonly ring: number | undefined;
  readonly own: Own;
}

function complete(options: TraceOptions, tool: { readonly sorts: readonly string[]; filterWords?(own: Own): readonly string[] }, { shortest, keys, ring, own }: OfTool): SessionOptions {
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
    limits: { maxKeys: keys, ringBytes: powerOfTwo(ring ?? 4 << 20) },
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

const invalid = (message: string): KtraceError => new KtraceError(message, 'OPTION', 'see FutexOptions, SyscallsOptions and ExecOptions');

function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function ids(name: string, value: number | readonly number[] | undefined): readonly number[] {
  return list(value).map((id) => positive(name, id));
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value <= 0) throw invalid(`Expected the "${name}" option to be a positive integer`);
  return value;
}

function natural(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`Expected the "${name}" option to be an integer of 0 or more`);
  return value;
}

function powerOfTwo(value: number): number {
  if (positive('ringSize', value) < 4096 || (value & (value - 1)) !== 0) throw invalid('Expected the "ringSize" option to be a power of two of at least 4096');
  return value;
}

function nanoseconds(name: string, value: Duration | undefined): number | undefined {
  if (typeof value === 'string') return parseDuration(value, name);
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0 && value <= LONGEST)) throw invalid(`Expected the "${name}" option to be text such as "5s", or nanoseconds up to ${LONGEST}`);
  return value;
}

function sortKey(sort: string | undefined, sorts: readonly string[]): string | undefined {
  if (sort !== undefined && !sorts.includes(sort)) throw invalid(`Expected the "sort" option to be one of ${sorts.join(', ')}`);
  return sort;
}

export type { ExecEventRecord, FutexEventRecord, Report, Session, SyscallEventRecord };
