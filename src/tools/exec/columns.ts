/** Columns of the report's sections. */
import { cell, data, detail, verbose, wide } from '../../report/columns.js';
import type { Column } from '../../report/model.js';

export const PROGRAM_COLUMNS: readonly Column[] = [
  cell('program', 'PROGRAM', 'text', 'absolute path of what was executed: of a script the script'),
  cell('started', 'EXECS', 'count', 'processes that became it'),
  cell('rate', 'RATE', 'rate', 'execs a second, over the whole time'),
  cell('failed', 'FAILED', 'count', 'execs of it that failed'),
  cell('p50', 'LIFE P50', 'ns', 'half of those that ended had lived at most this long as this program; within 10 %'),
  cell('p99', 'P99', 'ns', '99 % of those that ended had lived at most this long; within 10 %'),
  wide('longest', 'MAX', 'ns', 'the longest life of those that ended, exact'),
  cell('cpu', 'CPU', 'ns', 'CPU time of those that ended, of all their threads; of those that became another program it is told there'),
  wide('peak', 'PEAK', 'bytes', 'most memory that one of those that ended had resident'),
  detail('ends', 'ended', 'tally', 'how they ended; `exec`: the process became another program'),
  detail('errors', 'failed', 'tally', 'errors of execs that failed'),
  detail('parents', 'by', 'tally', 'processes that started it, by name and id'),
  detail('triedBy', 'tried by', 'tally', 'processes that could not start it'),
  detail('partial', 'CPU', 'text', 'how many of those that ended the kernel had not freed yet, so that their CPU time is too little'),
  verbose('histogram', 'lifetimes', 'histogram', 'lifetimes of those that ended'),
  data('ended', 'ENDED', 'count', 'those that ended'),
  data('running', 'RUNNING', 'count', 'those that are still running'),
];

export const ALERT_COLUMNS: readonly Column[] = [
  cell('rule', 'RULE', 'text', 'the rule, as it was given'),
  cell('count', 'COUNT', 'count', 'how often it held'),
  cell('pid', 'LAST PID', 'pid', 'the last process'),
  cell('what', 'WHAT', 'text', 'what that was'),
  cell('by', 'BY', 'text', 'its parent'),
];
