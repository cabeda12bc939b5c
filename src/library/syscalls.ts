/** `ktrace syscalls` as a function. */
import { Session } from '../source/session.js';
import { DEFAULT_KEYS } from '../tools/limits.js';
import type { SyscallEventRecord } from '../tools/syscalls/events.js';
import { BYS, type By } from '../tools/syscalls/model.js';
import { syscallsTool } from '../tools/syscalls/tool.js';
import { complete, invalid, known, list, nanoseconds, positive, type Duration, type TraceOptions } from './options.js';

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
  /** Size of the ring for events in bytes; rounded up to a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const OWN: readonly (keyof SyscallsOptions)[] = ['trace', 'by', 'failed', 'errno', 'minDuration', 'slow', 'rate', 'data', 'maxRows', 'ringSize'];

/**
 * Trace system calls. The session traces from the moment the promise resolves; with `events` it sends each call when it is over.
 * Rejects as futex() does.
 */
export async function syscalls(options: SyscallsOptions = {}): Promise<Session<SyscallEventRecord>> {
  known(options, OWN);
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
