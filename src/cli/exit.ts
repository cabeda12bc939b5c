/** How ktrace ends: its exit codes, and the one line that says why. */
import { forTerminal } from '../render/sanitize.js';

export const EXIT = {
  ok: 0,
  /** Something failed while running. */
  error: 1,
  /** The command line is wrong. */
  usage: 2,
  /** More was lost than --fail-on-loss allows. */
  losses: 3,
  /** A rule of --alert held. */
  alert: 4,
  /** Memory ran out, and --fail-on-oom was given. */
  oom: 5,
  /** This kernel, or these rights, do not do; the code by which test suites know a skip. */
  cannotTrace: 77,
  /** Second SIGINT. */
  interrupted: 130,
} as const;

/** A wrong command line; the message names the option. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = EXIT.usage;
}

/** What `fail` looks at in anything thrown. */
interface Failure {
  readonly name?: unknown;
  readonly message?: unknown;
  /** What to do next. */
  readonly hint?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  /** Errors of the addon have one. */
  readonly stage?: unknown;
  readonly exitCode?: unknown;
  /** What the verifier said. */
  readonly log?: unknown;
}

const MOST_CAUSES = 5;

function failureOf(error: unknown): Failure {
  return typeof error === 'object' && error !== null ? error : { message: String(error) };
}

/** The addon's errors say only what was tried; their code says the rest. */
function wordsOf({ message, name, code, stage }: Failure): string {
  const words = typeof message === 'string' && message !== '' ? message : String(name ?? 'unknown error');
  return stage === undefined ? words : `${words}: ${String(code)}`;
}

/** `operation: cause of it: cause of that`, a cause that its parent quotes already left out. Causes may form a circle. */
function chain(failure: Failure): string {
  const words: string[] = [];
  let at = failure;
  for (let depth = 0; depth < MOST_CAUSES; depth++) {
    const message = wordsOf(at);
    if (!words.some((word) => word.includes(message))) words.push(message);
    if (at.cause == null) break;
    at = failureOf(at.cause);
  }
  return words.join(': ');
}

function exitCodeOf({ exitCode, name, code }: Failure): number {
  if (code === 'EPIPE') return EXIT.ok;
  if (typeof exitCode === 'number') return exitCode;
  if (code === 'USAGE') return EXIT.usage;
  return name === 'UnsupportedError' || name === 'AttachError' ? EXIT.cannotTrace : EXIT.error;
}

/**
 * Says on stderr, in one sanitized line, what failed, why and what to do (`ktrace: what: cause; next step`), and returns the exit code.
 * A reader of stdout that went away (`| head`) is no failure, nor is commander's way out after --help: nothing is said, and the code is 0.
 * With `verbose` the kernel's own log comes first, where there is one.
 */
export function fail(error: unknown, verbose = false, stderr: { write(text: string): unknown } = process.stderr): number {
  const failure = failureOf(error);
  const exitCode = exitCodeOf(failure);
  if (exitCode === EXIT.ok) return exitCode;
  const hint = typeof failure.hint === 'string' && failure.hint !== '' ? `; ${failure.hint}` : '';
  const text = `${chain(failure)}${hint}`.replace(/\s*\n\s*/g, ' ').trim();
  const log = verbose && typeof failure.log === 'string' ? failure.log.trimEnd().split('\n').map((line) => `${forTerminal(line)}\n`).join('') : '';
  stderr.write(`${log}ktrace: ${forTerminal(text)}\n`);
  return exitCode;
}
