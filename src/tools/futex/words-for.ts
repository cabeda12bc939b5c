/** Small phrases of the futex report. */
import { formatDuration, formatValue } from '../../render/format.js';
import type { InFlight, Lock } from './locks.js';
import type { FutexSnapshot } from './model.js';

export const age = (ns: number): string => formatDuration(ns);

/** Who holds a lock now, by one of its waiters. */
export function holderWords(inFlight: readonly InFlight[]): string {
  const { holder, holderOwnTid = 0 } = inFlight.find((wait) => wait.holder) ?? inFlight.find((wait) => wait.holderOwnTid !== 0) ?? {};
  if (holder) return `${holder.comm} (${holder.tid})`;
  return holderOwnTid === 0 ? '' : `thread ${holderOwnTid}, not traced`;
}

export const percent = (ratio: number): string => formatValue(ratio, 'ratio').replace('.0 %', ' %');

/** The lock's place, with the process where several are traced. */
export function place(lock: Lock, several: boolean): string {
  if (!several) return lock.place;
  const pids = [...lock.tgids].sort((a, b) => a - b);
  return pids.length > 3 ? `${lock.place} in ${pids.length} processes` : `${lock.place} [${pids.join(' ')}]`;
}

/** Name of a process: that of its first thread, as far as anybody saw it. */
export function listed({ threads }: FutexSnapshot, tgid: number): string {
  const leader = threads.get(tgid);
  if (leader) return leader.comm;
  for (const thread of threads.values()) if (thread.tgid === tgid) return thread.comm;
  return '';
}
