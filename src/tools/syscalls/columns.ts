/** Columns of the report's sections. */
import { cell, data, detail, verbose, wide } from '../../report/columns.js';
import type { Column } from '../../report/model.js';

const WHO = cell('who', 'WHO', 'text', 'process, thread or cgroup, as --by says; by the name that it had last');

const CALLS: readonly Column[] = [
  cell('syscall', 'SYSCALL', 'text', 'name of the system call; those of 32-bit programs with "(32 bit)"'),
  cell('calls', 'CALLS', 'count', 'calls that returned, or ended with their thread'),
  cell('errors', 'ERRORS', 'count', 'calls that failed'),
  cell('total', 'TOTAL', 'ns', 'sum of their durations'),
  cell('share', 'SHARE', 'ratio', 'total / wall time: above 100 % where several threads are in it at once, or where calls ended that had begun before'),
  wide('mean', 'MEAN', 'ns', 'total / calls'),
  cell('p50', 'P50', 'ns', 'half of the calls took at most this long; within 10 %, and 76 ns for what is shorter'),
  wide('p95', 'P95', 'ns', '95 % of the calls took at most this long; within 10 %, and 76 ns for what is shorter'),
  cell('p99', 'P99', 'ns', '99 % of the calls took at most this long; within 10 %, and 76 ns for what is shorter'),
  cell('max', 'MAX', 'ns', 'longest call, exact'),
  detail('errnos', 'errors', 'tally', 'errors by name'),
  detail('longer', 'begun before', 'tally', 'calls that began before tracing, counted with the time since their threads last got on a CPU'),
  verbose('histogram', 'histogram', 'histogram', 'calls by duration'),
  data('nr', 'NR', 'count', 'number of the system call'),
  data('compat', 'COMPAT', 'text', 'yes: of 32-bit programs'),
  data('died', 'DIED', 'count', 'calls that ended because their thread was killed in them; exit and exit_group are none of them'),
];

export const callColumns = (by: string): readonly Column[] => (by === 'syscall' ? CALLS : [WHO, ...CALLS]);

export const INSIDE_COLUMNS: readonly Column[] = [
  cell('thread', 'THREAD', 'text', 'name of the thread'),
  cell('tid', 'TID', 'pid', 'thread id'),
  cell('pid', 'PID', 'pid', 'process id'),
  cell('syscall', 'SYSCALL', 'text', 'the call that it is in'),
  cell('age', 'AGE', 'ns', 'since the call began; where that was before tracing, since its thread last got on a CPU: a little more than the call, or less if it was woken in it'),
  cell('argument', 'ARGUMENT', 'text', 'its main argument: a path, else a descriptor with what is behind it, else the first'),
  data('beforeTracing', 'BEFORE', 'text', 'yes: it began before tracing'),
  data('designed', 'DESIGNED', 'text', 'yes: it waits by design'),
  data('args', 'ARGS', 'text', 'all of its arguments'),
];
