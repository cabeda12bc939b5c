/** Columns of the report's sections. */
import { cell, data, detail, verbose, wide } from '../../report/columns.js';
import type { Column } from '../../report/model.js';
import type { By } from './model.js';

const TITLES: Readonly<Record<By, string>> = { dest: 'DESTINATION', process: 'PROCESS', cgroup: 'CGROUP', port: 'PORT' };

export const rowColumns = (by: By): readonly Column[] => [
  cell('key', TITLES[by], 'text', 'destination, process, cgroup or port, as --by says'),
  cell('attempts', 'ATTEMPTS', 'count', 'attempts that are over'),
  cell('failed', 'FAILED', 'count', 'those that did not connect, whatever the reason'),
  cell('rate', 'RATE', 'rate', 'attempts a second, over the whole time'),
  cell('p50', 'P50', 'ns', 'half of those that connected took at most this long; within 10 %'),
  cell('p95', 'P95', 'ns', '95 % of those that connected took at most this long; within 10 %'),
  cell('p99', 'P99', 'ns', '99 % of those that connected took at most this long; within 10 %'),
  wide('longest', 'MAX', 'ns', 'the longest of those that connected, exact'),
  detail('outcomes', 'outcomes', 'tally', 'what became of them'),
  detail('errors', 'errors', 'tally', 'their errors by name'),
  detail('others', by === 'process' ? 'to' : 'by', 'tally', 'processes, by name and id; by process, destinations'),
  detail('name', 'name', 'text', 'by reverse look-up, with --resolve'),
  detail('ends', 'ended', 'tally', 'with --lifetime: how connections ended'),
  detail('open', 'open', 'count', 'with --lifetime: connections that are still there, if any'),
  detail('sentBytes', 'sent', 'bytes', 'with --lifetime: data in connections that are over, counted once however often it was sent'),
  detail('receivedBytes', 'received', 'bytes', 'with --lifetime: data in connections that are over'),
  verbose('histogram', 'latencies', 'histogram', 'how long those that connected took'),
  data('retransmits', 'RETRANSMITS', 'count', 'SYNs that were sent again'),
  data('pending', 'PENDING', 'count', 'attempts that are still on their way'),
];

export const PENDING_COLUMNS: readonly Column[] = [
  cell('thread', 'THREAD', 'text', 'name of the thread that began the attempt'),
  cell('pid', 'PID', 'pid', 'process id'),
  cell('dest', 'DESTINATION', 'text', 'where to'),
  cell('age', 'AGE', 'ns', 'since the attempt began; where that was before tracing, since tracing began'),
  data('tid', 'TID', 'pid', 'thread id'),
  data('beforeTracing', 'BEFORE', 'text', 'yes: it began before tracing'),
];
