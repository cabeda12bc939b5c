/** One wait that ended, as the library and ndjson give it. */
import { FutexOutcome, type FutexEvent } from '../../generated/futex.js';
import type { ToolEvent } from '../contract.js';
import { OP_NAMES } from './accounting.js';

export interface FutexEventRecord extends ToolEvent {
  readonly type: 'wait';
  /** CLOCK_MONOTONIC at its end, ns. */
  readonly end: number;
  readonly pid: number;
  readonly tid: number;
  /** Name of the waiting thread; hostile. */
  readonly thread: string;
  readonly lock: string;
  readonly address: bigint;
  readonly operation: string;
  readonly outcome: 'woken' | 'timedOut' | 'neverSlept' | 'interrupted' | 'failed';
  /** From the beginning of the acquisition, ns; and of this sleep alone. */
  readonly waitNs: number;
  readonly sleepNs: number;
  /** Thread id where this kind of lock keeps its owner, in the target's pid namespace; 0: none. Not checked, unlike in reports. */
  readonly holder: number;
  /** Who ended the wait; 0 when nobody did. */
  readonly wakerTid: number;
  readonly waker: string;
}

const OUTCOMES = ['woken', 'timedOut', 'neverSlept', 'interrupted', 'failed'] as const;

export function recordOf(event: FutexEvent, place: string): FutexEventRecord {
  const woken = event.outcome === FutexOutcome.FUTEX_WOKEN && event.wakerTid !== 0;
  return {
    type: 'wait',
    end: event.end,
    pid: event.tgid,
    tid: event.tid,
    thread: event.comm,
    lock: place,
    address: event.uaddr,
    operation: OP_NAMES[event.op] ?? 'other',
    outcome: OUTCOMES[event.outcome] ?? 'failed',
    waitNs: event.waitNs,
    sleepNs: event.sleepNs,
    holder: event.holder,
    wakerTid: woken ? event.wakerTid : 0,
    waker: woken ? event.wakerComm : '',
    lostBefore: event.lost,
  };
}
