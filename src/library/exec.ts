/** `ktrace exec` as a function. */
import { Session } from '../source/session.js';
import type { ExecEventRecord } from '../tools/exec/model.js';
import { execTool } from '../tools/exec/tool.js';
import { DEFAULT_KEYS } from '../tools/limits.js';
import { complete, known, list, natural, positive, type TraceOptions } from './options.js';

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
  /** Size of the ring for events in bytes; rounded up to a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const OWN: readonly (keyof ExecOptions)[] = ['uid', 'path', 'args', 'alert', 'maxRows', 'ringSize'];

/**
 * Trace the lives of processes. The session traces from the moment the promise resolves; with `events` it sends each exec, failed or not, and
 * each end. Rejects as futex() does.
 */
export async function exec(options: ExecOptions = {}): Promise<Session<ExecEventRecord>> {
  known(options, OWN);
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
