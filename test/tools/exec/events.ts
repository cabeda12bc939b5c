/** Made-up events of the kernel. */
import { ExecKind, type ExecEvent } from '../../../src/generated/exec.js';
import type { Processes } from '../../../src/tools/contract.js';

export const MS = 1e6;

/** The text of an exec, as the kernel's side puts it together. */
interface Text {
  readonly path?: string;
  readonly interpreter?: string;
  readonly directory?: readonly string[];
  readonly file?: readonly string[];
  readonly cgroup?: readonly string[];
  readonly argv?: readonly string[];
}

export function textOf({ path = '/usr/bin/git', interpreter = path, directory = ['src', 'srv'], file = ['git', 'bin', 'usr'], cgroup = [], argv = ['git', 'status'] }: Text = {}): Uint8Array {
  const list = (texts: readonly string[]): string[] => [...texts, ''];
  return Buffer.from([path, interpreter, ...list(directory), ...list(file), ...list(cgroup), ...argv].map((text) => `${text}\0`).join(''));
}

export function event(changes: Partial<ExecEvent> & { readonly bytes?: Uint8Array } = {}): ExecEvent {
  const { bytes = new Uint8Array(0), ...rest } = changes;
  const text = new Uint8Array(512);
  text.set(bytes.subarray(0, 512));
  return {
    time: 0, processBegan: 1, began: 10 * MS, cpu: 0, peak: 0, tgid: 100, tid: 100, uid: 1000, euid: 1000, dirfd: -100, status: 0, error: 0,
    kind: ExecKind.EXEC_STARTED, flags: 0, textBytes: Math.min(512, bytes.length), textWhole: bytes.length, part: 0, lost: 0, comm: 'git',
    ancestors: [{ tgid: 50, comm: 'node' }, { tgid: 1, comm: 'systemd' }, ...Array.from({ length: 4 }, () => ({ tgid: 0, comm: '' }))], text, ...rest,
  };
}

/** Parts of one exec: all but the first come before it. */
export function parts(bytes: Uint8Array, changes: Partial<ExecEvent> = {}): ExecEvent[] {
  const count = Math.ceil(bytes.length / 512);
  const more = Array.from({ length: count - 1 }, (_, i) => ({ ...event({ ...changes, bytes: bytes.subarray(512 * (i + 1), 512 * (i + 2)) }), kind: ExecKind.EXEC_MORE, part: i + 1, textWhole: bytes.length }));
  return [...more, event({ ...changes, bytes })];
}

export function processes(now = 1e9, zombies: readonly number[] = []): Processes {
  return {
    mappings: () => undefined, memory: () => null, descriptor: () => undefined, cgroup: () => undefined, denied: () => [],
    commandLine: (pid) => (pid === 50 ? ['/usr/bin/node', '--inspect', '/srv/worker.js'] : undefined),
    hostName: () => undefined,
    isZombie: (pid) => zombies.includes(pid),
    now: () => now,
    kernelLog: () => undefined,
    residentMemory: () => new Map(),
    machineMemory: () => ({ available: null, swapFree: null, swapTotal: null, promised: null, total: null, overcommit: null, pressure: null }),
    cgroupState: () => undefined,
    began: () => undefined,
    wallTime: (ns) => new Date(ns / 1e6).toISOString(),
  };
}
