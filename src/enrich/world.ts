/** The machine as it is now, for reports without tracing. */
import { readFileSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { KernelLog } from '../source/kmsg.js';
import { cgroupIn, cgroupsAbove, findMemoryCgroup, memoryMount, type MemoryCgroup } from '../source/memory-cgroup.js';
import type { KernelNews, World } from '../tools/contract.js';
import type { Outlook } from '../tools/oom/now.js';
import { limitsIn, outlook } from './candidates.js';
import { Procfs } from './procfs.js';

export class Machine implements World {
  readonly #processes = new Procfs();

  wholeLog(): KernelNews {
    const log = new KernelLog({ from: 'beginning' });
    try {
      return { records: log.read(), lost: log.lost };
    } finally {
      log.close();
    }
  }

  swapTotal(): number | undefined {
    return this.#processes.machineMemory().swapTotal ?? undefined;
  }

  wallTime(ns: number): string {
    return this.#processes.wallTime(ns);
  }

  outlook({ cgroup, pid }: { readonly cgroup?: string | undefined; readonly pid?: number | undefined }): Outlook {
    return outlook(cgroup === undefined ? pid === undefined ? undefined : limiting(pid) : findMemoryCgroup(cgroup));
  }
}

/** The nearest cgroup with a limit that a process is in; undefined: none has one. */
function limiting(pid: number): MemoryCgroup | undefined {
  const mount = memoryMount();
  const own = mount && cgroupIn(textOf(pid), mount);
  return own && [own, ...cgroupsAbove(own)].find((each) => limitsIn(each).limit !== null);
}

function textOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch (error) {
    throw new KtraceError(`There is no process ${pid}`, 'ESRCH', 'look for it with `pgrep -a NAME`', { cause: error });
  }
}
