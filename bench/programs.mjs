/** Programs that the bench starts: each under a time limit, ended by its own process id, none left behind. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const now = () => Number(process.hrtime.bigint());

/** Without what makes every Node process slower to start (NODE_EXTRA_CA_CERTS does): it would flatter all ratios to `node -e 0`. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));

const LIMIT_MS = 120_000;
const MOST_IDLE_NS = 10e6; // of CPU: polling its buffers
const HOOK = /perf_event|bpf_link|bpf-prog/;
const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

export class Program {
  stdout = '';
  stderr = '';
  #child;
  #watchers = new Set();

  constructor(command, args, { limit = LIMIT_MS } = {}) {
    this.command = [command, ...args].join(' ');
    this.startedNs = now();
    this.#child = spawn(command, args, { cwd: root, stdio: 'pipe', env: ENVIRONMENT });
    this.#child.stdin.on('error', () => undefined); // it ended before it was told to
    for (const stream of ['stdout', 'stderr']) this.#child[stream].on('data', (chunk) => this.#heard(stream, chunk));
    running.add(this.#child);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limit);
    this.closed = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve({ code: null, signal: null, error }));
      this.#child.on('exit', () => (this.exitedNs = now()));
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      clearTimeout(timer);
      running.delete(this.#child);
      this.#watchers.forEach((watch) => watch(end));
      return end;
    });
  }

  get pid() {
    return this.#child.pid;
  }

  #heard(stream, chunk) {
    this[stream] += chunk;
    this.#watchers.forEach((watch) => watch());
  }

  /** Resolves with the match, and with the time of it, as soon as what it wrote to `stream` matches. */
  said(stream, pattern) {
    return new Promise((resolve, reject) => {
      const watch = (end) => {
        const match = pattern.exec(this[stream]);
        if (!match && !end) return;
        this.#watchers.delete(watch);
        if (match) resolve({ match, ns: now() });
        else reject(this.failure(end));
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  failure({ code, signal, error }) {
    const last = this.stderr.trim().split('\n').slice(-3).join(' | ');
    return new Error(`${this.command}: ${error?.message ?? signal ?? `exit ${code}`}${last ? `: ${last}` : ''}`);
  }

  tell(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  kill(signal) {
    this.#child.kill(signal);
  }

  /** Its end, which must be a success. */
  async done() {
    const end = await this.closed;
    if (end.code !== 0) throw this.failure(end);
    return this.stdout;
  }

  /** End it by its id, at once if it does not listen. */
  async stop(signal = 'SIGINT') {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), 10_000);
    await this.closed;
    clearTimeout(timer);
    return this.stdout;
  }
}

/** A workload of test/workloads that waits at its gate; `go()` lets it run and gives the JSON that it prints. */
export async function gated(name, ...args) {
  const program = new Program(`build/workloads/${name}`, ['--gate', ...args]);
  await program.said('stdout', /^ready \d+\n/);
  const go = async () => {
    program.tell('');
    const text = await program.done();
    return JSON.parse(text.slice(text.indexOf('{')));
  };
  return { pid: program.pid, go, program };
}

/** CPU time of all threads of a process so far, in nanoseconds (schedstat: exact, where proc(5) stat counts ticks). */
export function cpuNs(pid) {
  let sum = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) sum += Number(read(`/proc/${pid}/task/${tid}/schedstat`).split(' ')[0]);
  return sum;
}

/** Empty when it has gone meanwhile. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Peak and present resident memory in bytes. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  return { peak: field('VmHWM'), rss: field('VmRSS') };
}

/** Resolves when a tracer that does not say so has its hooks in place: it holds some, gets no more, and has nothing to do. */
export async function settled(program, ms = 300) {
  let last = { hooks: 0, cpu: 0, ns: now() };
  for (;;) {
    await sleep(20);
    const state = { hooks: hooks(program), cpu: cpuNs(program.pid), ns: now() };
    if (state.ns - program.startedNs > 20e9) throw new Error(`${program.command}: not attached within 20 s`);
    const busy = state.hooks === 0 || state.hooks !== last.hooks || state.cpu - last.cpu > MOST_IDLE_NS;
    if (busy) last = state;
    else if (state.ns - last.ns > ms * 1e6) return;
  }
}

function hooks(program) {
  const held = hooksOf(program.pid);
  if (held === undefined) throw new Error(`${program.command}: it ended: ${program.stderr.trim().split('\n').at(-1)}`);
  return held;
}

/** How many perf events and BPF links a process holds; undefined when it is gone. */
function hooksOf(pid) {
  try {
    const directory = `/proc/${pid}/fd`;
    return readdirSync(directory).filter((fd) => HOOK.test(linkOf(`${directory}/${fd}`))).length;
  } catch {
    return undefined;
  }
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Somebody else who has hooks in the kernel now, which everybody pays for: "PID NAME", or undefined. */
export function stranger() {
  const own = new Set([process.pid, ...[...running].map(({ pid }) => pid)]);
  const pids = readdirSync('/proc').map(Number).filter((pid) => pid > 0 && !own.has(pid));
  const found = pids.find((pid) => hooksOf(pid) > 0);
  return found === undefined ? undefined : `${found} ${read(`/proc/${found}/comm`).trim()}`;
}
