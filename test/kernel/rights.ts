/** Who processes are and what they may do, as /proc tells. */
import { readdirSync, readFileSync } from 'node:fs';

export const NOBODY = 65534;

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
  /** Permitted, effective, bounding. */
  readonly capabilities: readonly bigint[];
  readonly noNewPrivileges: string;
}

/** Of each thread. */
export function rightsOf(pid: number): Rights[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '';
    return { uids: field('Uid'), gids: field('Gid'), capabilities: ['CapPrm', 'CapEff', 'CapBnd'].map((name) => BigInt(`0x${field(name)}`)), noNewPrivileges: field('NoNewPrivs') };
  });
}
