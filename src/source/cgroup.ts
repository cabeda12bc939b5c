/** A cgroup by path or container id, as the kernel side compares it: the id of its v2 directory and how deep it lies. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KtraceError } from '../errors.js';
import type { Filters } from '../tools/contract.js';

const MOST_DIRECTORIES = 100_000;

/** Throws KtraceError when there is no cgroup v2, or no such cgroup in it. */
export function findCgroup(text: string): NonNullable<Filters['cgroup']> {
  const mount = mountPoint();
  const path = findBelow(mount, text, 'cgroup v2 mount');
  const below = path.slice(mount.length).split('/').filter((part) => part !== '');
  return { path, id: statSync(path, { bigint: true }).ino, level: below.length };
}

/** Path of a cgroup below a mount; `where` is the mount in words. Throws KtraceError when it is not there. */
export function findBelow(mount: string, text: string, where: string): string {
  const isId = /^[0-9a-f]{12,64}$/.test(text);
  const path = isId ? byContainer(mount, text) : byPath(mount, text);
  if (path !== undefined) return path;
  throw new KtraceError(`There is no cgroup ${isId ? 'of a container ' : ''}${text} below ${mount}`, 'CGROUP', `give a path below the ${where}, or the first 12 digits or more of a container id`);
}

function mountPoint(): string {
  const line = readFileSync('/proc/self/mounts', 'utf8').split('\n').find((entry) => entry.split(' ')[2] === 'cgroup2');
  const path = line?.split(' ')[1];
  if (path === undefined) throw new KtraceError('There is no cgroup v2 here', 'CGROUP', 'mount it: `mount -t cgroup2 none /sys/fs/cgroup`');
  return path.replace(/\\040/g, ' ');
}

function byPath(mount: string, text: string): string | undefined {
  for (const candidate of text.startsWith(mount) ? [text] : [join(mount, text), text]) {
    try {
      const path = realpathSync(candidate);
      if ((path === mount || path.startsWith(`${mount}/`)) && statSync(path).isDirectory()) return path;
    } catch {
      continue; // not that one
    }
  }
  return undefined;
}

/** Paths below the mount by id, `/` for the root; empty where there is no cgroup v2. */
export function cgroupPaths(): ReadonlyMap<bigint, string> {
  const paths = new Map<bigint, string>();
  try {
    const mount = mountPoint();
    for (const path of directoriesBelow(mount)) {
      const id = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
      if (id !== undefined) paths.set(id, path.slice(mount.length) || '/');
    }
  } catch {
    // no cgroup v2
  }
  return paths;
}

/** With itself, level by level. */
export function* directoriesBelow(mount: string): Generator<string, void, undefined> {
  const queue = [mount];
  for (let i = 0; i < queue.length && i < MOST_DIRECTORIES; i++) {
    const path = queue[i] as string;
    yield path;
    try {
      for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) queue.push(join(path, entry.name));
    } catch {
      continue; // removed meanwhile
    }
  }
}

/** Runtimes name a container's cgroup by its id, with something before and `.scope` behind. */
function byContainer(mount: string, id: string): string | undefined {
  const named = new RegExp(`(^|[-:])${id}`);
  for (const path of directoriesBelow(mount)) if (named.test(path.slice(path.lastIndexOf('/') + 1))) return path;
  return undefined;
}
