/** Cgroups of the memory controller, of version 1 or 2, by path or container id. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KtraceError } from '../errors.js';
import { directoriesBelow, findBelow } from './cgroup.js';
import { textOf } from './doctor/text.js';

const MOST_PROCESSES = 100_000;

export interface MemoryMount {
  readonly path: string;
  readonly version: 1 | 2;
}

export interface MemoryCgroup {
  readonly mount: MemoryMount;
  /** Below the mount; `/` for its root. Hostile. */
  readonly path: string;
}

/** From the text of /proc/self/mounts; version 2 where that has the controller. undefined: nobody has it. */
export function memoryMountIn(mounts: string, controllers: (path: string) => string | undefined = (path) => textOf(join(path, 'cgroup.controllers'))): MemoryMount | undefined {
  for (const line of mounts.split('\n')) {
    const [, escaped = '', type, options = ''] = line.split(' ');
    const path = escaped.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
    if (type === 'cgroup' && options.split(',').includes('memory')) return { path, version: 1 };
    if (type === 'cgroup2' && controllers(path)?.split(' ').includes('memory')) return { path, version: 2 };
  }
  return undefined;
}

export const memoryMount = (): MemoryMount | undefined => memoryMountIn(readFileSync('/proc/self/mounts', 'utf8'));

/** Throws KtraceError when there is no such cgroup, or no memory controller. */
export function findMemoryCgroup(text: string): MemoryCgroup {
  const mount = memoryMount();
  if (!mount) throw new KtraceError('No cgroups with the memory controller are mounted here', 'CGROUP', 'mount them: `mount -t cgroup2 none /sys/fs/cgroup`');
  const found = findBelow(mount.path, text, `mount of the memory controller (${mount.path})`);
  return { mount, path: found.slice(mount.path.length) || '/' };
}

const directoryOf = ({ mount, path }: MemoryCgroup): string => join(mount.path, path);

/** undefined: there is no such file, or the cgroup is gone. */
export const cgroupFile = (cgroup: MemoryCgroup, name: string): string | undefined => textOf(join(directoryOf(cgroup), name));

/** From the one above it to the root. */
export function cgroupsAbove({ mount, path }: MemoryCgroup): MemoryCgroup[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, i) => ({ mount, path: `/${parts.slice(0, parts.length - 1 - i).join('/')}` }));
}

/** Ids of the processes in it and below it; of others than ktrace's pid namespace there are none. */
export function processesIn(cgroup: MemoryCgroup): number[] {
  const pids = new Set<number>();
  for (const directory of directoriesBelow(directoryOf(cgroup))) {
    if (pids.size >= MOST_PROCESSES) break;
    for (const pid of textOf(join(directory, 'cgroup.procs'))?.split('\n') ?? []) if (Number(pid) > 0) pids.add(Number(pid));
  }
  return [...pids];
}

/** The cgroup of a process, from the text of /proc/PID/cgroup. */
export function cgroupIn(text: string, mount: MemoryMount): MemoryCgroup | undefined {
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path !== undefined && (mount.version === 2 ? controllers === '' : controllers?.split(',').includes('memory'))) return { mount, path };
  }
  return undefined;
}

/** Of all processes that can be seen. */
export const allProcesses = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).slice(0, MOST_PROCESSES);
