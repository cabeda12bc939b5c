/** Reading other processes through /proc: never stopping them, never writing, and taking nothing found there for granted. */
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { reverse } from 'node:dns/promises';
import { cgroupPaths } from '../source/cgroup.js';
import { KernelLog } from '../source/kmsg.js';
import { inInitialPidNamespace } from '../source/namespace.js';
import { parseMappings, type Mapping } from '../tools/mappings.js';
import type { KernelNews, Processes, SeenFile } from '../tools/contract.js';
import { cgroupState, machineMemory, residentMemory } from './memory.js';
import { socketsOf } from './sockets.js';

const MINOR_BITS = 20; // include/linux/kdev_t.h
const FRESH_NS = 1e9; // tables that take long to read are read once a second at most
const MOST_HOST_NAMES = 10_000;
const MOST_WORDS_BYTES = 64 << 10;
const MOST_MAPS_BYTES = 16 << 20; // a process with more mappings than that is not named in full

const STATE = 3; // proc(5): fields of /proc/PID/stat
const STARTTIME = 22;
const NS_OF_TICK = 1e7; // USER_HZ is 100

/** One session's view of /proc. */
export class Procfs implements Processes {
  readonly #denied = new Set<number>();
  /** By network namespace, with the time at which they were read. */
  readonly #sockets = new Map<string, { readonly at: number; readonly of: ReadonlyMap<number, string> }>();
  readonly #mounts = new Map<string, { readonly at: number; readonly of: ReadonlyMap<number, number> }>();
  /** By address; undefined while they are looked up, and where there are none. */
  readonly #names = new Map<string, string | undefined>();
  #wallAhead: number | undefined;
  /** null: it may not be read, or has other ids than ours. */
  #log: KernelLog | null | undefined;
  /** The last one that was asked for: many events have the same millisecond. */
  #wall = { ms: NaN, text: '' };
  #cgroups: { readonly at: number; readonly paths: ReadonlyMap<bigint, string> } | undefined;

  mappings(pid: number): readonly Mapping[] | undefined {
    try {
      const text = readFileSync(`/proc/${pid}/maps`, 'utf8');
      return parseMappings(text.length > MOST_MAPS_BYTES ? text.slice(0, MOST_MAPS_BYTES) : text);
    } catch (error) {
      this.#note(pid, error);
      return undefined; // gone, or not ours to read: places are then addresses
    }
  }

  /** pread(2) on /proc/PID/mem: needs CAP_SYS_PTRACE, does not stop the process (proc(5)). */
  memory(pid: number, address: bigint, length: number): Uint8Array | null {
    const bytes = new Uint8Array(length);
    let file: number | undefined;
    try {
      file = openSync(`/proc/${pid}/mem`, 'r');
      return readSync(file, bytes, 0, length, address) === length ? bytes : null;
    } catch (error) {
      this.#note(pid, error);
      return null; // unmapped, gone, or not ours to read
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  descriptor(pid: number, fd: number, seen?: SeenFile): string | undefined {
    const path = `/proc/${pid}/fd/${fd}`;
    try {
      const link = readlinkSync(path);
      if (seen && !this.#isStill(pid, fd, seen)) return undefined;
      const [, socket] = /^socket:\[(\d+)\]$/.exec(link) ?? [];
      return socket === undefined ? link : (this.#socketsOf(pid).get(Number(socket)) ?? link);
    } catch {
      return undefined; // closed, gone, or not ours to read: then it is a number
    }
  }

  /** By its inode and its device; pipes, sockets and what else has no mount that can be seen have devices without a major number. */
  #isStill(pid: number, fd: number, { inode, device }: SeenFile): boolean {
    const now = fileOf(pid, fd);
    if (now?.inode !== inode) return false;
    const mounted = this.#mountsOf(pid).get(now.mount);
    return mounted === undefined ? device >> MINOR_BITS === 0 : mounted === device;
  }

  /** Numbers of devices by mount, of the mount namespace that a process is in. */
  #mountsOf(pid: number): ReadonlyMap<number, number> {
    const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
    const known = this.#mounts.get(namespace);
    if (known && this.now() - known.at < FRESH_NS) return known.of;
    for (const [other, { at }] of this.#mounts) if (this.now() - at > FRESH_NS) this.#mounts.delete(other);
    const of = new Map([...readFileSync(`/proc/${pid}/mountinfo`, 'utf8').matchAll(/^(\d+) \d+ (\d+):(\d+) /gm)].map(([, id, major, minor]) => [Number(id), Number(major) * 2 ** MINOR_BITS + Number(minor)]));
    this.#mounts.set(namespace, { at: this.now(), of });
    return of;
  }

  #socketsOf(pid: number): ReadonlyMap<number, string> {
    const namespace = readlinkSync(`/proc/${pid}/ns/net`);
    const known = this.#sockets.get(namespace);
    if (known && this.now() - known.at < FRESH_NS) return known.of;
    for (const [other, { at }] of this.#sockets) if (this.now() - at > FRESH_NS) this.#sockets.delete(other);
    const of = socketsOf(pid);
    this.#sockets.set(namespace, { at: this.now(), of });
    return of;
  }

  cgroup(id: bigint): string | undefined {
    if (!this.#cgroups || this.now() - this.#cgroups.at > FRESH_NS) this.#cgroups = { at: this.now(), paths: cgroupPaths() };
    return this.#cgroups.paths.get(id);
  }

  commandLine(pid: number): readonly string[] | undefined {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').slice(0, MOST_WORDS_BYTES).split('\0').slice(0, -1);
    } catch {
      return undefined; // gone
    }
  }

  hostName(address: string): string | undefined {
    const known = this.#names.get(address);
    if (known !== undefined || this.#names.has(address) || this.#names.size >= MOST_HOST_NAMES) return known;
    this.#names.set(address, undefined);
    reverse(address).then(([name]) => this.#names.set(address, name), () => undefined); // it has none
    return undefined;
  }

  isZombie(pid: number): boolean {
    return statField(pid, STATE) === 'Z';
  }

  began(pid: number): number | undefined {
    const ticks = statField(pid, STARTTIME);
    return ticks === undefined ? undefined : (Number(ticks) + 1) * NS_OF_TICK;
  }

  #note(pid: number, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EACCES' || code === 'EPERM') this.#denied.add(pid);
  }

  denied(): readonly number[] {
    return [...this.#denied];
  }

  now(): number {
    return Number(process.hrtime.bigint());
  }

  kernelLog(): KernelNews | undefined {
    try {
      this.#log ??= this.#log === null ? null : inInitialPidNamespace() ? new KernelLog({ from: 'end' }) : null;
      return this.#log ? { records: this.#log.read(), lost: this.#log.lost } : undefined;
    } catch {
      this.#log = null;
      return undefined; // not there, or not ours to read: the report says what is missing
    }
  }

  readonly residentMemory = residentMemory;
  readonly machineMemory = machineMemory;
  readonly cgroupState = cgroupState;

  /** Nothing is open any more. */
  close(): void {
    this.#log?.close();
    this.#log = null;
  }

  wallTime(ns: number): string {
    this.#wallAhead ??= Date.now() - this.now() / 1e6; // once: a clock that is set meanwhile does not part beginnings and ends
    const ms = Math.floor(this.#wallAhead + ns / 1e6);
    if (ms !== this.#wall.ms) this.#wall = { ms, text: new Date(ms).toISOString() };
    return this.#wall.text;
  }
}

/** Without asking the file's own filesystem, which may hang; the inode is told since Linux 5.14 (proc(5)). */
function fileOf(pid: number, fd: number): { readonly inode: bigint; readonly mount: number } | undefined {
  const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
  const [, inode] = /^ino:\s*(\d+)$/m.exec(text) ?? [];
  const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(text) ?? [];
  return inode === undefined ? undefined : { inode: BigInt(inode), mount: Number(mount) };
}

/** A field of /proc/PID/stat, from the third on; undefined: it is gone. The second one is the name, which may hold anything. */
function statField(pid: number, number: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[number - STATE];
  } catch {
    return undefined;
  }
}
