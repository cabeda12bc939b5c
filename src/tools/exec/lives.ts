/** From events of the kernel to processes: joins what belongs together, whoever else has had the same id. */
import { ExecFlag, ExecKind, type ExecEvent } from '../../generated/exec.js';
import type { Processes } from '../contract.js';
import { containerOf, podOf } from '../container.js';
import { errnoName } from '../errno.js';
import { signalName } from '../signals.js';
import type { Ancestor, End, Image } from './model.js';
import { nameOf } from './names.js';
import { absolute, joinParts, readText } from './text.js';

/** What has become known. */
export type News =
  | { readonly kind: 'exec'; readonly image: Image; readonly lost: number; readonly replaced: Image | undefined }
  | { readonly kind: 'failed'; readonly image: Image; readonly error: string; readonly lost: number }
  | { readonly kind: 'exit'; readonly image: Image; readonly end: End; readonly beforeTracing: boolean; readonly lost: number }
  /** The CPU time of an earlier end is whole now. */
  | { readonly kind: 'freed'; readonly image: Image; readonly moreCpuNs: number };

interface Life {
  readonly image: Image;
  readonly beforeTracing: boolean;
  /** Waits for the kernel to free the process, which it does when the parent has taken note. */
  end?: End;
  /** When to look again whether it has not. */
  lookAt: number;
  lost: number;
  told: boolean;
}

const REAPED_NS = 200e6; // after which it is worth a look whether the parent has taken note
const FREED_NS = 5e9; // the longest that a busy kernel may take to free a process; then its end is told as it is
const MOST_PARTS = 10_000;
const MOST_NAMES = 10_000;
const FDCWD = -100;
const has = ({ flags }: ExecEvent, flag: number): boolean => (flags & flag) !== 0;

export class Lives {
  /** By process, and the last one of each id. */
  readonly #lives = new Map<string, Life>();
  readonly #byId = new Map<number, Life>();
  /** Those that wait for their freeing. */
  readonly #ending = new Set<Life>();
  /** Names of other processes, by id: what they are called may change, but not how they are named by the kernel. */
  readonly #names = new Map<number, { readonly comm: string; readonly name: string }>();
  /** Of texts whose event is to come. */
  #parts = new Map<string, Uint8Array[]>();
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
      case ExecKind.EXEC_ENDED: return void this.#ended(key, event);
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
    if (this.#parts.size > MOST_PARTS) this.#parts = new Map(); // their events were lost
    const parts = this.#parts.get(key) ?? [];
    parts[event.part] = event.text.slice(0, event.textBytes);
    this.#parts.set(key, parts);
  }

  *#started(key: string, event: ExecEvent): Generator<News, void, undefined> {
    const before = this.#lives.get(key);
    const image = this.#image(event);
    const life = { image, beforeTracing: false, lookAt: 0, lost: 0, told: false };
    this.#lives.set(key, life);
    this.#byId.set(event.tgid, life);
    yield { kind: 'exec', image, lost: this.#takeLost(), replaced: before && !before.beforeTracing ? before.image : undefined };
  }

  /** Twice, if two threads were the last at once: the first counts. */
  #ended(key: string, event: ExecEvent): Life {
    const life: Life = this.#lives.get(key) ?? { image: unknownImage(event), beforeTracing: true, lookAt: 0, lost: 0, told: false };
    if (life.end) return life;
    this.#lives.set(key, life);
    this.#names.delete(event.tgid);
    life.end = endOf(event, life.beforeTracing ? event.processBegan : life.image.time);
    life.lookAt = life.end.time + REAPED_NS;
    life.lost = this.#takeLost();
    this.#ending.add(life);
    return life;
  }

  /** Says all that its end said, and comes alone if that was lost. */
  *#freed(key: string, event: ExecEvent): Generator<News, void, undefined> {
    const life = this.#ended(key, event);
    const { image, beforeTracing, end, told, lost } = life;
    this.#ending.delete(life);
    if (this.#byId.get(event.tgid)?.image === image) this.#byId.delete(event.tgid);
    this.#lives.delete(key);
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
      yield { kind: 'exit', image, end: { ...end, isZombie }, beforeTracing, lost };
    }
  }

  #image(event: ExecEvent): Image {
    const later = this.#parts.get(partsOf(event)) ?? [];
    this.#parts.delete(partsOf(event));
    const { bytes, missing } = joinParts([event.text.slice(0, event.textBytes), ...Array.from({ length: Math.max(0, later.length - 1) }, (_, i) => later[i + 1])], event.textWhole);
    const { path, interpreter, directory, file, cgroup, argv, cutWithin } = readText(bytes, { deep: has(event, ExecFlag.EXEC_DEEP) });
    const given = path === '' && event.dirfd !== FDCWD ? `/dev/fd/${event.dirfd}` : path;
    return {
      pid: event.tgid,
      tid: event.tid,
      time: event.time,
      uid: event.uid,
      euid: event.euid,
      comm: event.comm,
      program: event.kind === ExecKind.EXEC_STARTED && interpreter === '' && /^\/dev\/fd\/\d+/.test(path) ? file : absolute(given, directory),
      path: given,
      file: event.kind === ExecKind.EXEC_FAILED ? null : file,
      interpreter: interpreter === '' ? null : interpreter,
      directory,
      argv,
      argvCut: missing || cutWithin || has(event, ExecFlag.EXEC_CUT),
      argvUnread: has(event, ExecFlag.EXEC_UNREAD),
      cgroup,
      container: containerOf(cgroup) ?? null,
      pod: podOf(cgroup) ?? null,
      deleted: event.kind === ExecKind.EXEC_STARTED && has(event, ExecFlag.EXEC_DELETED),
      ancestors: this.#ancestors(event),
    };
  }

  #ancestors({ ancestors }: ExecEvent): Ancestor[] {
    const end = ancestors.findIndex(({ tgid }) => tgid === 0);
    return ancestors.slice(0, end < 0 ? ancestors.length : end).map(({ tgid, comm }) => ({ pid: tgid, name: this.#nameOf(tgid, comm) }));
  }

  #nameOf(pid: number, comm: string): string {
    const life = this.#byId.get(pid);
    if (life) return nameOf(comm, life.image.argv);
    const known = this.#names.get(pid);
    if (known?.comm === comm) return known.name;
    if (this.#names.size > MOST_NAMES) this.#names.clear();
    const name = nameOf(comm, this.processes.commandLine(pid) ?? []);
    this.#names.set(pid, { comm, name });
    return name;
  }
}

const partsOf = ({ tgid, time }: ExecEvent): string => `${tgid}:${time}`;

/** Of a process that had begun before tracing. */
function unknownImage({ tgid, processBegan, comm }: ExecEvent): Image {
  return { pid: tgid, tid: tgid, time: processBegan, uid: -1, euid: -1, comm, program: comm, path: '', file: null, interpreter: null, directory: '', argv: [], argvCut: false, argvUnread: false, cgroup: '', container: null, pod: null, deleted: false, ancestors: [] };
}

const CORE = 0x80;
const SIGKILL = 9;

/** `status` as wait(2) has it. */
function endOf(event: ExecEvent, since: number): End {
  const signal = event.status & 0x7f;
  return {
    time: event.time,
    code: signal === 0 ? (event.status >> 8) & 0xff : null,
    signal: signal === 0 ? null : signalName(signal),
    dumped: (event.status & CORE) !== 0,
    oom: has(event, ExecFlag.EXEC_OOM) && signal === SIGKILL,
    lifetimeNs: Math.max(0, event.time - since),
    cpuNs: event.cpu,
    cpuIsWhole: false,
    isZombie: false,
    peakBytes: event.peak,
  };
}
