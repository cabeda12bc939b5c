/** Calls that never slept are counted in their thread's state until the thread does something else; here they join the rows of their locks. */
import { FutexOutcome, type FutexKey, type FutexLock } from '../../generated/futex.js';
import { SLOTS, type CallCount, type FutexSnapshot, type Wait } from './model.js';

type Rows = FutexSnapshot['locks'];

export function withPending(rows: Rows, waits: readonly Wait[]): Rows {
  const pending = waits.filter(({ state }) => state.pending > 0);
  if (pending.length === 0) return rows;
  const merged = new Map(rows.map((row) => [text(row.key), row]));
  for (const wait of pending) {
    const { pendingKey: key, pending: count } = wait.state;
    const row = merged.get(text(key)) ?? { key, value: emptyRow(wait) };
    const outcomes = row.value.outcomes.map((n, outcome) => (outcome === FutexOutcome.FUTEX_NEVER_SLEPT ? n + count : n));
    merged.set(text(key), { key, value: { ...row.value, outcomes } });
  }
  return [...merged.values()];
}

/** The same for the counts by operation; index as in the BPF map. */
export function callsWithPending(calls: readonly CallCount[], waits: readonly Wait[]): CallCount[] {
  const merged = [...calls];
  for (const { state } of waits) {
    const index = state.pendingCall.op * SLOTS + FutexOutcome.FUTEX_NEVER_SLEPT;
    const { calls: before = 0, threads = 0 } = merged[index] ?? {};
    if (state.pending > 0) merged[index] = { calls: before + state.pending, threads };
  }
  return merged;
}

const text = ({ scope, tgid, execId, space, dev, address }: FutexKey): string => `${scope} ${tgid} ${execId} ${space} ${dev} ${address}`;

function emptyRow({ now, tgid, state }: Wait): FutexLock {
  return {
    firstSeen: now,
    lastSeen: now,
    acquisitions: 0,
    sleeps: 0,
    outcomes: [0, 0, 0, 0, 0],
    totalNs: 0,
    waiting: 0,
    wakeCalls: 0,
    wokenThreads: 0,
    moved: 0,
    movedTo: 0n,
    call: state.pendingCall,
    tgid,
    evidenceFrom: 0,
    evidenceSize: 0,
    preexisting: 0,
    evidence: new Uint8Array(0),
    histogram: [],
  };
}
