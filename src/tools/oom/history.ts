/** What processes held in the minutes before: samples of user space, taken seldom. Pure but for whom it asks. */
import type { MachineMemory } from './state.js';

const SECOND = 1e9;
/** Between samples; longer where one takes long, so that they take half a percent of one CPU at most. */
const EVERY_NS = 5 * SECOND;
const MOST_SHARE = 0.005;
const KEPT_NS = 600 * SECOND;
/** What a process holds while it starts says little. */
const START_NS = 10 * SECOND;
/** Points of a victim that are told. */
const MOST_POINTS = 8;
const MINUTE = 60 * SECOND;

/** Resident memory at some moment before the kill. */
export interface Held {
  readonly agoNs: number;
  /** Bytes. */
  readonly rss: number;
}

/** The machine at some moment before the kill. */
export type MachineBefore = MachineMemory & { readonly agoNs: number };

export interface Sources {
  /** CLOCK_MONOTONIC, ns. */
  now(): number;
  /** Resident bytes by process; undefined: they cannot be read now. */
  residentMemory(): ReadonlyMap<number, number> | undefined;
  machineMemory(): MachineMemory;
}

interface Round {
  readonly time: number;
  readonly machine: MachineMemory;
}

/** Of a process, one number for each round from `first` on: there may be thousands of processes. */
interface Series {
  first: number;
  readonly rss: number[];
}

export class History {
  readonly #series = new Map<number, Series>();
  /** Those that are kept; the first one is number `#forgotten`. */
  readonly #rounds: Round[] = [];
  #forgotten = 0;
  #nextAt = -Infinity;

  constructor(private readonly sources: Sources) {}

  /** Takes a sample when it is time for one. Who has ended stays for one more: its kill may not have been told yet. */
  tick(): void {
    const time = this.sources.now();
    if (time < this.#nextAt) return;
    const found = this.sources.residentMemory();
    if (!found) return;
    this.#rounds.push({ time, machine: this.sources.machineMemory() });
    while (time - (this.#rounds[0] as Round).time > KEPT_NS) {
      this.#rounds.shift();
      this.#forgotten++;
    }
    const round = this.#forgotten + this.#rounds.length - 1;
    for (const [pid, series] of this.#series) if (!found.has(pid) && lastOf(series) < round - 1) this.#series.delete(pid);
    for (const [pid, rss] of found) this.#add(pid, round, rss);
    this.#nextAt = time + Math.max(EVERY_NS, (this.sources.now() - time) / MOST_SHARE);
  }

  #add(pid: number, round: number, rss: number): void {
    let series = this.#series.get(pid);
    if (!series || lastOf(series) !== round - 1) this.#series.set(pid, (series = { first: round, rss: [] }));
    series.rss.push(rss);
    const old = Math.max(0, this.#forgotten - series.first);
    series.rss.splice(0, old);
    series.first += old;
  }

  /** The last look at the machine before a moment; null: there was none. */
  machineBefore(time: number): MachineBefore | null {
    const last = this.#rounds.findLast((round) => round.time <= time);
    return last ? { agoNs: time - last.time, ...last.machine } : null;
  }

  /** Of a process that began then, without its first seconds, the oldest first, thinned; the first and the last of them are always there. */
  of(pid: number, began: number, until: number): Held[] {
    const samples = this.#since(pid, began + START_NS, until);
    const step = Math.max(1, (samples.length - 1) / (MOST_POINTS - 1));
    const points = new Set(Array.from({ length: MOST_POINTS }, (_, i) => Math.min(samples.length - 1, Math.round(i * step))));
    return samples.filter((_, i) => points.has(i));
  }

  /** A minute before, or as long before as is known; null: not known. */
  minuteBefore(pid: number, began: number, until: number): Held | null {
    const samples = this.#since(pid, began, until);
    return samples.findLast(({ agoNs }) => agoNs >= MINUTE) ?? samples[0] ?? null;
  }

  #since(pid: number, began: number, until: number): Held[] {
    const { first = 0, rss = [] } = this.#series.get(pid) ?? {};
    return rss.flatMap((bytes, i) => {
      const time = this.#rounds[first + i - this.#forgotten]?.time ?? Infinity;
      return time >= began && time <= until ? [{ agoNs: until - time, rss: bytes }] : [];
    });
  }
}

const lastOf = ({ first, rss }: Series): number => first + rss.length - 1;
