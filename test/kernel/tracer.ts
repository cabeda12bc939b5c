/** ktrace on the command line and as a library, and what is true of each of its runs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { futex as startFutex, type FutexOptions } from '../../src/index.js';
import { heldIds, leftOf, type BpfIds } from './bpf-objects.js';
import type { FutexReport, Truth } from './futex-model.js';
import { accounts } from './losses.js';
import { CLI, ENV, VARIANT } from './machine.js';
import { Running, start, workload, type Surroundings } from './processes.js';
import { surely } from './trial.js';

const commandOf = (tool: string): readonly string[] => [process.execPath, CLI, tool, ...(VARIANT ? ['--variant', VARIANT] : [])];
/** The command line of `ktrace futex`. */
export const FUTEX = commandOf('futex');

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
    surely(t).strictSame(exit, { code: 0, signal: null }, 'ktrace exits with 0');
    surely(t).match(this.stderr, /^(ktrace: tracing [^\n]*\n)?(DEADLOCK\n( {2}[^\n]+\n)+)*([^\n]+ has been in \w+[^\n]* for (about )?[\d.]+\w+\.\n)*$/, 'and says no more on stderr than that it traces, and who is stuck');
    await this.nothingLeft(t);
    return this.stdout;
  }

  async nothingLeft(t: Test): Promise<void> {
    if (this.#held) surely(t).strictSame(await leftOf(this.#held), { prog: [], map: [], link: [] }, 'its BPF programs, maps and links are gone');
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
