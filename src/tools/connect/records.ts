/** Events of the kernel as the library and ndjson give them, and as lines. */
import { ConnectCloser, ConnectKind, type ConnectEvent } from '../../generated/connect.js';
import { formatDuration, formatSize } from '../../render/format.js';
import { containerOf } from '../container.js';
import { errnoName } from '../errno.js';
import type { CloseRecord, ConnectEventRecord, ConnectRecord, Outcome } from './model.js';
import { addressText, endpointText } from './nets.js';

const OUTCOMES: Readonly<Record<string, Outcome>> = { ECONNREFUSED: 'refused', ETIMEDOUT: 'timedOut', EHOSTUNREACH: 'unreachable', ENETUNREACH: 'unreachable', EHOSTDOWN: 'unreachable', ENONET: 'unreachable' };

export function outcomeOf(kind: number, error: number): Outcome {
  if (kind === ConnectKind.CONNECT_ESTABLISHED) return 'connected';
  if (kind === ConnectKind.CONNECT_UNSENT) return 'unsent';
  return kind === ConnectKind.CONNECT_GAVE_UP ? 'gaveUp' : (OUTCOMES[errnoName(error)] ?? 'failed');
}

const CLOSERS: Readonly<Record<number, CloseRecord['closedBy']>> = { [ConnectCloser.CLOSER_LOCAL]: 'local', [ConnectCloser.CLOSER_REMOTE]: 'remote', [ConnectCloser.CLOSER_REMOTE_RESET]: 'remote' };
const RESETS: readonly (string | null)[] = ['ECONNRESET', 'EPIPE']; // EPIPE: the peer had closed it before (tcp_reset)

/**
 * After our FIN the kernel says ECONNRESET also when data arrives that nobody will read, for which it sends a reset (tcp_rcv_state_process). A
 * connection that ends without an error and without a FIN ends by a reset of ours (tcp_disconnect, tcp_close).
 */
function resetOf(closer: number, error: string | null): CloseRecord['reset'] {
  if (RESETS.includes(error)) return closer === ConnectCloser.CLOSER_LOCAL ? 'either' : 'remote';
  return closer === ConnectCloser.CLOSER_REMOTE_RESET || (closer === ConnectCloser.CLOSER_UNKNOWN && error === null) ? 'local' : null;
}

/** What a record needs of the world. */
export interface Around {
  wallTime(ns: number): string;
  /** Path of a cgroup. */
  cgroup(id: bigint, name: string): string;
  hostName(address: string): string | null;
}

export function recordOf(event: ConnectEvent, around: Around): ConnectEventRecord {
  const { time, owner, remote, local, retransmits, error, took, lost } = event;
  const cgroup = around.cgroup(owner.cgroup, owner.cgroupName);
  const address = addressText(remote.address, remote.family);
  const common = {
    time,
    at: around.wallTime(time),
    pid: owner.tgid,
    tid: owner.tid,
    uid: owner.uid,
    thread: owner.comm,
    process: owner.process,
    cgroup,
    container: containerOf(cgroup) ?? null,
    address,
    port: remote.port,
    name: around.hostName(address),
    localAddress: addressText(local.address, local.family),
    localPort: local.port,
    retransmits,
    error: error === 0 ? null : errnoName(error),
    lostBefore: lost,
  };
  if (event.kind !== ConnectKind.CONNECT_CLOSED) return { type: 'connect', ...common, outcome: outcomeOf(event.kind, error), tookNs: took, syns: event.unsent !== 0 ? 0 : 1 + retransmits, beforeTracing: event.earlier !== 0 };
  const closedBy = CLOSERS[event.closer] ?? 'unknown';
  return { type: 'close', ...common, closedBy, reset: resetOf(event.closer, common.error), durationNs: took, sentBytes: event.sent, receivedBytes: event.received, rttNs: event.rtt === 0 ? null : event.rtt };
}

const synsText = ({ syns }: ConnectRecord): string => (syns === 0 ? 'before the first SYN' : `${syns} SYN${syns === 1 ? '' : 's'}`);

/** `connected in 12.3ms`, `refused`, `timed out after 3 SYNs` … */
export function outcomeText(record: ConnectRecord): string {
  const { outcome, tookNs, error, retransmits, beforeTracing } = record;
  const took = `${beforeTracing ? 'more than ' : ''}${formatDuration(tookNs)}`;
  const again = retransmits > 0 ? `, ${synsText(record)}` : '';
  switch (outcome) {
    case 'connected': return `connected in ${took}${again}`;
    case 'refused': return `refused after ${took}${again}`;
    case 'timedOut': return `timed out after ${synsText(record)}, ${took}`;
    case 'unreachable': return `unreachable (${error ?? ''}) after ${took}${again}`;
    case 'gaveUp': return `gave up after ${took}, ${synsText(record)}${error === null ? '' : `, one answered by ${error}`}`;
    case 'unsent': return `failed before the first packet${error === null ? '' : `: ${error}`}`;
    case 'failed': return `failed after ${took}: ${error ?? ''}${again}`;
  }
}

/** `closed by the peer`, `closed by us, then reset by the peer`, `broken (ETIMEDOUT)` … */
export function endOf({ closedBy, reset, error }: Pick<CloseRecord, 'closedBy' | 'reset' | 'error'>): string {
  const by = { local: ' by us', remote: ' by the peer', either: '' };
  if (closedBy === 'unknown') return reset === null ? `broken (${error ?? ''})` : `reset${by[reset]}`;
  return `closed${by[closedBy]}${reset !== null ? `, then reset${by[reset]}` : error === null ? '' : `, then ${error}`}`;
}

/** `closed by the peer after 2.30s, sent 1.2 KiB, received 3 KiB, RTT 1.1ms` */
function closeText(record: CloseRecord): string {
  const { durationNs, sentBytes, receivedBytes, rttNs, retransmits } = record;
  const again = retransmits === 0 ? '' : `, ${retransmits} retransmit${retransmits === 1 ? '' : 's'}`;
  return `${endOf(record)} after ${formatDuration(durationNs)}, sent ${formatSize(sentBytes)}, received ${formatSize(receivedBytes)}${rttNs === null ? '' : `, RTT ${formatDuration(rttNs)}`}${again}`;
}

const SHORT_ID = 12;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::', 'unknown'];

/** Texts of processes in it are hostile. */
export function lineOf(record: ConnectEventRecord): string {
  const { at, pid, tid, thread, localAddress, localPort, name, container } = record;
  const clock = at.slice(at.indexOf('T') + 1, -1);
  const who = tid === pid ? `${thread} ${pid}` : `${thread} ${pid}/${tid}`;
  const from = localPort === 0 || WILDCARDS.includes(localAddress) ? '' : `  [from ${endpointText({ address: localAddress, port: localPort })}${container === null ? '' : `, container ${container.slice(0, SHORT_ID)}`}]`;
  const to = `${endpointText(record)}${name === null ? '' : ` (${name})`}`;
  return `${clock}  ${who}  ${to}  ${record.type === 'connect' ? outcomeText(record) : closeText(record)}${from}`;
}

