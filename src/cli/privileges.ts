/** What ktrace may still do once its programs are attached. */
import { readdirSync, readFileSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { loadBinding } from '../native/load.js';
import { codeOf } from '../source/doctor/text.js';
import { CAPABILITIES, readRights, sudoCaller } from '../source/rights.js';

type Capability = keyof typeof CAPABILITIES;

/**
 * For maps and iterators (before 5.19 each bpf(2) call takes the right), for memory maps, and for memory of other users' processes; each
 * with what stands for it where it is missing. What loading and attaching took, and all else, goes.
 */
const KEPT: readonly (readonly Capability[])[] = [['CAP_BPF', 'CAP_SYS_ADMIN'], ['CAP_SYS_PTRACE'], ['CAP_DAC_READ_SEARCH', 'CAP_DAC_OVERRIDE']];
/** To end a command of another user. */
const WITH_CHILD: readonly Capability[] = ['CAP_KILL'];

/** SIGUSR1 opens Node.js' debugger to everybody on this machine: with our rights, and from any process of the user that we become. */
export function keepDebuggerClosed(): void {
  process.on('SIGUSR1', () => undefined);
}

/**
 * What drops privileges in every thread: become who called sudo(8), and keep but a few capabilities. Who that is, is looked up now, which
 * may take long. It throws KtraceError when a thread still has more.
 */
export function privilegesDropper({ child }: { readonly child: boolean }): () => void {
  const caller = sudoCaller();
  const user = caller && { uid: caller.uid, groups: loadBinding().groupsOf(caller.uid, caller.gid) };
  const effective: readonly string[] = readRights()?.effective ?? [];
  const kept = [...KEPT, ...(child ? [WITH_CHILD] : [])].flatMap((choices) => choices.find((name) => effective.includes(name)) ?? []).map((name) => CAPABILITIES[name]);
  return () => {
    try {
      if (user) loadBinding().dropPrivileges(kept, user.uid, user.groups);
      else loadBinding().dropPrivileges(kept);
    } catch (cause) {
      throw refused('privileges cannot be dropped', cause);
    }
    const more = threadsWithMore(kept, user);
    if (more.length > 0) throw refused(`privileges remain in ${more.length === 1 ? 'thread' : 'threads'} ${more.join(', ')}`);
  };
}

function refused(what: string, cause?: unknown): KtraceError {
  const means = codeOf(cause) === 'EPERM' ? 'it takes CAP_SETUID and CAP_SETGID; ' : '';
  return new KtraceError(`Not tracing: ${what}`, 'PRIVILEGES', `${means}--keep-privileges goes on with all of them`, { cause });
}

interface User {
  readonly uid: number;
  readonly groups: readonly number[];
}

/** As /proc tells (proc(5)): other ids, more capabilities, or the right to gain some. */
function threadsWithMore(kept: readonly number[], user: User | undefined): string[] {
  const allowed = kept.reduce((mask, capability) => mask | (1n << BigInt(capability)), 0n);
  const ids = (id: number): string => Array<number>(4).fill(id).join('\t');
  const lines = ['NoNewPrivs:\t1', ...(user ? [`Uid:\t${ids(user.uid)}`, `Gid:\t${ids(user.groups[0] ?? 0)}`] : [])];
  return readdirSync('/proc/self/task').filter((thread) => {
    const status = statusOf(thread);
    if (status === undefined) return false;
    const masks = [...status.matchAll(/^Cap(?:Prm|Eff|Inh|Amb):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
    return masks.length !== 4 || masks.some((mask) => (mask & ~allowed) !== 0n) || lines.some((line) => !status.includes(`\n${line}\n`));
  });
}

/** undefined when the thread has ended; empty when it cannot be read. */
function statusOf(thread: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(codeOf(error)) ? undefined : '';
  }
}
