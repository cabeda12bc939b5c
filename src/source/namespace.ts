/** The namespaces that ktrace runs in: include/linux/proc_ns.h has the numbers of the initial ones. */
import { readlinkSync } from 'node:fs';

const PROC_PID_INIT_INO = 0xeffffffc;
const PROC_CGROUP_INIT_INO = 0xeffffffb;

/** Whether ids here are those of the kernel itself, and all processes can be seen. */
export const inInitialPidNamespace = (): boolean => readlinkSync('/proc/self/ns/pid') === `pid:[${PROC_PID_INIT_INO}]`;

/** Whether paths of cgroups here are those of the kernel itself. */
export const inInitialCgroupNamespace = (): boolean => readlinkSync('/proc/self/ns/cgroup') === `cgroup:[${PROC_CGROUP_INIT_INO}]`;
