/** What processes held in the minutes before: samples of user space, taken seldom. Pure but for whom it asks. */
import type { MachineMemory } from './state.js';

const SECOND = 1e9;
/** Between samples; longer where one takes long, so that they take half a percent of one CPU at most. */
const EVERY_NS = 5 * SECOND;
const MOST_SHARE = 0.005;
/** Of a process: ten minutes and more. */
const MOST_SAMPLES = 120;
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
  /** Resident bytes by process. */
  residentMemory(): ReadonlyMap<number, number> | undefined;
  machineMemory(): MachineMemory;
}

interface Sample {
  readonly time: number;
  readonly rss: number;
}

export class History {
  readonly #processes = new Map<number, Sample[]>();
  readonly #machine: (MachineMemory & { readonly time: number })[] = [];
  #nextAt = -Infinity;

  constructor(private readonly sources: Sources) {}

  /** Takes a sample when it is time for one. Who has ended meanwhile stays for one more: its kill may not have been told yet. */
  tick(): void {
    const time = this.sources.now();
    if (time < this.#nextAt) return;
    const found = this.sources.residentMemory();
    if (!found) return;
    this.#machine.push({ time, ...this.sources.machineMemory() });
    this.#machine.splice(0, this.#machine.length - MOST_SAMPLES);
    const before = this.#machine.at(-2)?.time ?? time;
    for (const [pid, samples] of this.#processes) if (!found.has(pid) && (samples.at(-1)?.time ?? 0) < before) this.#processes.delete(pid);
    for (const [pid, rss] of found) {
      const samples = this.#processes.get(pid) ?? [];
      samples.push({ time, rss });
      if (samples.length > MOST_SAMPLES) samples.shift();
      this.#processes.set(pid, samples);
    }
    this.#nextAt = time + Math.max(EVERY_NS, (this.sources.now() - time) / MOST_SHARE);
  }

  /** The last look at the machine before a moment; null: there was none. */
  machineBefore(time: number): MachineBefore | null {
    const last = this.#machine.findLast((sample) => sample.time <= time);
    if (!last) return null;
    const { time: at, ...memory } = last;
    return { agoNs: time - at, ...memory };
  }

  /** Of a process that began then, the oldest first, thinned; the first and the last of them are always there. */
  of(pid: number, began: number, until: number): Held[] {
    const samples = this.#since(pid, began, until);
    const step = Math.max(1, (samples.length - 1) / (MOST_POINTS - 1));
    const points = new Set(Array.from({ length: MOST_POINTS }, (_, i) => Math.min(samples.length - 1, Math.round(i * step))));
    return samples.filter((_, i) => points.has(i)).map((sample) => heldAt(sample, until));
  }

  /** A minute before, or as long before as is known; null: not known. */
  minuteBefore(pid: number, began: number, until: number): Held | null {
    const samples = this.#since(pid, began, until);
    const found = samples.findLast(({ time }) => until - time >= MINUTE) ?? samples[0];
    return found ? heldAt(found, until) : null;
  }

  #since(pid: number, began: number, until: number): Sample[] {
    return (this.#processes.get(pid) ?? []).filter(({ time }) => time >= began && time <= until);
  }
}

const heldAt = ({ time, rss }: Sample, until: number): Held => ({ agoNs: until - time, rss });
