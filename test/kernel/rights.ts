/** Who processes are and what they may do, as /proc tells. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { ENV } from './machine.js';
import type { Running } from './processes.js';

export const NOBODY = 65534;
/** The environment that sudo(8) makes when that user calls it. */
export const SUDO = { ...ENV, SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY) };

/** linux/capability.h */
const DAC_READ_SEARCH = 1n << 2n;
export const KILL = 1n << 5n;
const SYS_PTRACE = 1n << 19n;
const BPF = 1n << 39n;
/** What ktrace keeps when it traces. */
export const KEPT = DAC_READ_SEARCH | SYS_PTRACE | BPF;

export interface Rights {
  readonly uids: string;
  readonly gids: string;
  readonly groups: string;
  /** Permitted, effective, bounding. */
  readonly capabilities: readonly bigint[];
  readonly noNewPrivileges: string;
}

/** Of each thread. */
export function rightsOf(pid: number): Rights[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
    return { uids: field('Uid'), gids: field('Gid'), groups: field('Groups').trim(), capabilities: ['CapPrm', 'CapEff', 'CapBnd'].map((name) => BigInt(`0x${field(name)}`)), noNewPrivileges: field('NoNewPrivs') };
  });
}

/** That every thread is this user, of the group of the same number, and has these capabilities alone. */
export function everyThread(t: Test, { pid }: Running, id: number, capabilities: bigint, groups = String(id)): void {
  const ids = Array(4).fill(id).join('\t');
  const threads = rightsOf(pid);
  t.ok(threads.length >= 7, `${threads.length} threads, as Node.js has`);
  for (const thread of threads) t.strictSame(thread, { uids: ids, gids: ids, groups, capabilities: [capabilities, capabilities, capabilities], noNewPrivileges: '1' });
}

const MOUNTED = '{ grep -q " /sys/kernel/tracing tracefs " /proc/self/mounts || mount -t tracefs none /sys/kernel/tracing; } && exec "$@"';
/** A command where tracefs is mounted, if need be for itself alone: only CAP_SYS_ADMIN can do without. */
export const WITH_TRACEFS: readonly string[] = ['unshare', '-m', 'sh', '-c', MOUNTED, 'sh'];
