/** The texts that come with an exec: see struct exec_event. */
import { decodeText } from '../../btf/index.js';

export interface ExecText {
  /** As it was given to the system call. */
  readonly path: string;
  /** What runs the script; empty where a program is none. */
  readonly interpreter: string;
  readonly directory: string;
  /** The executed file, as the process sees it: of a script the interpreter's. Of a failed exec that of the caller. */
  readonly file: string;
  /** Below the root of the hierarchy. */
  readonly cgroup: string;
  readonly argv: readonly string[];
  /** The last argument is not whole. */
  readonly cutWithin: boolean;
}

/** The parts of a text, put together; what is behind a part that is missing is left out. */
export function joinParts(parts: readonly (Uint8Array | undefined)[], whole: number): { readonly bytes: Uint8Array; readonly missing: boolean } {
  const gap = parts.indexOf(undefined);
  const there = (gap < 0 ? parts : parts.slice(0, gap)) as readonly Uint8Array[];
  const bytes = new Uint8Array(there.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of there) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, missing: bytes.length < whole };
}

/** Reads zero-terminated texts one after the other. */
class Texts {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get ended(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** The next one, and whether its end is there. */
  next(): { readonly text: string; readonly whole: boolean } {
    const zero = this.bytes.indexOf(0, this.#at);
    const end = zero < 0 ? this.bytes.length : zero;
    const text = decodeText(this.bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return { text, whole: zero >= 0 };
  }

  /** Up to an empty one. */
  list(): string[] {
    const texts: string[] = [];
    for (let { text } = this.next(); text !== ''; { text } = this.next()) texts.push(text);
    return texts;
  }
}

/** `deep`: a path that has no beginning. */
const pathOf = (components: readonly string[], deep: boolean): string => `${deep && components.length > 0 ? '...' : ''}/${components.toReversed().join('/')}`;

export function readText(bytes: Uint8Array, { deep }: { readonly deep: boolean }): ExecText {
  const texts = new Texts(bytes);
  const path = texts.next().text;
  const interpreter = texts.next().text;
  const [directory, file, cgroup] = [texts.list(), texts.list(), texts.list()];
  const argv: string[] = [];
  let cutWithin = false;
  while (!texts.ended) {
    const { text, whole } = texts.next();
    argv.push(text);
    cutWithin = !whole;
  }
  return {
    path,
    interpreter: interpreter === path ? '' : interpreter,
    directory: pathOf(directory, deep && directory.length >= COMPONENTS),
    file: isMemory(file) ? (file[0] as string) : pathOf(file, deep && file.length >= COMPONENTS),
    cgroup: pathOf(cgroup, false),
    argv,
    cutWithin,
  };
}

const COMPONENTS = 24; // below the number of steps in bpf/exec/text.bpf.h, some of which cross mounts

/** A file that memfd_create(2) made is in no directory. */
const isMemory = ([name, ...others]: readonly string[]): boolean => others.length === 0 && name?.startsWith('memfd:') === true;

/** The path without `.`, `..` and `//`, from the directory on if it is relative. Symbolic links stay. */
export function absolute(path: string, directory: string): string {
  const components: string[] = [];
  for (const component of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (component === '..') components.pop();
    else if (component !== '' && component !== '.') components.push(component);
  }
  return `/${components.join('/')}`;
}
