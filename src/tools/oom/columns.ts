/** Columns of the report's sections. */
import { cell, data, detail, wide } from '../../report/columns.js';
import type { Column } from '../../report/model.js';

export const INCIDENT_COLUMNS: readonly Column[] = [
  cell('number', '#', 'count', 'number of the incident in this run'),
  cell('at', 'TIME', 'text', 'when, UTC'),
  cell('victims', 'VICTIM', 'text', 'who was killed; several with memory.oom.group'),
  cell('held', 'HELD', 'bytes', 'memory of the first victim: anonymous, file, shared, swapped and page tables'),
  cell('adj', 'ADJ', 'count', 'its oom_score_adj'),
  cell('score', 'SCORE', 'count', 'its score in pages, as the kernel computed it; where it is from the log, as the kernel would'),
  wide('ended', 'ENDED', 'ns', 'from the kill until its last thread had ended'),
  wide('freed', 'FREED', 'ns', 'from the kill until its memory was free'),
  wide('restarted', 'RESTART', 'ns', 'from the kill until its program was executed again in the same cgroup or pod'),
  detail('where', 'out of', 'text', 'what ran out'),
  detail('asked', 'asked', 'text', 'who asked for memory'),
  detail('means', 'means', 'text', 'what follows from the facts'),
  data('when', 'WHEN', 'text', 'the same, RFC 3339, UTC'),
  data('candidates', 'CANDIDATES', 'count', 'processes that the kernel looked at'),
  data('constraint', 'CONSTRAINT', 'text', 'none (the machine), cpuset, memoryPolicy or memcg'),
  data('cgroup', 'CGROUP', 'text', 'path of the cgroup whose limit was hit'),
  data('limit', 'LIMIT', 'bytes', 'its limit'),
  data('usage', 'USAGE', 'bytes', 'its usage'),
  data('times', 'TIMES', 'count', 'the how many-th it is in this run at this limit'),
  data('origin', 'ORIGIN', 'text', 'kernel, log or both: where it is from'),
];

export const CANDIDATE_COLUMNS: readonly Column[] = [
  cell('pid', 'PID', 'pid', 'process id'),
  cell('process', 'PROCESS', 'text', 'name of the process'),
  cell('held', 'MEMORY', 'bytes', 'what counts for the score: anonymous, file, shared, swapped and page tables'),
  wide('grew', 'GREW', 'bytes', 'by how much its resident memory has grown in the last minute, or since it is watched'),
  wide('anon', 'ANON', 'bytes', 'anonymous memory'),
  wide('file', 'FILE', 'bytes', 'mapped files'),
  wide('shmem', 'SHARED', 'bytes', 'shared memory and tmpfs, mapped'),
  wide('swap', 'SWAP', 'bytes', 'in swap'),
  wide('pageTables', 'TABLES', 'bytes', 'page tables'),
  cell('adj', 'ADJ', 'count', 'oom_score_adj'),
  cell('score', 'SCORE', 'count', 'pages, as the kernel computed it, or would; - : it may not be killed, or is not known'),
  cell('victim', 'VICTIM', 'text', 'whether it was a victim'),
  data('uid', 'UID', 'count', 'user id'),
  data('number', '#', 'count', 'number of the incident'),
];
