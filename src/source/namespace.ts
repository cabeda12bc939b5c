/** The pid namespace that ktrace runs in. */
import { readlinkSync } from 'node:fs';

const PROC_PID_INIT_INO = 0xeffffffc; // include/linux/proc_ns.h: the initial pid namespace

/** Whether ids here are those of the kernel itself, and all processes can be seen. */
export function inInitialPidNamespace(): boolean {
  return readlinkSync('/proc/self/ns/pid') === `pid:[${PROC_PID_INIT_INO}]`;
}
