/** `ktrace oom` as data: its object, its options and its eyes. */
import { KtraceError } from '../../errors.js';
import { schema } from '../../generated/oom.js';
import type { Tool, ToolOptions } from '../contract.js';
import { answer } from './answer.js';
import { OomLook } from './look.js';
import type { OomRecord } from './model.js';
import { linesOf } from './records.js';
import { OOM_SORTS } from './report.js';

const DEFAULT_ROWS = 256; // as in cli.ts

function options({ filters: { launched, minWaitNs, pids, tids, comms, cgroup } }: ToolOptions): object {
  const filters = tids.length + comms.length + (launched ? 0 : pids.length);
  if (minWaitNs > 0 || cgroup || filters > 0) throw new KtraceError('Whom the kernel kills is not decided by one process alone', 'USAGE', 'leave out the filters: incidents are rare');
  return {};
}

export const oomTool: Tool<OomRecord> = {
  name: 'oom',
  schema,
  optionalHooks: { exit_mmap: 'When the memory of a victim is free: this kernel has no tracepoint for it (it came with Linux 6.1). It is when the victim has ended, if nobody shares it.' },
  limits: {
    kprobe: ['The whole way to the allocation: while this is hooked, the kernel\'s own stack lacks who called out_of_memory.'],
    log: ['Neither functions of the kernel nor their ends can be hooked: who asked, what ran out and the candidates are from the kernel log.'],
  },
  alsoOn: {},
  sorts: OOM_SORTS,
  wholeMachine: true,
  hasEvents: true,
  countsEvents: true,
  lines: (own) => (own['summary'] === true ? 'none' : 'usual'),
  line: linesOf,
  answer,
  verdict: ({ header }, own) => (own['failOnOom'] === true && header.accounting.hits > 0 ? 'oom' : undefined),
  options,
  mapSizes: ({ ringBytes }) => ({ candidates: ringBytes }),
  look: (tables, processes, { own }) => new OomLook(tables, processes, Number(own['maxRows'] ?? DEFAULT_ROWS)),
};
