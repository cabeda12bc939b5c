/** The BPF object of a tool as a file: read once, checked, and the same bytes handed to libbpf. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Btf, ElfFile, globals, LayoutError, readSchema, type GlobalVariable, type Schema } from '../btf/index.js';
import { KtraceError } from '../errors.js';
import { READABLE_HINT, rebuild } from '../native/load.js';
import { codeOf } from './doctor/text.js';

export interface ToolObject {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Layouts of maps and records; read when first asked for, since tracing begins without them. */
  readonly schema: Schema;
  /** The `const volatile` variables, with their offsets in `.rodata`. */
  readonly options: readonly GlobalVariable[];
  /** The variables that programs and user space write. */
  readonly globals: readonly GlobalVariable[];
}

interface Expected {
  readonly tool: string;
  readonly object: string;
  readonly layoutHash: string;
}


/**
 * `legacy`: the object for kernels before 5.17. Throws KtraceError when the object is missing, is not the one that was built, or has another layout than this code was made for.
 * The hash of the layout stands in the manifest beside the digest of the very bytes that it was computed from.
 */
export function readToolObject({ tool, object: file, layoutHash: expected }: Expected, { legacy }: { legacy: boolean }, directory = objectDirectory()): ToolObject {
  const object = legacy ? file.replace('.bpf.o', '.legacy.bpf.o') : file;
  const bytes = readFile(`${directory}/${object}`);
  const noted = entryOf(directory, object);
  if (noted.sha256 !== createHash('sha256').update(bytes).digest('hex')) throw corrupt(object, 'its digest is not the one noted when it was built');
  if (noted.layoutHash !== expected) throw wrongLayout(object, 'its layout is not the one that this version was made for');
  try {
    return new ParsedObject(tool, bytes);
  } catch (error) {
    throw error instanceof LayoutError ? wrongLayout(object, error.message, error) : error;
  }
}

class ParsedObject implements ToolObject {
  readonly options: readonly GlobalVariable[];
  readonly globals: readonly GlobalVariable[];
  readonly #btf: Btf;
  #schema: Schema | undefined;

  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    const section = new ElfFile(bytes).section('.BTF');
    if (!section) throw new LayoutError('it has no BTF');
    this.#btf = new Btf(section.bytes);
    this.options = globals(this.#btf, '.rodata').filter(({ isStatic }) => !isStatic);
    this.globals = globals(this.#btf, '.bss');
  }

  get schema(): Schema {
    this.#schema ??= readSchema(this.#btf, this.name);
    return this.#schema;
  }
}

function wrongLayout(object: string, why: string, cause?: unknown): KtraceError {
  return new KtraceError(`The BPF object file ${object} does not fit: ${why}`, 'LAYOUT', rebuild(), { cause });
}

/** build/bpf of the package, seen from src/source or dist/source. */
function objectDirectory(): string {
  return fileURLToPath(new URL('../../build/bpf', import.meta.url));
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = codeOf(cause);
    throw new KtraceError(`The BPF object file ${path} cannot be read: ${code}`, 'OBJECT', code === 'ENOENT' ? 'build it: `npm run setup`' : READABLE_HINT, { cause });
  }
}

interface Noted {
  readonly sha256?: string;
  readonly layoutHash?: string;
}

function entryOf(directory: string, object: string): Noted {
  const text = readFile(`${directory}/manifest.json`).toString();
  try {
    const manifest = JSON.parse(text) as { objects?: Record<string, Noted | undefined> };
    return manifest.objects?.[object] ?? {};
  } catch {
    throw corrupt('manifest.json', 'it is not JSON');
  }
}

function corrupt(what: string, why: string): KtraceError {
  return new KtraceError(`The BPF object file ${what} is corrupt: ${why}`, 'OBJECT', rebuild());
}
