/** What processes, cgroups and the machine have of memory now. Everything may be gone the next moment, or not ours to read. */
import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import { cgroupFile, memoryMount } from '../source/memory-cgroup.js';
import { inInitialCgroupNamespace } from '../source/namespace.js';
import { textOf } from '../source/doctor/text.js';
import { cgroupStateOf, machineMemoryOf, type CgroupState, type MachineMemory } from '../tools/oom/state.js';
import { pageSize } from './page-size.js';

const MOST_PROCESSES = 20_000;
const LINE = Buffer.alloc(256);

/** Resident bytes by process, from /proc/PID/statm; without threads of the kernel, which have none. One small read for each process. undefined: there is no memory even for that. */
export function residentMemory(): ReadonlyMap<number, number> | undefined {
  const names = attempt(() => readdirSync('/proc'));
  const found = new Map<number, number>();
  for (const name of names ?? []) {
    const pid = Number(name);
    const pages = pid > 0 && found.size < MOST_PROCESSES ? residentPages(name) : 0;
    if (pages > 0) found.set(pid, pages * pageSize());
  }
  return names && found;
}

function residentPages(pid: string): number {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${pid}/statm`, 'r');
    return Number(LINE.toString('latin1', 0, readSync(file, LINE, 0, LINE.length, 0)).split(' ', 2)[1]);
  } catch {
    return 0; // gone
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

export const machineMemory = (): MachineMemory => machineMemoryOf({ meminfo: textOf('/proc/meminfo') ?? '', pressure: textOf('/proc/pressure/memory'), overcommit: textOf('/proc/sys/vm/overcommit_memory') });

/** By its path as the kernel has it; undefined: it is gone, or paths are other ones here. */
export function cgroupState(path: string): CgroupState | undefined {
  const mount = attempt(() => (inInitialCgroupNamespace() ? memoryMount() : undefined));
  return mount && cgroupStateOf(mount.version, (name) => cgroupFile({ mount, path }, name));
}

/** Where memory runs out, reading fails, too. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
