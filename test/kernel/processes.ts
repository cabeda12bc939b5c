/** Programs that tests start. Every process is killed by its id when the test that started it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Truth } from './futex-model.js';
import { ENV, ROOT, SLOWNESS } from './machine.js';

const PATIENCE_MS = SLOWNESS * 60_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Those that a test has started. */
const startedBy = new WeakMap<Test, Running[]>();

/** Ends all that a test has started, and waits for it. */
export async function endAll(t: Test): Promise<void> {
  await Promise.all((startedBy.get(t) ?? []).map((running) => running.end()));
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
    startedBy.set(t, [...(startedBy.get(t) ?? []), this]);
    t.teardown(() => this.end());
  }

  /** Now; its own children may still hold its output. */
  async end(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
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

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function start(command: readonly string[], { cwd, env = ENV }: Surroundings): ChildProcess {
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
  const truth = async <T>(): Promise<T> => JSON.parse((await running.says(/^\{.*\}\n/m))[0]) as T;
  return Object.assign(running, { truth }) as Workload;
}

/** Starts a workload of the deadlock family and waits until it hangs. */
export async function hung(t: Test, name: string, args: readonly string[] = []): Promise<{ program: Running; truth: Truth }> {
  const running = run(t, program(name), args);
  await running.says(/^hung \d+$/m);
  const [line] = await running.says(/^\{.*\}\n/m);
  return { program: running, truth: JSON.parse(line) as Truth };
}

/** Until something is so, a minute at most, without turning the event loop: a reader that hangs. */
export function blockUntil(condition: () => boolean): void {
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (const end = Date.now() + 60_000; !condition() && Date.now() < end; ) Atomics.wait(word, 0, 0, 5);
}

export const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

/** Until the first thread of a process has run for so many nanoseconds more: schedstat in proc(5). */
export async function runsFor(pid: number, ns: number): Promise<void> {
  const ran = (): number => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
  for (const end = ran() + ns; ran() < end; ) await sleep(10);
}

/** CLOCK_MONOTONIC, in nanoseconds. */
export function readClock(): number {
  return Number(process.hrtime.bigint());
}

/** Opens the gates of programs that wait at them, one after the other: where the kernel preempts programs, it skips fewer runs of them. */
export async function inTurn(...programs: Workload[]): Promise<Truth[]> {
  const truths = [];
  for (const each of programs) {
    each.line();
    truths.push(await each.truth());
  }
  return truths;
}
