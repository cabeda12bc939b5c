/** A tool's object in the kernel: loaded, attached, read and taken down again. */
import { decodeBatch, compileDecoder, encodeValue, readRows, structWriter, type Decoder, type Program, type SchemaMap } from '../btf/index.js';
import { KtraceError } from '../errors.js';
import { loadBinding } from '../native/load.js';
import type { BpfObject } from '../native/binding.js';
import type { AttachAttempt } from '../report/model.js';
import { explainAttach, isNativeError, isRefusal, type KernelRefusal } from './explain.js';
import { kernelFacts, type KernelFacts } from './facts.js';
import { readToolObject, type ToolObject } from './object.js';
import { callOf, planAttach, variantsOf, type AttachPlan } from './plan.js';

export interface LiveSpec {
  /** What `npm run generate` wrote of the object. */
  readonly schema: { readonly tool: string; readonly object: string; readonly layoutHash: string; readonly options: Readonly<Record<string, string>>; readonly programs: readonly Program[] };
  /** Values of the `const volatile` options, by their names in JavaScript. `endsMissed`: as in the tool's contract. */
  options(endsMissed: boolean): object;
  readonly mapSizes: Readonly<Record<string, number>>;
  readonly variant?: string | undefined;
  /** Hooks that older kernels lack, and what the report says then. */
  readonly optionalHooks: Readonly<Record<string, string>>;
  /** What a variant cannot see, by its name. */
  readonly limits: Readonly<Record<string, readonly string[]>>;
  /** Further sections for a program, by its name. */
  readonly alsoOn: Readonly<Record<string, readonly string[]>>;
}

const BATCH_BYTES = 1 << 20;
const NAP_MS = 1;

export class LiveSource {
  readonly attempts: AttachAttempt[] = [];
  /** What this kernel's variant cannot see. */
  limits: readonly string[] = [];
  variant = '';
  readonly #spec: LiveSpec;
  readonly #facts: KernelFacts;
  readonly #object: ToolObject;
  #maps: ReadonlyMap<string, SchemaMap> | undefined;
  readonly #decoders = new Map<string, { decode: Decoder<unknown>; size: number }>();
  #missing = new Set<string>();
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));
  #batch: Uint8Array | undefined;
  #bpf: BpfObject | undefined;

  constructor(spec: LiveSpec) {
    this.#spec = spec;
    this.#facts = kernelFacts();
    this.#object = readToolObject(spec.schema, this.#facts);
  }

  /**
   * Load and attach the best variant that works; `prepare` runs between the two, when maps can be written and nothing fires yet.
   * Throws AttachError with all attempts when none does.
   */
  attach(prepare: (source: this) => void): void {
    const { schema, variant: only, optionalHooks } = this.#spec;
    let last: KernelRefusal | undefined;
    for (const plan of planAttach(schema.programs, this.#facts, { only, optional: Object.keys(optionalHooks) })) {
      const failure = plan.refused ?? (last = this.#tryVariant(plan, prepare));
      if (!failure) return;
      this.attempts.push({ variant: plan.variant, stage: failure.stage, errno: failure.code });
    }
    if (this.attempts.length === 0) throw new KtraceError(`There is no variant ${only}`, 'USAGE', `leave --variant out, or take ${variantsOf(schema.programs).join(' or ')}`);
    throw explainAttach(last, this.attempts);
  }

  /** What the kernel said against it; any other error is thrown. */
  #tryVariant(plan: AttachPlan, prepare: (source: this) => void): KernelRefusal | undefined {
    try {
      this.#attachVariant(plan, prepare);
      return undefined;
    } catch (error) {
      this.close();
      if (!isRefusal(error)) throw error;
      return error;
    }
  }

  #attachVariant({ variant, load, attach, missing }: AttachPlan, prepare: (source: this) => void): void {
    const bpf = new (loadBinding().BpfObject)(this.#object.bytes, `ktrace_${this.#object.name}`);
    this.#bpf = bpf;
    for (const { name } of load) bpf.setAutoload(name, true);
    for (const [map, entries] of Object.entries(this.#spec.mapSizes)) bpf.setMaxEntries(map, entries);
    this.#writeOptions(bpf, variant !== 'tracepoint' || this.#facts.preemptible);
    bpf.load();
    this.#missing = new Set(missing);
    prepare(this);
    for (const program of attach) {
      for (const section of [undefined, ...(this.#spec.alsoOn[program.name] ?? [])]) this.#attachProgram(bpf, program, section);
    }
    this.variant = variant;
    this.limits = [...(this.#spec.limits[variant] ?? []), ...[...this.#missing].map((call) => this.#spec.optionalHooks[call] ?? '')];
  }

  /** `section`: another tracepoint than the program's own. A system call that this kernel may lack is skipped, its beginning and its end. */
  #attachProgram(bpf: BpfObject, program: Program, section?: string): void {
    const call = section ? section.replace(/^.*sys_(enter|exit)_/, '') : callOf(program);
    if (this.#missing.has(call)) return;
    try {
      bpf.attach(program.name, section);
    } catch (error) {
      if (!(call in this.#spec.optionalHooks) || !isNativeError(error) || error.code !== 'ENOENT') throw error;
      this.#missing.add(call);
    }
  }

  #writeOptions(bpf: BpfObject, endsMissed: boolean): void {
    for (const [property, value] of Object.entries(this.#spec.options(endsMissed))) {
      const variable = this.#object.options.find(({ name }) => name === this.#spec.schema.options[property]);
      if (!variable) throw new KtraceError(`There is no option ${property} in ${this.#spec.schema.object}`, 'LAYOUT');
      bpf.writeGlobals('.rodata', variable.offset, encodeValue(variable.type(), value, property));
    }
  }

  get #open(): BpfObject {
    if (!this.#bpf) throw new KtraceError('The source is closed', 'CLOSED');
    return this.#bpf;
  }

  /** All rows of a map; of a per-CPU map each value is a list with one element per possible CPU. */
  rows<K, V>(name: string): { key: K; values: readonly V[] }[] {
    const { key, value, type } = this.#map(name);
    if (!key || !value) throw new KtraceError(`Map ${name} is not shared`, 'LAYOUT');
    const perCpu = type === 5 || type === 6 || type === 10; // BPF_MAP_TYPE_PERCPU_HASH, _PERCPU_ARRAY, _LRU_PERCPU_HASH
    const rows = readRows<K, V>(this.#open.snapshot(name), key, value, perCpu ? loadBinding().possibleCpus : undefined);
    return [...rows];
  }

  #map(name: string): SchemaMap {
    this.#maps ??= new Map(this.#object.schema.maps.map((map) => [map.name, map]));
    const map = this.#maps.get(name);
    if (!map) throw new KtraceError(`There is no map ${name}`, 'LAYOUT');
    return map;
  }

  /** A per-CPU array of counters, summed over the CPUs. */
  counters(name: string): number[] {
    return this.rows<unknown, { value: number }>(name).map(({ values }) => values.reduce((sum, { value }) => sum + value, 0));
  }

  put(name: string, key: object, value: object): void {
    const map = this.#map(name);
    if (!map.key || !map.value) throw new KtraceError(`Map ${name} is not shared`, 'LAYOUT');
    this.#open.update(name, structWriter(map.key)(key), structWriter(map.value)(value));
  }

  /** Run an iterator for what it does in the kernel. */
  run(program: string): void {
    this.#look(program);
  }

  /** Iterators take for now the moment when this thread last got on its CPU, in the kernel's only clock for such moments: hence the nap. */
  #look(program: string): Uint8Array {
    Atomics.wait(this.#nap, 0, 0, NAP_MS);
    return this.#open.iterate(program);
  }

  /** Run an iterator; its records, decoded. */
  iterate<T>(program: string, record: string): T[] {
    const bytes = this.#look(program);
    if (bytes.length === 0) return []; // and compile no decoder
    const { decode, size } = this.#decoder(record);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const records: T[] = [];
    for (let at = 0; at < bytes.length; at += size) records.push(decode(view, at) as T);
    return records;
  }

  /** Events that are waiting in the ring, at most about a megabyte of them at a time; `full` when more may wait. */
  drain<T>(ring: string, record: string): { events: T[]; full: boolean } {
    this.#batch ??= new Uint8Array(BATCH_BYTES);
    const { decode, size } = this.#decoder(record);
    const length = this.#open.drain(ring, this.#batch);
    return { events: decodeBatch(this.#batch, length, decode as Decoder<T>, size), full: length > BATCH_BYTES / 2 };
  }

  #decoder(record: string): { decode: Decoder<unknown>; size: number } {
    const known = this.#decoders.get(record);
    if (known) return known;
    const layout = this.#object.schema.records.find(({ name }) => name === record);
    if (!layout) throw new KtraceError(`There is no record ${record}`, 'LAYOUT');
    const made = { decode: compileDecoder<unknown>(layout), size: layout.size };
    this.#decoders.set(record, made);
    return made;
  }

  /** Times that the kernel skipped one of the programs because the CPU was busy with BPF: what they would have seen is missing. */
  skippedRuns(): number {
    return this.#open.programs().reduce((sum, { recursionMisses }) => sum + recursionMisses, 0);
  }

  /** Set a global variable of `.bss` while the programs run. */
  setGlobal(name: string, value: number): void {
    const variable = this.#object.globals.find((candidate) => candidate.name === name);
    if (!variable) throw new KtraceError(`There is no global ${name}`, 'LAYOUT');
    const key = new Uint8Array(4);
    const bytes = this.#open.lookup('.bss', key);
    if (!bytes) throw new KtraceError('Cannot read .bss', 'MAP');
    bytes.set(encodeValue(variable.type(), value, name), variable.offset);
    this.#open.update('.bss', key, bytes);
  }

  /** From now on nothing in the maps moves. */
  freeze(): void {
    this.setGlobal('frozen', 1);
    loadBinding().waitForPrograms(); // those that had looked at it already
  }

  close(): void {
    this.#bpf?.close();
    this.#bpf = undefined;
  }
}
