/** From events of the kernel to processes: joins what belongs together, whoever else has had the same id. */
import { ExecFlag, ExecKind, type ExecEvent } from '../../generated/exec.js';
import type { Processes } from '../contract.js';
import { errnoName } from '../errno.js';
import { endOf, imageOf, unknownImage } from './image.js';
import type { Ancestor, End, Image } from './model.js';
import { nameOf } from './names.js';

/** What has become known. */
export type News =
  | { readonly kind: 'exec'; readonly image: Image; readonly lost: number }
  | { readonly kind: 'failed'; readonly image: Image; readonly error: string; readonly lost: number }
  | { readonly kind: 'exit'; readonly image: Image; readonly end: End; readonly beforeTracing: boolean; readonly lost: number }
  /** The CPU time of an earlier end is whole now. */
  | { readonly kind: 'freed'; readonly image: Image; readonly moreCpuNs: number }
  /** It has become another program: one that follows, that is not traced, or of which nothing is known. */
  | { readonly kind: 'left'; readonly image: Image; readonly time: number };

interface Life {
  readonly image: Image;
  readonly beforeTracing: boolean;
  /** Waits for the kernel to free the process, which it does when the parent has taken note. */
  end?: End;
  /** When to look again whether it has not. */
  lookAt: number;
  readonly key: string;
  lost: number;
  told: boolean;
}

const REAPED_NS = 200e6; // after which it is worth a look whether the parent has taken note
const FREED_NS = 5e9; // the longest that a busy kernel may take to free a process; then its end is told as it is
const MOST_PARTS = 1000;
const MOST_NAMES = 10_000;
const FRESH_NS = 1e9;
const has = ({ flags }: ExecEvent, flag: number): boolean => (flags & flag) !== 0;

export class Lives {
  /** By process, and the last one of each id. */
  readonly #lives = new Map<string, Life>();
  readonly #byId = new Map<number, Life>();
  /** Those that wait for their freeing. */
  readonly #ending = new Set<Life>();
  /** Names of other processes, by id, for a while: ids and names are used again. */
  readonly #names = new Map<number, { readonly comm: string; readonly name: string; readonly at: number }>();
  /** Of texts whose event is to come. */
  readonly #parts = new Map<string, Uint8Array[]>();
  #lost = 0;

  constructor(private readonly processes: Processes) {}

  /** Programs that run, of those that were seen to begin. */
  get running(): readonly Image[] {
    return [...this.#lives.values()].filter(({ beforeTracing, end }) => !beforeTracing && !end).map(({ image }) => image);
  }

  *take(events: readonly ExecEvent[], last: boolean): Generator<News, void, undefined> {
    for (const event of events) yield* this.#takeOne(event);
    yield* this.#late(this.processes.now(), last);
  }

  *#takeOne(event: ExecEvent): Generator<News, void, undefined> {
    this.#lost += event.lost;
    const key = `${event.tgid}:${event.processBegan}`;
    switch (event.kind) {
      case ExecKind.EXEC_MORE: return this.#keepPart(event);
      case ExecKind.EXEC_STARTED: return yield* this.#started(key, event);
      case ExecKind.EXEC_FAILED: return yield { kind: 'failed', image: this.#image(event), error: errnoName(event.error), lost: this.#takeLost() };
      case ExecKind.EXEC_LEFT: return yield* this.#left(key, event);
      case ExecKind.EXEC_ENDED: return yield* this.#ended(key, event);
      case ExecKind.EXEC_FREED: return yield* this.#freed(key, event);
      default: return undefined;
    }
  }

  #takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  #keepPart(event: ExecEvent): void {
    const key = partsOf(event);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > MOST_PARTS && oldest !== undefined) this.#parts.delete(oldest); // its event was lost
    const parts = this.#parts.get(key) ?? [];
    parts[event.part] = event.text.slice(0, event.textBytes);
    this.#parts.set(key, parts);
  }

  *#started(key: string, event: ExecEvent): Generator<News, void, undefined> {
    const before = this.#lives.get(key);
    const image = this.#image(event);
    const life = { key, image, beforeTracing: false, lookAt: 0, lost: 0, told: false };
    this.#lives.set(key, life);
    this.#byId.set(event.tgid, life);
    if (before && !before.beforeTracing) yield { kind: 'left', image: before.image, time: event.time };
    yield { kind: 'exec', image, lost: this.#takeLost() };
  }

  *#left(key: string, event: ExecEvent): Generator<News, void, undefined> {
    const life = this.#lives.get(key);
    if (!life || life.end) return;
    this.#forget(key, life);
    if (!life.beforeTracing) yield { kind: 'left', image: life.image, time: event.time };
  }

  #forget(key: string, life: Life): void {
    this.#lives.delete(key);
    this.#ending.delete(life);
    if (this.#byId.get(life.image.pid) === life) this.#byId.delete(life.image.pid);
  }

  /** Twice, if two threads were the last at once: the first counts. */
  *#ended(key: string, event: ExecEvent): Generator<News, void, undefined> {
    const life = yield* this.#lifeOf(key, event);
    if (!life || life.end) return;
    this.#names.delete(event.tgid);
    life.end = endOf(event, life.beforeTracing ? event.processBegan : life.image.time);
    life.lookAt = life.end.time + REAPED_NS;
    life.lost = this.#takeLost();
    this.#ending.add(life);
  }

  /** That the end is of; undefined where its beginning was lost: then nothing is known that could be told. */
  *#lifeOf(key: string, event: ExecEvent): Generator<News, Life | undefined, undefined> {
    const known = this.#lives.get(key);
    if (known && (known.beforeTracing || known.image.time === event.began)) return known;
    if (known) {
      this.#forget(key, known);
      yield { kind: 'left', image: known.image, time: event.began };
    }
    if (!has(event, ExecFlag.EXEC_EARLIER)) return undefined;
    const life: Life = { key, image: unknownImage(event), beforeTracing: true, lookAt: 0, lost: 0, told: false };
    this.#lives.set(key, life);
    return life;
  }

  /** Says all that its end said, and comes alone if that was lost. */
  *#freed(key: string, event: ExecEvent): Generator<News, void, undefined> {
    yield* this.#ended(key, event);
    const life = this.#lives.get(key);
    if (!life) return;
    this.#forget(key, life);
    const { image, beforeTracing, end, told, lost } = life;
    if (!end) return;
    if (told) yield { kind: 'freed', image, moreCpuNs: event.cpu - end.cpuNs };
    else yield { kind: 'exit', image, end: { ...end, cpuNs: event.cpu, cpuIsWhole: true }, beforeTracing, lost };
  }

  /** Ends for which nobody waits, and with `all` the others, too. */
  *#late(now: number, all: boolean): Generator<News, void, undefined> {
    for (const life of this.#ending) {
      const { image, beforeTracing, end, lost } = life;
      if (!end || (life.lookAt > now && !all)) continue;
      life.lookAt = now + REAPED_NS;
      const isZombie = now - end.time >= REAPED_NS && this.processes.isZombie(image.pid);
      if (!isZombie && !all && now - end.time < FREED_NS) continue;
      life.told = true;
      this.#ending.delete(life);
      if (!isZombie) this.#forget(life.key, life);
      yield { kind: 'exit', image, end: { ...end, isZombie }, beforeTracing, lost };
    }
  }

  #image(event: ExecEvent): Image {
    const later = this.#parts.get(partsOf(event)) ?? [];
    this.#parts.delete(partsOf(event));
    return imageOf(event, later, this.#ancestors(event));
  }

  #ancestors({ ancestors }: ExecEvent): Ancestor[] {
    const end = ancestors.findIndex(({ tgid }) => tgid === 0);
    return ancestors.slice(0, end < 0 ? ancestors.length : end).map(({ tgid, comm }) => ({ pid: tgid, name: this.#nameOf(tgid, comm) }));
  }

  #nameOf(pid: number, comm: string): string {
    const life = this.#byId.get(pid);
    if (life) return nameOf(comm, life.image.argv);
    const known = this.#names.get(pid);
    const now = this.processes.now();
    if (known?.comm === comm && now - known.at < FRESH_NS) return known.name;
    if (this.#names.size > MOST_NAMES) this.#names.clear();
    const name = nameOf(comm, this.processes.commandLine(pid) ?? []);
    this.#names.set(pid, { comm, name, at: now });
    return name;
  }
}

const partsOf = ({ tgid, time }: ExecEvent): string => `${tgid}:${time}`;
