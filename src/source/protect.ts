/** ktrace and the OOM killer. */
import { writeFileSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { loadBinding } from '../native/load.js';

const NEVER = '-1000'; // OOM_SCORE_ADJ_MIN, include/uapi/linux/oom.h

/**
 * From now on the kernel does not kill this process for want of memory, and does not drop its code to read it again at each step; what it starts
 * later inherits the first. Throws KtraceError without CAP_SYS_RESOURCE.
 */
export function protectSelf(): void {
  protecting('/proc/self/oom_score_adj', () => writeFileSync('/proc/self/oom_score_adj', NEVER));
  protecting('mlock2', () => loadBinding().lockCode());
}

function protecting(what: string, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    throw new KtraceError(`Cannot protect ktrace from being killed: ${what}`, 'PROTECT', 'it takes CAP_SYS_RESOURCE; or leave out --protect-self', { cause: error });
  }
}
