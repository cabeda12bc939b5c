/** A command traced from its first instruction: started by a launcher that waits until the hooks are in place. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KtraceError } from '../errors.js';
import { sudoCaller } from '../source/rights.js';

export interface Child {
  readonly pid: number;
  /** Let it run: the launcher becomes the command. */
  release(): void;
  /** Its exit code, or 128 + the number of the signal that ended it. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Ask it to end (SIGTERM), and do not wait for that. */
  terminate(): void;
  /** End the launcher, unless it was let run. */
  abandon(): void;
}

const LAUNCHER = fileURLToPath(new URL('../../build/Release/ktrace-exec', import.meta.url));

/** `user`: who the command runs as; under sudo, by default, who called it. Throws KtraceError when the launcher is not there. */
export async function startChild(command: readonly string[], user: string | undefined): Promise<Child> {
  const runAs = user ?? sudoCaller()?.uid.toString();
  const child = spawn(LAUNCHER, [...(runAs === undefined ? [] : ['--user', runAs]), '--', ...command], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const ended = exitOf(child);
  ended.catch(() => undefined); // awaited by the run, if it gets that far
  await started(child);
  const gate = child.stdio[3] as NodeJS.WritableStream & { destroy(): void };
  gate.on('error', () => undefined); // the launcher ended first: its exit says so
  return {
    pid: child.pid as number,
    release: () => void gate.end('\n'),
    ended,
    terminate() {
      child.kill('SIGTERM');
      child.unref();
    },
    abandon: () => gate.destroy(),
  };
}

async function started(child: ChildProcess): Promise<void> {
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new KtraceError('start the launcher ktrace-exec', 'LAUNCHER', 'build it: `npm run setup`', { cause });
  }
}

function exitOf(child: ChildProcess): Child['ended'] {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', reject);
  });
}

/** How it has ended, if it has: what the kernel has to say is heard when the event loop has come round. */
export async function endedAlready({ ended }: Child): Promise<Awaited<Child['ended']> | undefined> {
  await setImmediate();
  await setImmediate();
  return Promise.race([ended, Promise.resolve(undefined)]);
}

/** As a shell has it. */
export function exitCodeOf({ code, signal }: { code: number | null; signal: NodeJS.Signals | null }): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
