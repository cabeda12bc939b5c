/** A cgroup by path or container id, as the kernel side compares it: the id of its v2 directory and how deep it lies. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KtraceError } from '../errors.js';
import type { Filters } from '../tools/contract.js';

const MOST_DIRECTORIES = 100_000;
const HINT = 'give a path below the cgroup v2 mount, or the first 12 digits or more of a container id';

/** Throws KtraceError when there is no cgroup v2, or no such cgroup in it. */
export function findCgroup(text: string): NonNullable<Filters['cgroup']> {
  const mount = mountPoint();
  const path = /^[0-9a-f]{12,64}$/.test(text) ? byContainer(mount, text) : byPath(mount, text);
  const below = path.slice(mount.length).split('/').filter((part) => part !== '');
  return { path, id: statSync(path, { bigint: true }).ino, level: below.length };
}

function mountPoint(): string {
  const line = readFileSync('/proc/self/mounts', 'utf8').split('\n').find((entry) => entry.split(' ')[2] === 'cgroup2');
  const path = line?.split(' ')[1];
  if (path === undefined) throw new KtraceError('There is no cgroup v2 here', 'CGROUP', 'mount it: `mount -t cgroup2 none /sys/fs/cgroup`');
  return path.replace(/\\040/g, ' ');
}

function byPath(mount: string, text: string): string {
  for (const candidate of text.startsWith(mount) ? [text] : [join(mount, text), text]) {
    try {
      const path = realpathSync(candidate);
      if ((path === mount || path.startsWith(`${mount}/`)) && statSync(path).isDirectory()) return path;
    } catch {
      continue; // not that one
    }
  }
  throw new KtraceError(`There is no cgroup ${text} below ${mount}`, 'CGROUP', HINT);
}

/** Runtimes name a container's cgroup by its id, with something before and `.scope` behind. */
function byContainer(mount: string, id: string): string {
  const queue = [mount];
  for (let i = 0; i < queue.length && i < MOST_DIRECTORIES; i++) {
    const path = queue[i] as string;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (new RegExp(`(^|[-:])${id}`).test(name)) return path;
    try {
      for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) queue.push(join(path, entry.name));
    } catch {
      continue; // removed meanwhile
    }
  }
  throw new KtraceError(`There is no cgroup of a container ${id} below ${mount}`, 'CGROUP', HINT);
}
