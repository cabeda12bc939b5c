/** `ktrace oom` as a function. */
import { Session } from '../source/session.js';
import type { OomRecord } from '../tools/oom/model.js';
import { oomTool } from '../tools/oom/tool.js';
import { complete, known, positive, type TraceOptions } from './options.js';

export interface OomOptions extends TraceOptions {
  /** Incidents kept for the report at most; victims of older ones are counted. @default 256 */
  readonly maxRows?: number;
  /** Size of the ring for candidates in bytes; rounded up to a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const OWN: readonly (keyof OomOptions)[] = ['maxRows', 'ringSize'];
const DEFAULT_ROWS = 256;

/**
 * Watch for memory that runs out, anywhere on the machine: there are no filters. The session traces from the moment the promise resolves; with
 * `events` it sends each incident when it is over, and when a victim has ended. Rejects as futex() does.
 */
export async function oom(options: OomOptions = {}): Promise<Session<OomRecord>> {
  known(options, OWN);
  const own = { maxRows: positive('maxRows', options.maxRows ?? DEFAULT_ROWS) };
  return new Session(oomTool, complete(options, oomTool, { shortest: undefined, keys: own.maxRows, ring: options.ringSize, own }));
}
