/** What ktrace may still do once its programs are attached. */
import { readdirSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { loadBinding } from '../native/load.js';
import { textOf } from '../source/doctor/text.js';
import { CAPABILITIES, sudoCaller } from '../source/rights.js';

/**
 * Maps and iterators (before 5.19 each bpf(2) call takes the right); memory maps and memory of other users' processes.
 * What loading and attaching took, and all else, goes.
 */
const KEPT = [CAPABILITIES.CAP_BPF, CAPABILITIES.CAP_SYS_PTRACE, CAPABILITIES.CAP_DAC_READ_SEARCH];

/**
 * In every thread: become who called sudo(8), and keep but a few capabilities; with `child`, that to end a command of another user as well.
 * Throws KtraceError when a thread still has more.
 */
export function dropPrivileges({ child }: { readonly child: boolean }): void {
  const kept = child ? [...KEPT, CAPABILITIES.CAP_KILL] : KEPT;
  const user = sudoCaller();
  try {
    loadBinding().dropPrivileges(kept, ...(user ? [user.uid, user.gid] : []));
  } catch (cause) {
    throw refused('privileges cannot be dropped', cause);
  }
  const more = threadsWithMore(kept, user?.uid ?? process.geteuid?.() ?? 0);
  if (more.length > 0) throw refused(`privileges remain in ${more.length === 1 ? 'thread' : 'threads'} ${more.join(', ')}`);
}

function refused(what: string, cause?: unknown): KtraceError {
  return new KtraceError(`Not tracing: ${what}`, 'PRIVILEGES', '--keep-privileges goes on with all of them', { cause });
}

/** As /proc tells (proc(5)): ids that differ, more capabilities, or the right to gain some. */
function threadsWithMore(kept: readonly number[], uid: number): string[] {
  const allowed = kept.reduce((mask, capability) => mask | (1n << BigInt(capability)), 0n);
  const uids = Array<number>(4).fill(uid).join('\t');
  return readdirSync('/proc/self/task').filter((thread) => {
    const status = textOf(`/proc/self/task/${thread}/status`);
    if (status === undefined) return false; // it ended
    const masks = [...status.matchAll(/^Cap(?:Prm|Eff|Inh|Amb):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
    const less = masks.length === 4 && masks.every((mask) => (mask & ~allowed) === 0n);
    return !less || !status.includes(`\nUid:\t${uids}\n`) || !status.includes('\nNoNewPrivs:\t1\n');
  });
}
