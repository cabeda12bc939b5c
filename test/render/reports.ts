/** Hand-written reports for the golden files. */
import type { Column, Header, Loss, Report, Section } from '../../src/report/model.js';

export const HEADER: Header = {
  tool: 'futex',
  version: '0.1.0',
  startedAt: '2026-11-21T02:13:44.120Z',
  durationNs: 10_004_211_930,
  target: 'server (pid 4242)',
  filters: [],
  variant: 'tracepoint',
  attempts: [],
  limits: [],
  kernel: '6.1.0-44-amd64',
  settled: true,
  accounting: { hits: 18_231, aggregated: 18_226, inFlight: 5, filtered: 0, dropped: 0 },
};

export const LOSSES: readonly Loss[] = [
  { reason: 'locks-map-full', count: 0, meaning: 'waits not in the totals: map full (raise --max-locks)' },
  { reason: 'ring-full', count: 0, meaning: 'single waits not listed: ring full (raise --min-wait)' },
];

export const LOCK_COLUMNS: readonly Column[] = [
  { key: 'lock', title: 'LOCK', unit: 'text', description: 'Symbol, or object file and offset, of the lock.' },
  { key: 'kind', title: 'KIND', unit: 'text', description: 'What the memory at the lock says it is.' },
  { key: 'waits', title: 'WAITS', unit: 'count', description: 'Waits that slept.' },
  { key: 'waitedNs', title: 'WAITED', unit: 'ns', description: 'Sum of all waits.' },
  { key: 'p50Ns', title: 'P50', unit: 'ns', description: 'Median wait.' },
  { key: 'p99Ns', title: 'P99', unit: 'ns', description: '99th percentile.' },
  { key: 'maxNs', title: 'MAX', unit: 'ns', description: 'Longest wait.' },
  { key: 'holders', title: 'HELD BY', unit: 'shares', show: 'detail', description: 'Who held the lock when a wait began, by waits.' },
  { key: 'heldAt', title: 'HELD AT', unit: 'text', show: 'detail', description: 'Where the holder was.' },
  { key: 'waiters', title: 'WAITERS', unit: 'shares', show: 'verbose', description: 'Who waited.' },
  { key: 'outcomes', title: 'OUTCOME', unit: 'tally', show: 'detail', description: 'How the waits ended.' },
  { key: 'histogram', title: 'WAITS', unit: 'histogram', show: 'verbose', description: 'Waits by duration.' },
  { key: 'address', title: 'ADDRESS', unit: 'address', show: 'data', description: 'Address of the futex word.' },
];

const DEADLOCK: Section = {
  id: 'deadlock',
  title: 'DEADLOCK: 2 threads wait for each other',
  columns: [],
  rows: [],
  hiddenRows: 0,
  story: [
    'transfer-1 (4251) waits for accounts+0x40 (mutex), held by transfer-2 (4252), for 3.81s',
    '  at transfer+0x8b bank.c:42 < worker_main+0x31 bank.c:77 < start_thread',
    'transfer-2 (4252) waits for accounts+0x80 (mutex), held by transfer-1 (4251), for 3.81s',
    '  at transfer+0x8b bank.c:42 < worker_main+0x31 bank.c:77 < start_thread',
    '3 more threads wait behind them. None of these waits has a time-out: it will not end by itself.',
  ],
};

const LOCKS: Section = {
  id: 'locks',
  title: 'Contended locks, most waited for first',
  columns: LOCK_COLUMNS,
  rows: [
    {
      lock: 'server+0x40a0', kind: 'mutex', waits: 1412, waitedNs: 14_280_551_002, p50Ns: 9_742_000, p99Ns: 24_930_000, maxNs: 31_204_884,
      holders: [
        { name: 'worker-3', pid: 4242, tid: 4245, count: 1350, ns: 13_911_000_000, share: 0.956 },
        { name: 'worker-1', pid: 4242, tid: 4243, count: 44, ns: 210_000_000, share: 0.0312 },
        { name: 'worker-2', pid: 4242, tid: 4244, count: 10, ns: 91_000_000, share: 0.0071 },
        { name: 'server', pid: 4242, tid: 4242, count: 8, ns: 68_551_002, share: 0.0057 },
      ],
      heldAt: 'update_stats+0x4e stats.c:88 < handle_request+0x1b2 server.c:310 < worker_main+0x77 server.c:402 < start_thread',
      waiters: [
        { name: 'worker-1', pid: 4242, tid: 4243, count: 707, ns: 7_140_000_000, share: 0.5007 },
        { name: 'worker-2', pid: 4242, tid: 4244, count: 705, ns: 7_140_551_002, share: 0.4993 },
      ],
      outcomes: [{ name: 'woken', count: 1409 }, { name: 'timed out', count: 3 }, { name: 'interrupted', count: 0 }],
      histogram: { scale: 2, offset: 78, counts: [1, 0, 0, 4, 9, 12, 20, 31, 44, 70, 101, 140, 190, 240, 260, 190, 74, 20, 4, 0, 0, 2] },
      address: 0x5581_d2a0_40a0n,
    },
    {
      lock: 'libcache.so.3:std::map<std::string, Session>::lock_+0x18', kind: 'rwlock', waits: 23, waitedNs: 412_918, p50Ns: 15_200, p99Ns: 48_100, maxNs: 51_007,
      holders: [], heldAt: null, waiters: [], outcomes: [{ name: 'woken', count: 23 }], histogram: { scale: 2, offset: 54, counts: [9, 9, 4, 0, 0, 1] },
      address: 0x7f3a_91c0_2818n,
    },
  ],
  hiddenRows: 4,
};

const IN_FLIGHT: Section = {
  id: 'in-flight',
  title: 'Still waiting at the end',
  columns: [
    { key: 'thread', title: 'THREAD', unit: 'text', description: 'Name of the waiting thread.' },
    { key: 'tid', title: 'TID', unit: 'pid', description: 'Its thread id.' },
    { key: 'lock', title: 'LOCK', unit: 'text', description: 'What it waits for.' },
    { key: 'forNs', title: 'FOR', unit: 'ns', description: 'How long already.' },
    { key: 'since', title: 'SINCE', unit: 'text', description: 'Whether it waited before tracing began.' },
  ],
  rows: [{ thread: 'worker-2', tid: 4244, lock: 'server+0x40a0', forNs: 8_204_113, since: 'during' }],
  hiddenRows: 0,
};

const IDLE: Section = {
  id: 'idle',
  title: 'Idle by design, not contention',
  columns: [
    { key: 'lock', title: 'WAITS ON', unit: 'text', description: 'The object.' },
    { key: 'kind', title: 'KIND', unit: 'text', description: 'What it is.' },
    { key: 'threads', title: 'THREADS', unit: 'count', description: 'Threads that wait on it.' },
    { key: 'waits', title: 'WAITS', unit: 'count', description: 'Waits that slept.' },
    { key: 'share', title: 'OF TIME', unit: 'ratio', description: 'Part of these threads\' time.' },
  ],
  rows: [
    { lock: 'server+0x4120 (queue_ready)', kind: 'condition variable', threads: 4, waits: 903, share: 0.781 },
    { lock: 'libuv.so.1+0x3d1a0', kind: 'condition variable', threads: 4, waits: 0, share: 1 },
  ],
  hiddenRows: 0,
};

/** A hot mutex, a deadlock of two threads, a wait in flight, two idle condition variables, and one loss. */
export const BUSY: Report = {
  schemaVersion: 1,
  header: {
    ...HEADER,
    filters: ['--min-wait 1ms', '--comm worker-*'],
    attempts: [{ variant: 'fentry', stage: 'attach', errno: 'EPERM' }],
    limits: ['Waits in io_uring futex requests are not system calls, and not traced by this variant.'],
    accounting: { hits: 18_231, aggregated: 18_214, inFlight: 5, filtered: 0, dropped: 12 },
  },
  losses: [{ reason: 'locks-map-full', count: 12, meaning: 'waits are not in the totals: the locks map is full (raise --max-locks)' }, ...LOSSES.slice(1)],
  sections: [DEADLOCK, LOCKS, IN_FLIGHT, IDLE],
  finding: [
    'transfer-1 (4251) and transfer-2 (4252) are deadlocked at transfer+0x8b, bank.c:42.',
    'Apart from that, worker-3 (4245) held server+0x40a0 during 95.6 % of the waits of the other workers, 14.3s in all.',
  ],
  next: ["gdb -p 4242 -batch -ex 'thread apply all bt'", 'sudo ktrace futex --pid 4242 --tid 4245 --events --min-wait 10ms --duration 30s --output ndjson'],
};

/** Nothing seen, and why. */
export const QUIET: Report = {
  schemaVersion: 1,
  header: { ...HEADER, accounting: { hits: 18_402, aggregated: 0, inFlight: 0, filtered: 18_402, dropped: 0 } },
  losses: LOSSES,
  sections: [
    {
      id: 'locks',
      title: 'Contended locks, most waited for first',
      columns: LOCK_COLUMNS,
      rows: [],
      hiddenRows: 0,
      empty: 'No wait of pid 4242 in 10.0s. 18402 waits of other processes were seen and left out by --pid 4242.',
    },
    { ...IN_FLIGHT, rows: [] },
  ],
  finding: ['server (pid 4242) did not wait for any lock.'],
  next: [],
};
