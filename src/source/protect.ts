/** ktrace and the OOM killer. */
import { writeFileSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { codeOf } from './doctor/text.js';

const NEVER = '-1000'; // OOM_SCORE_ADJ_MIN, include/uapi/linux/oom.h

/** From now on the kernel does not kill this process for want of memory; what it starts later inherits that. Throws KtraceError without CAP_SYS_RESOURCE. */
export function protectSelf(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', NEVER);
  } catch (error) {
    throw new KtraceError(`Cannot protect ktrace from being killed: /proc/self/oom_score_adj: ${codeOf(error)}`, 'PROTECT', 'it takes CAP_SYS_RESOURCE; or leave out --protect-self', { cause: error });
  }
}
