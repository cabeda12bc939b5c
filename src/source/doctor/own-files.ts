/** The files that run when ktrace runs, and the directories above them: whoever can change one has the rights of who calls ktrace. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OwnFile } from '../../report/doctor/facts.js';

const PARTS = ['package.json', 'dist/cli/main.js', 'dist/cli/package.json'];
/** The objects, the addon and the launcher. */
const BUILT = ['build/bpf', 'build/Release'];

/** `root`: of the package. What is not there is left out. */
export function ownFiles(root: string, node: string): OwnFile[] {
  const built = BUILT.flatMap((directory) => listing(join(root, directory)).map((name) => join(directory, name)));
  const files = [...[...PARTS, ...built].map((part) => join(root, part)), node];
  const paths = new Set(files.flatMap(withParents));
  return [...paths].flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found ? [{ path, uid: found.uid, gid: found.gid, mode: found.mode }] : [];
  });
}

function withParents(file: string): string[] {
  const paths: string[] = [];
  for (let at = realPath(file); at !== undefined; at = at === '/' ? undefined : dirname(at)) paths.push(at);
  return paths.reverse();
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
