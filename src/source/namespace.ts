/** The namespaces that ktrace runs in: include/linux/proc_ns.h has the numbers of the initial ones. */
import { existsSync, readlinkSync } from 'node:fs';

const PID_INIT = 'pid:[4026531836]'; // PROC_PID_INIT_INO
const PROC_CGROUP_INIT_INO = 0xeffffffb;

/** Whether ids here are those of the kernel itself, and all processes can be seen. */
export const inInitialPidNamespace = (): boolean => [PID_INIT, undefined].includes(linkOf('/proc/self/ns/pid')); // a kernel may have none

/** Of what pid namespace the files in /proc tell. `foreign`: not of ours; `missing`: it is not mounted. */
export function pidNamespace(): 'initial' | 'nested' | 'foreign' | 'missing' {
  const self = linkOf('/proc/self'); // leads nowhere in one that knows nothing of this process
  if (self === undefined && !existsSync('/proc/filesystems')) return 'missing';
  if (self !== String(process.pid)) return 'foreign';
  return inInitialPidNamespace() ? 'initial' : 'nested';
}

/** Whether paths of cgroups here are those of the kernel itself. */
export const inInitialCgroupNamespace = (): boolean => readlinkSync('/proc/self/ns/cgroup') === `cgroup:[${PROC_CGROUP_INIT_INO}]`;

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
