/** Who is who: thread ids of two pid namespaces to names. */
import type { KtraceThread } from '../../generated/futex.js';
import type { FutexSnapshot } from './model.js';

export interface Thread extends KtraceThread {
  readonly tid: number;
}

export interface Threads {
  byTid(tid: number): Thread | undefined;
  /** A thread by the id it has in its own pid namespace: within one process, or anywhere when `tgid` is 0 and no other has it. */
  byOwnTid(tgid: number, ownTid: number): Thread | undefined;
}

export function indexThreads({ threads, waits }: Pick<FutexSnapshot, 'threads' | 'waits'>): Threads {
  const byTid = new Map<number, Thread>();
  const own = new Map<string, Thread | undefined>();
  const put = (thread: Thread): void => {
    byTid.set(thread.tid, thread);
    own.set(`${thread.tgid} ${thread.ownTid}`, thread);
    const anywhere = `0 ${thread.ownTid}`;
    own.set(anywhere, own.has(anywhere) ? undefined : thread); // two pid namespaces: the id names neither
  };
  for (const [tid, thread] of threads) put({ ...thread, tid });
  for (const { tid, tgid, ownTid, comm } of waits) {
    if (!byTid.has(tid)) put({ tid, tgid, ownTid, comm, since: 0, exited: 0 });
  }
  return { byTid: (tid) => byTid.get(tid), byOwnTid: (tgid, ownTid) => own.get(`${tgid} ${ownTid}`) };
}

/** Σ over the threads of a process of the time they lived while traced, ns: what shares of waiting are measured against. */
export function threadTime({ threads, processes, takenAt }: FutexSnapshot, tgid: number): number {
  let total = processes.get(tgid)?.exitedThreadNs ?? 0;
  for (const thread of threads.values()) {
    if (thread.tgid === tgid && thread.exited === 0) total += Math.max(0, takenAt - thread.since);
  }
  return total;
}
