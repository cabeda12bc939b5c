/** Filters into the kernel: constants before the load, maps after it. */
import { readlinkSync } from 'node:fs';
import type { LiveSource } from './live.js';
import type { SessionOptions } from './options.js';

const PROC_PID_INIT_INO = 0xeffffffc; // include/linux/proc_ns.h: the initial pid namespace

export const writeFilters = {
  /** One process without children is a constant of the programs: the cheapest test there is for everybody else. */
  options({ filters, includeSelf }: SessionOptions): object {
    const single = isSingle(filters);
    return {
      selfTgid: includeSelf ? 0 : process.pid,
      filterTgid: single ? filters.pids[0] : 0,
      filterTargets: filters.pids.length > 0 && !single,
      filterTids: filters.tids.length > 0,
      filterComms: filters.comms.length > 0,
      filterCgroup: filters.cgroup?.id ?? 0n,
      filterCgroupLevel: filters.cgroup?.level ?? 0,
      followChildren: filters.follow,
      nestedPidns: !inInitialPidNamespace(),
    };
  },

  maps(source: LiveSource, { filters }: SessionOptions): void {
    if (!inInitialPidNamespace()) source.run('self__any');
    if (!isSingle(filters)) for (const value of filters.pids) source.put('targets', { value }, { value: 1 });
    for (const value of filters.tids) source.put('target_tids', { value }, { value: 1 });
    for (const comm of filters.comms) source.put('target_comms', namePattern(comm), { value: 1 });
  },
};

const isSingle = ({ pids, follow }: SessionOptions['filters']): boolean => pids.length === 1 && !follow;

const NAME_BITS = 8 * 20; // struct ktrace_name without `bits`

/** `name*` matches what begins so, anything else the whole name. */
function namePattern(text: string): object {
  if (!text.endsWith('*')) return { bits: NAME_BITS, comm: text };
  const comm = text.slice(0, -1);
  return { bits: 8 * Buffer.byteLength(comm), comm };
}

function inInitialPidNamespace(): boolean {
  return readlinkSync('/proc/self/ns/pid') === `pid:[${PROC_PID_INIT_INO}]`;
}
