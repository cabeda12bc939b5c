/**
 * Runs a workload under `ktrace futex` and holds the report against what the program saw itself. Every process is killed by
 * its id when the test that started it ends, and nothing here looks at the machine as a whole, so tests may run side by side.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { futex as startFutex, type FutexOptions } from '../../src/index.js';
import { registry } from '../../src/generated/registry.js';
import { kernelFacts } from '../../src/source/facts.js';
import type { AttachAttempt, Histogram, Loss, Share, Tally } from '../../src/report/model.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const CLI = join(ROOT, 'dist/cli/main.js');
/** Variant of all programs of these tests; else the best that this kernel takes. */
export const VARIANT = process.env['KTRACE_TEST_VARIANT'];
const commandOf = (tool: string): readonly string[] => [process.execPath, CLI, tool, ...(VARIANT ? ['--variant', VARIANT] : [])];
/** The command line of `ktrace futex`. */
export const FUTEX = commandOf('futex');
/** Rounds of most workloads. */
export const N = 23;
/** A processor in software: slow, and a thread may lose milliseconds between reading its clock and its system call. */
export const EMULATED = /^model name.*QEMU TCG/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
/** A duration of ours may miss the time between the program's clock and the system call: this part of the whole. */
const TOLERANCE = EMULATED ? 1 : 0.02;
const SLOWNESS = EMULATED ? 5 : 1;
const PATIENCE_MS = SLOWNESS * 60_000;
/** One bucket of the histogram. */
export const BUCKET = 2 ** 0.25;

/** All that children see: the test runner puts a loader of its own into the environment of every process that it sees started. */
export const ENV: Readonly<Record<string, string>> = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: '/root', LANG: 'C.UTF-8' };

// What the programs print; each prints a part of it, see test/workloads/README.md.

export interface Times {
  readonly waits: number;
  readonly totalNs: number;
  readonly maxNs: number;
  readonly p99Ns: number;
}

export interface ThreadTruth {
  readonly tid: number;
  readonly name: string;
  readonly nameHex: string;
  readonly waits: number;
}

export interface DuelTruth extends Times {
  readonly pid: number;
  readonly name: string;
  readonly address: string;
  readonly acquisitions: number;
  readonly locks: readonly { readonly address: string; readonly name: string; readonly waits: number }[];
  readonly threads: readonly ThreadTruth[];
  readonly holder: number;
}

export interface StepTruth {
  readonly op: string;
  readonly number: number;
  readonly outcome: string;
  readonly exit: number;
  readonly count: number;
}

export interface Truth extends Omit<DuelTruth, 'locks'> {
  readonly program: string;
  readonly locks: readonly DuelTruth[];
  readonly timeouts: number;
  readonly timeoutsNs: number;
  readonly eagain: number;
  readonly wakes: number;
  readonly woken: number;
  readonly inFlight: number;
  readonly impatient: number;
  readonly bystander: number;
  readonly object: string;
  readonly idleObject: string;
  readonly idleFutex: string;
  readonly condition: string;
  readonly requeued: number;
  readonly first: string;
  readonly second: string;
  readonly joined: readonly { readonly tid: number; readonly address: string }[];
  readonly processes: readonly DuelTruth[];
  readonly lives: readonly (DuelTruth & { readonly firstUseNs: number; readonly lastUseNs: number })[];
  readonly cycle: readonly { readonly pid?: number; readonly tid: number; readonly name: string; readonly waitsFor: string; readonly futex: string; readonly owner: number; readonly ownerName: string }[];
  readonly steps: readonly StepTruth[];
  readonly consequences: readonly StepTruth[];
  readonly restarted: number;
  readonly waitsBegun: number;
  readonly begunNs: number;
  readonly readyNs: number;
  readonly toldNs: number;
  readonly endedNs: number;
  readonly inode: number;
  readonly offset: number;
  readonly skip?: string;
}

export interface ExecerTruth {
  readonly pid: number;
  readonly first: { readonly address: string; readonly waits: number; readonly totalNs: number; readonly holder: number; readonly waiter: number; readonly executedBy: number };
  readonly killedInWait: number;
  readonly second: DuelTruth;
}

// The report as JSON.

export interface LockRow {
  readonly place: string;
  readonly kind: string;
  readonly sure: string;
  readonly acquisitions: number;
  readonly sleeps: number;
  readonly total: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  readonly share: number | null;
  readonly holders: readonly Share[];
  readonly releasers: readonly Share[];
  readonly waiters: readonly Share[];
  readonly outcomes: readonly Tally[];
  readonly mostWaiting: number;
  readonly histogram: Histogram;
  readonly address: string;
  readonly shared: string;
  readonly pids: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly wakeCalls: number;
  readonly moved: number;
  readonly preexisting: number;
  readonly inFlight: number;
}

export interface WaitRow {
  readonly thread: string;
  readonly tid: number;
  readonly pid: number;
  readonly age: number;
  readonly place: string;
  readonly kind: string;
  readonly holder: string;
  readonly holderTid: number;
  readonly op: string;
  readonly beforeTracing: string;
  readonly designed: string;
}

export interface DeadlockRow {
  readonly thread: string;
  readonly tid: number;
  readonly pid: number;
  readonly waitsFor: string;
  readonly address: string;
  readonly kind: string;
  readonly age: number;
  readonly cycle: number;
}

export interface CallRow {
  readonly op: string;
  readonly calls: number;
  readonly woken: number;
  readonly timedOut: number;
  readonly neverSlept: number;
  readonly interrupted: number;
  readonly errors: number;
  readonly threads: number;
}

export interface ProcessRow {
  readonly name: string;
  readonly pid: number;
  readonly threads: number;
  readonly locks: number;
  readonly sleeps: number;
  readonly total: number;
}

interface SectionOf<R> {
  readonly title: string;
  readonly rows: readonly R[];
  readonly hiddenRows: number;
  readonly story: readonly string[];
  readonly empty: string | null;
}

export interface FutexReport {
  readonly type?: 'report';
  readonly schemaVersion: 1;
  readonly header: {
    readonly tool: string;
    readonly target: string;
    readonly variant: string;
    readonly durationNs: number;
    readonly filters: readonly string[];
    readonly attempts: readonly AttachAttempt[];
    readonly settled: boolean;
    readonly intervalNs: number | null;
    readonly accounting: { readonly hits: number; readonly aggregated: number; readonly inFlight: number; readonly filtered: number; readonly dropped: number };
  };
  readonly losses: readonly Loss[];
  readonly sections: {
    readonly deadlocks: SectionOf<DeadlockRow>;
    readonly locks: SectionOf<LockRow>;
    readonly inFlight: SectionOf<WaitRow>;
    readonly idle: SectionOf<LockRow>;
    readonly processes: SectionOf<ProcessRow>;
    readonly calls: SectionOf<CallRow>;
  };
  readonly finding: readonly string[];
  readonly next: readonly string[];
}

// Processes.

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process, its output so far, and its end. */
export class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<Exit>;
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(t: Test, child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#grow(() => (this.stdout += text)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#grow(() => (this.stderr += text)));
    child.stdin?.on('error', () => undefined); // it may end first
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => this.#grow(() => ((this.#ended = true), resolve({ code, signal }))));
    });
    this.exited.catch(() => undefined);
    t.teardown(() => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      return this.exited.then(() => undefined, () => undefined);
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get ended(): boolean {
    return this.#ended;
  }

  #grow(change: () => void): void {
    change();
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits for what the outputs match; throws with all that was said when the process ends or takes a minute instead. */
  async says(what: RegExp, from: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    const limit = setTimeout(() => this.#grow(() => undefined), PATIENCE_MS);
    const until = Date.now() + PATIENCE_MS - 1;
    try {
      for (;;) {
        const found = what.exec(this[from]);
        if (found) return found;
        if (this.#ended || Date.now() >= until) throw new Error(`${this.child.spawnargs.join(' ')} ${this.#ended ? 'ended' : 'stayed'} without ${what}:\n${this.stdout.slice(-2000)}\n${this.stderr}`);
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      clearTimeout(limit);
    }
  }

  line(text = ''): void {
    this.child.stdin?.write(`${text}\n`);
  }

  closeInput(): void {
    this.child.stdin?.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Its exit, within a minute. */
  async exit(): Promise<Exit> {
    const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
      throw new Error(`${this.child.spawnargs.join(' ')} does not end:\n${this.stdout.slice(-2000)}\n${this.stderr}`);
    });
    return Promise.race([this.exited, late]);
  }
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function start(command: readonly string[], { cwd, env = ENV }: Surroundings): ChildProcess {
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return spawn('env', ['-i', ...words, ...command], { stdio: ['pipe', 'pipe', 'pipe'], cwd }); // env(1) becomes the command
}

export function run(t: Test, file: string, args: readonly string[], surroundings: Surroundings = {}): Running {
  return new Running(t, start([file, ...args], surroundings));
}

export function program(name: string): string {
  return join(ROOT, 'build/workloads', name);
}

export interface Workload extends Running {
  /** What it printed about itself, once it has. */
  truth<T = Truth>(): Promise<T>;
}

/** Starts a workload and waits for its gate, or for what the kernel lacks; it stays after its JSON until its input ends (`--hold`). */
export async function workload(t: Test, name: string, args: readonly string[] = [], hold = true): Promise<Workload> {
  const running = run(t, program(name), [...args, '--gate', ...(hold ? ['--hold'] : [])]);
  await running.says(/^ready \d+$|^\{.*"skip":/m);
  return withTruth(running);
}

function withTruth(running: Running): Workload {
  const truth = async <T>(): Promise<T> => JSON.parse((await running.says(/^\{.*\}$/m))[0]) as T;
  return Object.assign(running, { truth }) as Workload;
}

/** Starts a workload of the deadlock family and waits until it hangs. */
export async function hung(t: Test, name: string, args: readonly string[] = []): Promise<{ program: Running; truth: Truth }> {
  const running = run(t, program(name), args);
  await running.says(/^hung \d+$/m);
  const [line] = await running.says(/^\{.*\}$/m);
  return { program: running, truth: JSON.parse(line) as Truth };
}

// ktrace on the command line.

/** A running `ktrace futex`. */
export class Tracer extends Running {
  #held: BpfIds | undefined;

  /** Resolves when it traces. */
  async tracing(): Promise<this> {
    await this.says(/^ktrace: tracing .*\n/m, 'stderr');
    this.#held = heldIds(this.pid);
    return this;
  }

  /** Ends it with SIGINT, unless it has ended, and checks what is true of every run: status 0, no word too many, nothing left in the kernel. */
  async finish(t: Test, signal: NodeJS.Signals | null = 'SIGINT'): Promise<string> {
    if (signal && !this.ended) this.kill(signal);
    const exit = await this.exit();
    t.strictSame(exit, { code: 0, signal: null }, 'ktrace exits with 0');
    t.match(this.stderr, /^(ktrace: tracing [^\n]*\n)?(DEADLOCK\n( {2}[^\n]+\n)+)*([^\n]+ has been in \w+[^\n]* for (about )?[\d.]+\w+\.\n)*$/, 'and says no more on stderr than that it traces, and who is stuck');
    await this.nothingLeft(t);
    return this.stdout;
  }

  async nothingLeft(t: Test): Promise<void> {
    if (this.#held) t.strictSame(await leftOf(this.#held), { prog: [], map: [], link: [] }, 'its BPF programs, maps and links are gone');
  }

  /** The same, and its last report, which accounts for every call. */
  async report(t: Test, { losses = [] as readonly string[], signal = 'SIGINT' as NodeJS.Signals | null } = {}): Promise<FutexReport> {
    const report = parseReport(await this.finish(t, signal));
    accounts(t, report, losses);
    return report;
  }
}

export function parseReport(text: string): FutexReport {
  return JSON.parse(text.startsWith('{"type"') ? (text.trimEnd().split('\n').at(-1) ?? '') : text) as FutexReport;
}

/** `prefix`: a command that becomes, or runs, what follows. */
export function ktrace(t: Test, args: readonly string[], { prefix = [], tool = 'futex', ...surroundings }: Surroundings & { readonly prefix?: readonly string[]; readonly tool?: string } = {}): Tracer {
  return new Tracer(t, start([...prefix, ...commandOf(tool), ...args], surroundings));
}

/** What each variant lacks, by `tool:variant`. Asking takes seconds where the processor is emulated, so those that scripts/vm-suite found to work are not asked again. */
const refusals = new Map<string, string | undefined>((process.env['KTRACE_TEST_TAKEN'] ?? '').split(' ').filter(Boolean).map((taken) => [taken, undefined]));

/**
 * Why this kernel does not take a variant, or undefined. Throws where it has to: Debian's kernels have what all three take, so a
 * refusal there is ours.
 */
export function lacking(variant: string, tool = 'futex'): string | undefined {
  const id = `${tool}:${variant}`;
  if (!refusals.has(id)) refusals.set(id, tryVariant(variant, tool));
  return refusals.get(id);
}

function tryVariant(variant: string, tool: string): string | undefined {
  const [node = '', ...words] = commandOf(tool);
  const { status, stderr } = spawnSync(node, [...words, '--dry-run', '--variant', variant], { encoding: 'utf8', env: ENV });
  if (status === 0) return undefined;
  if (status !== 77 || (['tracepoint', 'btf', 'raw'].includes(variant) || /^Linux version [^ ]+-amd64 \(debian-kernel/.test(readFileSync('/proc/version', 'utf8')))) throw new Error(`${variant}: ${stderr}`);
  return /\((.*)\)/.exec(stderr)?.[1] ?? stderr.trim();
}

/** A session of the library. */
export function futex(options: FutexOptions): ReturnType<typeof startFutex> {
  return startFutex(VARIANT ? { variant: VARIANT, ...options } : options);
}

/** `ktrace futex -o json …`, once it traces. */
export function tracing(t: Test, args: readonly string[]): Promise<Tracer> {
  return ktrace(t, ['-o', 'json', ...args]).tracing();
}

/** What other programs may cause where the whole machine is traced: they map memory, end waits and send events at any moment. */
const OTHERS_CAUSE: readonly string[] = ['identity', 'stale', 'ring-full', 'backlog-full'];
/** Says that something may be missing, somewhere on the machine: whether it is, the counts that are compared tell. */
const NO_VERDICT = 'skipped';
/** What a skipped run of a program leaves behind; and kretprobes, of which there are as few as CPUs: those who sleep use them up. */
const FROM_SKIPPED: readonly string[] = ['stale', 'wakes-unseen'];

type Accounted = Pick<FutexReport, 'losses'> & { readonly header: Pick<FutexReport['header'], 'target' | 'accounting'> };

const unseenEnds = ({ losses }: Pick<FutexReport, 'losses'>): number => losses.reduce((sum, { reason, count }) => sum + (FROM_SKIPPED.includes(reason) ? count : 0), 0);

export const skippedRuns = ({ losses }: Pick<FutexReport, 'losses'>): number => losses.find(({ reason }) => reason === NO_VERDICT)?.count ?? 0;

const TRIES = 8;
/** Tests that begin again where the kernel skipped runs of our programs. */
const exact = new WeakSet<Test>();

/** The kernel skipped runs of our programs, so the test says nothing. */
class Again extends Error {}

/**
 * Kernels that let programs be preempted skip others that are due on that CPU meanwhile, seldom, and count it. A report that says so may
 * miss what the program did: then the test begins again. One that does not say so is exact.
 */
async function repeating(t: Test, body: (t: Test) => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    exact.add(t);
    try {
      return await body(t);
    } catch (error) {
      if (!(error instanceof Again)) throw error;
      if (tries === TRIES && !kernelFacts().preemptible) throw new Error(`${error.message}, though this kernel preempts no programs`, { cause: error });
      if (tries === TRIES) return void t.pass('skipped', { skip: `this kernel preempts programs, and skipped runs in each of ${TRIES} tries, as the reports say` });
      t.comment(error.message);
    }
  }
}

/** The test copes with skipped runs: see asMany(). */
export function tolerant(t: Test): void {
  exact.delete(t);
}

/** The conservation law, and nothing lost but what may be. */
export function accounts(t: Test, report: Accounted, losses: readonly string[] = []): void {
  const { hits, aggregated, inFlight, filtered, dropped } = report.header.accounting;
  const skipped = skippedRuns(report); // of ends, too: the call is in no row then
  if (skipped > 0 && exact.has(t)) throw new Again(`${skipped} runs skipped by the kernel: once more`);
  const apart = Math.abs(aggregated + inFlight + filtered + dropped - hits);
  t.ok(apart <= skipped, `hits (${hits}) = aggregated (${aggregated}) + in flight (${inFlight}) + filtered (${filtered}) + dropped (${dropped})${skipped ? `, ${skipped} runs skipped` : ''}`);
  const mayLose = [...losses, NO_VERDICT, ...(report.header.target === 'all processes' ? OTHERS_CAUSE : []), ...(skipped > 0 || VARIANT === 'kprobe' ? FROM_SKIPPED : [])];
  t.strictSame(report.losses.filter(({ reason, count }) => count !== 0 && !mayLose.includes(reason)), [], 'nothing is lost');
}

/** Exactly as many, but for what runs may have told that the kernel skipped: in a storm where it preempts programs, there always are some. */
export function asMany(t: Test, reports: Pick<FutexReport, 'losses'> | readonly Pick<FutexReport, 'losses'>[], found: number, expected: number, what = 'as many'): void {
  const unseen = [reports].flat().reduce((sum, report) => sum + skippedRuns(report) + unseenEnds(report), 0);
  if (unseen === 0) t.equal(found, expected, what);
  else t.ok(Math.abs(expected - found) <= unseen, `${what}: ${found} of ${expected}, ${unseen} unseen`);
}

/** The row of FUTEX_WAKE; where ends of wakes were not seen, what they did is not known. */
export function sameWakes(t: Test, report: FutexReport, expected: Partial<Omit<CallRow, 'op'>>, what = 'wakes'): void {
  const found = callsOf(report, 'FUTEX_WAKE');
  if (skippedRuns(report) + unseenEnds(report) === 0) t.strictSame(found, expected, what);
  else for (const key of ['calls', 'woken', 'neverSlept', 'threads'] as const) asMany(t, report, found[key] ?? 0, expected[key] ?? 0, `${what} ${key}`);
}

/** Like a test that begins again, for a part of one. What skipped runs left out may be nothing of ours: `agrees` says so. */
export async function whole<T extends { readonly report: Pick<FutexReport, 'losses'> }>(t: Test, run: () => Promise<T>, agrees: (found: T) => boolean = () => false): Promise<T> {
  tolerant(t);
  for (let tries = 1; ; tries++) {
    const found = await run();
    const skipped = skippedRuns(found.report);
    if (skipped === 0 || agrees(found) || tries === TRIES) return found;
    t.comment(`${skipped} runs skipped by the kernel: once more`);
  }
}

/** One workload from gate to JSON under ktrace. The program still lives when the report is made, unless `hold` is false. No report where the truth says `skip`. */
export async function traced<T = Truth>(t: Test, name: string, args: readonly string[] = [], options: readonly string[] = [], hold = true, losses: readonly string[] = []): Promise<{ report: FutexReport; truth: T; pid: number }> {
  const target = await workload(t, name, args, hold);
  if (target.stdout.startsWith('{')) return { report: undefined as never, truth: await target.truth<T>(), pid: target.pid };
  const tracer = await tracing(t, ['-p', String(target.pid), ...options]);
  target.line();
  const truth = await target.truth<T>();
  if (!hold) await target.exit();
  const report = await tracer.report(t, { losses });
  target.closeInput();
  t.strictSame(await target.exit(), { code: 0, signal: null }, `${name} is content with itself`);
  return { report, truth, pid: target.pid };
}

// Comparing.

export function only<T>(t: Test, rows: readonly T[], what = 'row'): T {
  t.equal(rows.length, 1, `one ${what}`);
  const [row] = rows;
  if (!row) throw new Error(`no ${what}`);
  return row;
}

export function lockAt(report: FutexReport, address: string, section: 'locks' | 'idle' = 'locks'): LockRow {
  const found = report.sections[section].rows.find((row) => row.address === address);
  if (!found) throw new Error(`no row for ${address} among ${JSON.stringify(report.sections[section].rows.map(({ address: at, kind, place }) => [at, kind, place]))}`);
  return found;
}

/** Outcomes by name, zeros left out. */
export function outcomes(row: LockRow): Record<string, number> {
  return Object.fromEntries(row.outcomes.filter(({ count }) => count > 0).map(({ name, count }) => [name, count]));
}

/** The row of one operation without zeros, `{}` when it never happened. */
export function callsOf(report: FutexReport, op: string): Partial<Omit<CallRow, 'op'>> {
  const row = report.sections.calls.rows.find((each) => each.op === op);
  return Object.fromEntries(Object.entries(row ?? {}).filter(([key, value]) => key !== 'op' && value !== 0));
}

/** Counts exact; times not above what the program saw, and hardly below. */
export function sameTimes(t: Test, row: LockRow, { waits, totalNs, maxNs, p99Ns }: Times, what = 'the program'): void {
  t.equal(row.acquisitions, waits, `as many waits as ${what} counted`);
  t.equal(row.histogram.counts.reduce((sum, n) => sum + n, 0), waits, 'all of them in the histogram');
  sameTotal(t, row.total, totalNs, what);
  t.ok((row.max ?? Infinity) <= maxNs, `longest: ${row.max} ns, not above ${maxNs} ns`);
  const ratio = (row.p99 ?? 0) / p99Ns;
  t.ok(ratio <= BUCKET && (EMULATED || ratio >= 1 / BUCKET), `99th percentile: ${row.p99} ns, within a bucket of ${p99Ns} ns`);
}

/** CLOCK_MONOTONIC, in nanoseconds. */
export function readClock(): number {
  return Number(process.hrtime.bigint());
}

export function sameTotal(t: Test, total: number, totalNs: number, what = 'the program'): void {
  t.ok(total <= totalNs && total >= totalNs * (1 - TOLERANCE), `total: ${total} ns, at most ${100 * TOLERANCE} % below ${totalNs} ns of ${what}`);
}

/** `[[name, tid, count], …]` of shares whose parts add up to the whole. */
export function people(shares: readonly Share[]): [string, number, number][] {
  return shares.map(({ name, tid, count }) => [name, tid, count]);
}

/** A lock that one thread held and another waited for, as most workloads have it. */
export function sameDuel(t: Test, row: LockRow, truth: Times & Pick<DuelTruth, 'threads' | 'holder'>, sleeps = truth.waits): void {
  sameTimes(t, row, truth);
  t.equal(row.sleeps, sleeps, 'one sleep each');
  const name = (tid: number): string => truth.threads.find((thread) => thread.tid === tid)?.name ?? '';
  const waiters = truth.threads.filter(({ waits }) => waits > 0);
  t.strictSame(people(row.waiters).sort(), waiters.map(({ name, tid, waits }) => [name, tid, waits]).sort(), 'who waited');
  t.strictSame(people(row.holders), [[name(truth.holder), truth.holder, sleeps]], 'who held it');
  t.strictSame(people(row.releasers), [[name(truth.holder), truth.holder, sleeps]], 'who released it');
  t.equal(row.holders[0]?.share, 1);
}

// What is in the kernel.

export type BpfIds = Readonly<Record<'prog' | 'map' | 'link', readonly number[]>>;

/** Ids of the BPF programs, maps and links that a process holds. */
export function heldIds(pid: number): BpfIds {
  const ids = { prog: new Set<number>(), map: new Set<number>(), link: new Set<number>() };
  for (const fd of listing(`/proc/${pid}/fdinfo`)) {
    for (const [, kind, id] of text(`/proc/${pid}/fdinfo/${fd}`).matchAll(/^(prog|map|link)_id:\s*(\d+)$/gm)) ids[kind as 'prog'].add(Number(id));
  }
  return { prog: [...ids.prog], map: [...ids.map], link: [...ids.link] };
}

/** Which of them are still there: the kernel takes a moment to free them. */
export async function leftOf(ids: BpfIds, patienceMs = 5000): Promise<BpfIds> {
  for (const end = Date.now() + patienceMs; ; await sleep(20)) {
    const left = { prog: still('prog', ids.prog), map: still('map', ids.map), link: still('link', ids.link) };
    if (left.prog.length + left.map.length + left.link.length === 0 || Date.now() > end) return left;
  }
}

function still(kind: keyof BpfIds, ids: readonly number[]): number[] {
  if (ids.length === 0) return [];
  const present = new Set(bpfObjects(kind).map(({ id }) => id));
  return ids.filter((id) => present.has(id));
}

function bpfObjects(kind: keyof BpfIds): { id: number; name?: string }[] {
  const { status, stdout, stderr } = spawnSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', env: ENV, maxBuffer: 1 << 26 });
  // bpftool fails when an object goes away while it lists them.
  if (status !== 0) return /No such file|can't get/.test(stdout + stderr) ? bpfObjects(kind) : raise(`bpftool ${kind} show: ${stdout}${stderr}`);
  return JSON.parse(stdout || '[]') as { id: number; name?: string }[];
}

function raise(message: string): never {
  throw new Error(message);
}

function listing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Programs named like ours that no process holds, after a second. */
async function orphans(): Promise<string[]> {
  const tools = await Promise.all(registry.map(({ load }) => load()));
  const ours = new Set(tools.flatMap(({ schema }) => schema.programs.map(({ name }) => name)));
  for (const end = Date.now() + 1000; ; await sleep(50)) {
    const held = new Set(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => heldIds(Number(pid)).prog));
    const left = bpfObjects('prog').filter(({ id, name = '' }) => ours.has(name) && !held.has(id));
    if (left.length === 0 || Date.now() > end) return left.map(({ name = '' }) => name);
  }
}

// What tests need before they can run.

/** Why nothing can be traced here; undefined when it can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  for (const path of [CLI, program('mutex')]) if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
  return undefined;
}

/** `major.minor` of the running kernel as one number: 5.16 is 516. */
export function kernelVersion(): number {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text('/proc/sys/kernel/osrelease')) ?? [];
  return Number(major) * 100 + Number(minor);
}

/**
 * The tests of one file, several at a time; each is fed by processes of its own. One at a time where functions are hooked: each hook
 * that is put on a function makes the kernel leave out the ends of calls under way, which is counted, and not what is tested here.
 */
export function suite(jobs: number, define: (test: (title: string, body: (t: Test) => Promise<void>, timeoutSeconds?: number) => void) => void): void {
  const why = whyNot();
  if (why !== undefined) {
    t.plan(0, why);
    return;
  }
  const alone = kernelFacts().refused['fentry'] === undefined;
  t.jobs = alone ? 1 : jobs;
  define((title, body, timeoutSeconds = 120) => {
    t.test(title, { buffered: t.jobs > 1, timeout: 1000 * SLOWNESS * timeoutSeconds }, (t) => repeating(t, body));
  });
  t.test('after all of it, no program of ours is left without a process', async (t) => {
    t.strictSame(await orphans(), []);
  });
}

/** A workload that says `skip`: the kernel lacks the feature, or is new enough and should not. */
export function skips(t: Test, truth: Truth, since: number): boolean {
  if (truth.skip === undefined) return false;
  if (kernelVersion() >= since) t.fail(`this kernel has it: ${truth.skip}`);
  else t.pass(truth.skip, { skip: truth.skip });
  return true;
}
