/** Filters into the kernel: constants before the load, maps after it. */
import type { LiveSource } from './live.js';
import { inInitialPidNamespace } from './namespace.js';
import type { SessionOptions } from './options.js';

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
