/** Columns of the futex report's sections. */
import { cell, data, detail, verbose, wide } from '../../report/columns.js';
import type { Column } from '../../report/model.js';

export const LOCK_COLUMNS: readonly Column[] = [
  cell('place', 'LOCK', 'text', 'object and offset of the lock, or the memory it lies in'),
  cell('kind', 'KIND', 'text', 'what the lock is; "?" when it is likely only, "??" when guessed'),
  cell('acquisitions', 'WAITS', 'count', 'times a thread wanted the lock and had to sleep for it, however often it slept'),
  cell('total', 'TOTAL', 'ns', 'sum of the waiting, from the beginning of each acquisition to the end of its last sleep'),
  wide('mean', 'MEAN', 'ns', 'total / acquisitions'),
  cell('p50', 'P50', 'ns', 'half of the acquisitions waited at most this long; within 10 %, and 76 ns for what is shorter'),
  wide('p95', 'P95', 'ns', '95 % of the acquisitions waited at most this long; within 10 %, and 76 ns for what is shorter'),
  cell('p99', 'P99', 'ns', '99 % of the acquisitions waited at most this long; within 10 %, and 76 ns for what is shorter'),
  cell('max', 'MAX', 'ns', 'longest acquisition, exact'),
  cell('share', 'SHARE', 'ratio', 'total / (wall time × threads) of the processes that use the lock'),
  detail('holders', 'held by', 'shares', 'threads that held the lock when others began to sleep for it, by the part of the sleeps'),
  detail('releasers', 'released by', 'shares', 'threads that woke the waiters, by the part of the sleeps that ended so'),
  detail('waiters', 'waiting', 'shares', 'threads that waited, by their part of the sleeps'),
  detail('outcomes', 'calls', 'tally', 'how the calls ended'),
  detail('now', 'now', 'text', 'waits that had not ended when the report was made, and who holds the lock now'),
  verbose('mostWaiting', 'most at once', 'count', 'most threads waiting at the same time'),
  verbose('seenFor', 'in use', 'text', 'first and last time that a wait was seen, from the beginning of tracing'),
  verbose('histogram', 'histogram', 'histogram', 'acquisitions by duration'),
  data('id', 'ID', 'text', 'stable within one run'),
  data('address', 'ADDRESS', 'address', 'virtual address in the first process seen'),
  data('shared', 'SHARED', 'text', 'yes: one lock in memory that processes share'),
  data('sure', 'SURE', 'text', 'how sure the kind is: certain, likely or guess'),
  data('pids', 'PIDS', 'text', 'processes that waited for it'),
  data('sleeps', 'SLEEPS', 'count', 'sleeps; more than acquisitions when woken threads lost the race'),
  data('firstSeen', 'FIRST', 'ns', 'first wait, from the beginning of tracing'),
  data('lastSeen', 'LAST', 'ns', 'end of the last wait, from the beginning of tracing'),
  data('wakeCalls', 'WAKES', 'count', 'wake calls on it that woke somebody'),
  data('moved', 'MOVED', 'count', 'waiters that a requeue moved to another address before they were woken'),
  data('preexisting', 'BEFORE', 'count', 'waits that began before tracing; their time counts from its beginning'),
  data('inFlight', 'NOW', 'count', 'waits that had not ended'),
];

export const PROCESS_COLUMNS: readonly Column[] = [
  cell('name', 'PROCESS', 'text', 'name of the process'),
  cell('pid', 'PID', 'pid', 'process id'),
  cell('threads', 'THREADS', 'count', 'threads seen while tracing'),
  cell('locks', 'LOCKS', 'count', 'locks that it waited for'),
  cell('sleeps', 'SLEEPS', 'count', 'sleeps for locks'),
  cell('total', 'TOTAL', 'ns', 'sum of the waiting for locks'),
  cell('share', 'SHARE', 'ratio', 'total / (wall time × threads)'),
];

export const WAIT_COLUMNS: readonly Column[] = [
  cell('thread', 'THREAD', 'text', 'name of the waiting thread'),
  cell('tid', 'TID', 'pid', 'its id'),
  cell('age', 'AGE', 'ns', 'since the wait began; of a wait from before tracing, since the thread last ran'),
  cell('place', 'LOCK', 'text', 'what it waits for'),
  cell('kind', 'KIND', 'text', 'what that is'),
  cell('holder', 'HELD BY', 'text', 'thread that holds it now'),
  data('pid', 'PID', 'pid', 'process of the waiting thread'),
  data('op', 'OPERATION', 'text', 'futex operation'),
  data('beforeTracing', 'BEFORE', 'text', 'yes: the wait began before tracing'),
  data('holderTid', 'HOLDER', 'pid', 'thread id of the holder, 0 when not known'),
  data('designed', 'DESIGNED', 'text', 'yes: waiting by design, not for a lock'),
];

export const DEADLOCK_COLUMNS: readonly Column[] = [
  data('thread', 'THREAD', 'text', 'name of the thread'),
  data('tid', 'TID', 'pid', 'its id'),
  data('pid', 'PID', 'pid', 'its process'),
  data('waitsFor', 'WAITS FOR', 'text', 'the lock, which the next row\'s thread holds'),
  data('address', 'ADDRESS', 'address', 'of that lock'),
  data('kind', 'KIND', 'text', 'of that lock'),
  data('age', 'AGE', 'ns', 'since the thread last ran'),
  data('cycle', 'CYCLE', 'count', 'number of the deadlock, from 1'),
];

export const CALL_COLUMNS: readonly Column[] = [
  cell('op', 'OPERATION', 'text', 'futex operation or system call'),
  cell('calls', 'CALLS', 'count', 'calls that began, or were going on when tracing began'),
  cell('woken', 'WOKEN', 'count', 'waits that were woken; wakes that woke somebody'),
  cell('timedOut', 'TIMED OUT', 'count', 'waits that ended by their time-out'),
  cell('neverSlept', 'NO SLEEP', 'count', 'waits that never slept (EAGAIN); wakes that woke nobody'),
  cell('interrupted', 'INTERRUPTED', 'count', 'sleeps that a signal ended, whether the kernel then goes on or not'),
  cell('errors', 'ERRORS', 'count', 'calls that failed with another errno'),
  data('threads', 'THREADS', 'count', 'threads that the calls woke or moved, by their results'),
];
