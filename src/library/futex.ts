/** `ktrace futex` as a function. */
import { Session } from '../source/session.js';
import type { FutexEventRecord } from '../tools/futex/events.js';
import { futexTool } from '../tools/futex/tool.js';
import { DEFAULT_KEYS } from '../tools/limits.js';
import { complete, known, nanoseconds, positive, type Duration, type TraceOptions } from './options.js';

export interface FutexOptions extends TraceOptions {
  /** Leave out shorter waits, already in the kernel. @default 0 */
  readonly minWait?: Duration;
  /** Locks told apart at most; waits for others are counted as lost. @default 4096 */
  readonly maxLocks?: number;
  /** Size of the ring for events in bytes; rounded up to a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const OWN: readonly (keyof FutexOptions)[] = ['minWait', 'maxLocks', 'ringSize'];

/**
 * Trace waits for locks. The session traces from the moment the promise resolves.
 * Rejects with KtraceError (`code`, `hint`), of which UnsupportedError and AttachError say that this machine does not do.
 */
export async function futex(options: FutexOptions = {}): Promise<Session<FutexEventRecord>> {
  known(options, OWN);
  return new Session(futexTool, complete(options, futexTool, { shortest: nanoseconds('minWait', options.minWait), keys: positive('maxLocks', options.maxLocks ?? DEFAULT_KEYS), ring: options.ringSize, own: {} }));
}
