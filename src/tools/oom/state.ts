/** What the files of the machine and of a cgroup tell of its memory, from their texts. Pure. */
import type { CgroupFile } from './now.js';

const KIB = 1024;

/** Share of the time in which some threads, or all of them, stood still for want of memory, in percent: Documentation/accounting/psi.rst. */
export interface Pressure {
  readonly some10: number;
  readonly some60: number;
  readonly full10: number;
  readonly full60: number;
}

/** Bytes, all of them; null: not told. */
export interface MachineMemory {
  /** MemAvailable: what could be had without swapping. */
  readonly available: number | null;
  readonly swapFree: number | null;
  readonly swapTotal: number | null;
  /** Committed_AS: what processes were promised. */
  readonly promised: number | null;
  /** RAM. */
  readonly total: number | null;
  /** vm.overcommit_memory: 0 heuristic, 1 always, 2 never. */
  readonly overcommit: number | null;
  readonly pressure: Pressure | null;
}

export interface CgroupState {
  /** memory.high, bytes; null: none, or cgroup v1. */
  readonly high: number | null;
  /** Times, since the cgroup was made: its limit was hit, memory.high was hit (its own: memory.events.local, from Linux 5.2 on); processes were killed, of cgroup v2 in it or below it. null: not told, as the hits of v1, which does not count all (memory.failcnt stays 0 where memory and swap have one limit). */
  readonly maxHits: number | null;
  readonly highHits: number | null;
  readonly killed: number | null;
  /** Whether those killed in cgroups below it count. */
  readonly killedBelow: boolean;
  /** Of cgroup v2. */
  readonly pressure: Pressure | null;
}

export function machineMemoryOf({ meminfo, pressure, overcommit }: { readonly meminfo: string; readonly pressure: string | undefined; readonly overcommit: string | undefined }): MachineMemory {
  const bytes = (key: string): number | null => {
    const kib = new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(meminfo)?.[1];
    return kib === undefined ? null : Number(kib) * KIB;
  };
  return { available: bytes('MemAvailable'), swapFree: bytes('SwapFree'), swapTotal: bytes('SwapTotal'), promised: bytes('Committed_AS'), total: bytes('MemTotal'), overcommit: numberOf(overcommit), pressure: pressureOf(pressure) };
}

/** undefined: it is not there any more. */
export function cgroupStateOf(version: 1 | 2, file: CgroupFile): CgroupState | undefined {
  const events = file(version === 2 ? 'memory.events' : 'memory.oom_control');
  if (events === undefined) return undefined;
  const countIn = (text: string | undefined, key: string): number | null => numberOf(new RegExp(`^${key} (\\d+)$`, 'm').exec(text ?? '')?.[1]);
  const own = (key: string): number | null => countIn(file('memory.events.local'), key);
  const killed = countIn(events, 'oom_kill');
  if (version === 1) return { high: null, maxHits: null, highHits: null, killed, killedBelow: false, pressure: null };
  return { high: numberOf(file('memory.high')), maxHits: own('max'), highHits: own('high'), killed, killedBelow: true, pressure: pressureOf(file('memory.pressure')) };
}

/** null: it is none, such as `max`. */
const numberOf = (text: string | undefined): number | null => (text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : null);

function pressureOf(text: string | undefined): Pressure | null {
  const share = (kind: string, seconds: number): number => Number(new RegExp(`^${kind} .*avg${seconds}=([\\d.]+)`, 'm').exec(text ?? '')?.[1] ?? NaN);
  const found = { some10: share('some', 10), some60: share('some', 60), full10: share('full', 10), full60: share('full', 60) };
  return Object.values(found).some(Number.isNaN) ? null : found;
}
