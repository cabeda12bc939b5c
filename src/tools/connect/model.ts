/** What ktrace connect knows of an attempt, and what it sends of it. */
import type { ToolEvent } from '../contract.js';

export const BYS = ['dest', 'process', 'cgroup', 'port'] as const;
export type By = (typeof BYS)[number];

/** What became of an attempt. `unsent`: it was over before the first packet. `gaveUp`: the program closed the socket while it was connecting. */
export type Outcome = 'connected' | 'refused' | 'timedOut' | 'unreachable' | 'gaveUp' | 'unsent' | 'failed';

export interface Endpoint {
  /** IPv4 or IPv6 as text; an IPv4 address in an IPv6 socket as IPv4. */
  readonly address: string;
  readonly port: number;
}

interface Common extends ToolEvent {
  /** CLOCK_MONOTONIC, ns, and by the clock on the wall (RFC 3339, UTC). */
  readonly time: number;
  readonly at: string;
  readonly pid: number;
  readonly tid: number;
  readonly uid: number;
  /** Name of the thread that began the attempt, and of its process's first thread; hostile. */
  readonly thread: string;
  readonly process: string;
  /** Path; `…/` and its last part where the rest is not known: cgroup v1, or it is gone. */
  readonly cgroup: string;
  readonly container: string | null;
  readonly address: string;
  readonly port: number;
  /** Of the peer by reverse look-up; null where there is none, it is not known yet, or was not asked for. Hostile. */
  readonly name: string | null;
  readonly localAddress: string;
  readonly localPort: number;
  /** Of an attempt SYNs that were sent again; of a connection segments, after that. */
  readonly retransmits: number;
}

/** An attempt is over. */
export interface ConnectRecord extends Common {
  readonly type: 'connect';
  readonly outcome: Outcome;
  /** Name of the error; null where there is none, or it is not known. */
  readonly error: string | null;
  readonly tookNs: number;
  /** SYNs, the first one too; 0: it was over before that. */
  readonly syns: number;
  /** It had begun before tracing: `tookNs` is the time since tracing began. */
  readonly beforeTracing: boolean;
}

/** A connection is over. */
export interface CloseRecord extends Common {
  readonly type: 'close';
  /** Name of the error by which it ended, such as ECONNRESET; null where it ended well. */
  readonly error: string | null;
  /** Who sent FIN first; unknown where there was none. */
  readonly closedBy: 'local' | 'remote' | 'unknown';
  /** Who sent a reset; null: nobody did. `either`: what came after we had closed it met with one, or the peer sent one. */
  readonly reset: 'local' | 'remote' | 'either' | null;
  readonly durationNs: number;
  /** Of data, counted once however often it was sent. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Smoothed round trip time; null where it was not measured. */
  readonly rttNs: number | null;
}

export type ConnectEventRecord = ConnectRecord | CloseRecord;

/** An attempt that is under way. */
export interface Pending extends Endpoint {
  readonly pid: number;
  readonly tid: number;
  readonly thread: string;
  readonly process: string;
  readonly cgroup: string;
  readonly ageNs: number;
  readonly beforeTracing: boolean;
}
