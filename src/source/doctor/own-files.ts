/** The files that run when ktrace runs, and the directories above them: whoever can change one has the rights of who calls ktrace. */
import { lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { OwnFile } from '../../report/doctor/facts.js';

const PARTS = ['package.json', 'dist/cli/main.js', 'dist/cli/package.json'];
/** The objects, the addon and the launcher. */
const BUILT = ['build/bpf', 'build/Release'];
/** Of names on the way to a file; links may be changed meanwhile, so that it would have no end. */
const MOST = 10_000;

/** `root`: of the package; `called`: what the caller named. Each once, for the first reason; what is not there is left out. */
export function ownFiles(root: string, node: string, called: string): OwnFile[] {
  const built = BUILT.flatMap((directory) => listing(join(root, directory)).map((name) => join(directory, name)));
  const files = new Map<string, OwnFile>();
  const add = (file: string, of: OwnFile['of']): void => {
    for (const path of realPath(file) === undefined ? [] : passed(file)) {
      const found = files.has(path) ? undefined : lstatSync(path, { throwIfNoEntry: false });
      if (found) files.set(path, { path, of, uid: found.uid, gid: found.gid, mode: found.mode });
    }
  };
  for (const part of [...PARTS, ...built]) add(join(root, part), 'package');
  add(node, 'node');
  add(called, 'call');
  return [...files.values()];
}

/** What the kernel looks at on the way to a file: each directory, link and what that leads to (path_resolution(7)). */
function passed(file: string): string[] {
  const paths = ['/'];
  let at = '/';
  const names = file.split('/');
  for (let name = names.shift(); name !== undefined && paths.length < MOST; name = names.shift()) {
    const next = join(at, name);
    const target = link(next);
    paths.push(next);
    if (target === undefined) at = next;
    else names.unshift(...target.split('/'));
    if (target !== undefined && isAbsolute(target)) at = '/';
  }
  return paths;
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** undefined: it is not there. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
