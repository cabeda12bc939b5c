/** `ktrace connect` as a function. */
import { Session } from '../source/session.js';
import { BYS, type By, type ConnectEventRecord } from '../tools/connect/model.js';
import { connectTool } from '../tools/connect/tool.js';
import { DEFAULT_KEYS } from '../tools/limits.js';
import { complete, invalid, known, list, nanoseconds, positive, type Duration, type TraceOptions } from './options.js';

export interface ConnectOptions extends TraceOptions {
  /** A row for each of these. @default 'dest' */
  readonly by?: By;
  /** Attempts to these ports only. @default all */
  readonly port?: number | readonly number[];
  /** Attempts to these addresses or networks only, such as `192.0.2.0/24`. @default all */
  readonly dest?: string | readonly string[];
  /** Only attempts that failed. @default false */
  readonly failed?: boolean;
  /** Leave out attempts that were over sooner, already in the kernel. @default 0 */
  readonly minDuration?: Duration;
  /** Follow connections to their end, and with `events` tell it. @default false */
  readonly lifetime?: boolean;
  /** Look up the names of destinations by DNS. @default false */
  readonly resolve?: boolean;
  /** Rows kept at most; attempts in others are counted as lost. @default 4096 */
  readonly maxRows?: number;
  /** Attempts, with `lifetime` connections, followed at once; others are counted as lost. @default 16384 */
  readonly maxConnections?: number;
  /** Size of the ring for events in bytes; rounded up to a power of two. @default 4194304 */
  readonly ringSize?: number;
}

const HIGHEST_PORT = 65535;
const OWN: readonly (keyof ConnectOptions)[] = ['by', 'port', 'dest', 'failed', 'minDuration', 'lifetime', 'resolve', 'maxRows', 'maxConnections', 'ringSize'];

function checkedPort(port: number): number {
  if (positive('port', port) > HIGHEST_PORT) throw invalid(`Expected the "port" option to be at most ${HIGHEST_PORT}`);
  return port;
}

/**
 * Trace attempts to connect by TCP. The session traces from the moment the promise resolves; with `events` it sends each attempt when it is
 * over, and with `lifetime` each connection. Rejects as futex() does.
 */
export async function connect(options: ConnectOptions = {}): Promise<Session<ConnectEventRecord>> {
  known(options, OWN);
  const { by, failed, lifetime, resolve, maxConnections } = options;
  if (by !== undefined && !BYS.includes(by)) throw invalid(`Expected the "by" option to be one of ${BYS.join(', ')}`);
  const own = {
    port: list(options.port).map(checkedPort),
    dest: list(options.dest),
    failed: failed ?? false,
    lifetime: lifetime ?? false,
    resolve: resolve ?? false,
    maxRows: positive('maxRows', options.maxRows ?? DEFAULT_KEYS),
    ...(by === undefined ? {} : { by }),
    ...(maxConnections === undefined ? {} : { maxConnections: positive('maxConnections', maxConnections) }),
  };
  return new Session(connectTool, complete(options, connectTool, { shortest: nanoseconds('minDuration', options.minDuration), keys: own.maxRows, ring: options.ringSize, own }));
}
