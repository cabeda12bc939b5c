/**
 * The file of --output-file, which root may be about to write where others can plant things: what is written goes to a new file beside it, which
 * takes its name when it is whole; a file that grows takes it at once. What has the name already is replaced only if it is a regular file of the
 * caller's with no other link.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, ftruncateSync, lstatSync, openSync, renameSync, rmSync, writeFileSync, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';

export interface OutputFile {
  /** Appends. Throws when the disk is full, having removed the file, unless it has its name already. */
  write(text: string): void;
  /** Gives the file its name, unless it has it. Until then, and after a failure, nothing has that name that did not have it before. */
  commit(): void;
  /** Removes what was written, unless it has its name already. */
  discard(): void;
}

/** The `code` of errors that mean: the file cannot be written. */
export const OUTPUT_FAILED = 'OUTPUT';

const MODE = 0o600;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** `ENOSPC: no space left on device, write` in the words of the middle. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
}

function failed(operation: string, path: string, cause: string, hint: string): Error {
  return Object.assign(new Error(`${operation} ${path}: ${cause}`), { hint, code: OUTPUT_FAILED });
}

/** Turns a failing system call into a sentence. */
function attempt<T>(operation: string, path: string, call: () => T, hint = whereElse()): T {
  try {
    return call();
  } catch (error) {
    throw failed(operation, path, reason(error), hint);
  }
}

/** Nothing here is written with more rights than the caller's own. */
function whereElse(): string {
  const user = String(process.geteuid?.());
  return `choose a file that user ${user} may write, or redirect stdout${user === process.env.SUDO_UID ? ', or add --keep-privileges' : ''}`;
}

function whatItIs(there: Stats): string {
  if (there.isSymbolicLink()) return 'a symbolic link';
  if (there.isDirectory()) return 'a directory';
  if (there.isFIFO()) return 'a FIFO';
  return there.isSocket() ? 'a socket' : 'a device';
}

/** Why what has the name may not be replaced; undefined if it may, or if nothing has it. */
function objection(there: Stats | undefined): string | undefined {
  if (there === undefined) return undefined;
  const uid = process.geteuid?.();
  if (!there.isFile()) return `it is ${whatItIs(there)}`;
  if (there.uid !== uid) return `it belongs to user ${there.uid}, not to you (user ${uid})`;
  return there.nlink > 1 ? `it has ${there.nlink} names (hard links)` : undefined;
}

function refuseToReplace(target: string, path: string): void {
  const there = attempt('look at', path, () => lstatSync(target, { throwIfNoEntry: false }));
  const why = objection(there);
  if (why !== undefined) throw failed('write', path, why, 'choose another file, or redirect stdout');
}

class NewFile implements OutputFile {
  readonly #path: string;
  /** The directory, held open: nobody can put another in its place between the checks and the renaming. */
  readonly #folder: number;
  readonly #target: string;
  readonly #temporary: string;
  readonly #grows: boolean;
  /** Bytes of what was written whole. */
  #whole = 0;
  #fd: number | undefined;
  #isNamed = false;
  #closed = false;

  constructor(path: string, grows: boolean) {
    this.#path = path;
    this.#grows = grows;
    this.#folder = attempt('open the directory of', path, () => openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY));
    this.#target = this.#inFolder(basename(path));
    this.#temporary = this.#inFolder(`.ktrace-${randomBytes(8).toString('hex')}`);
    // A second SIGINT leaves no half-written file either.
    process.on('exit', this.discard);
    this.#orDiscard(() => {
      refuseToReplace(this.#target, path);
      this.#fd = attempt('create', path, () => openSync(this.#temporary, NEW, MODE));
      if (grows) this.#takeName();
    });
  }

  write(text: string): void {
    const fd = this.#fd;
    if (fd === undefined) throw failed('write', this.#path, 'it is closed', '');
    const bytes = Buffer.from(text);
    this.#orDiscard(() => {
      try {
        attempt('write', this.#path, () => writeFileSync(fd, bytes), this.#whatNext());
      } catch (error) {
        ftruncateSync(fd, this.#whole); // no half of a line
        throw error;
      }
    });
    this.#whole += bytes.length;
  }

  #whatNext(): string {
    const left = this.#whole > 0 ? 'the file has what was written before' : 'the file is empty';
    return `${this.#grows ? `${left}; ` : ''}make room, or choose another file`;
  }

  commit(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#orDiscard(() => {
      attempt('write', this.#path, () => fsyncSync(fd), this.#whatNext());
      if (!this.#isNamed) this.#takeName();
    });
    this.#close();
  }

  #takeName(): void {
    refuseToReplace(this.#target, this.#path);
    attempt('name', this.#path, () => renameSync(this.#temporary, this.#target));
    this.#isNamed = true;
  }

  readonly discard = (): void => {
    if (this.#fd !== undefined && !this.#isNamed) rmSync(this.#temporary, { force: true });
    this.#close();
  };

  #inFolder(name: string): string {
    return `/proc/self/fd/${this.#folder}/${name}`;
  }

  #orDiscard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.discard);
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    closeSync(this.#folder);
  }
}

/** Opens `path` for writing. Throws with a `hint` when it may not be replaced or cannot be created; nothing has changed then. `grows`: others may read along. */
export function openOutputFile(path: string, { grows = false } = {}): OutputFile {
  if (/(^|\/)\.{0,2}$/.test(path)) throw failed('write', path, 'it is a directory', 'name a file in it');
  return new NewFile(path, grows);
}
