import t from 'tap';
import { golden, plainTable } from '../../render/plain.js';
import { SyscallsDrop, type SyscallsRow, type SyscallsTask } from '../../../src/generated/syscalls.js';
import { FIRST_BUCKET } from '../../../src/report/buckets.js';
import type { ReportOptions } from '../../../src/tools/contract.js';
import { cpuCalls, errorsOf, firstErrors, sharedCalls, sharedErrors, since, totalsOf } from '../../../src/tools/syscalls/aggregate.js';
import type { CallTotals, SyscallsSnapshot } from '../../../src/tools/syscalls/model.js';
import { callNames } from '../../../src/tools/call-names.js';
import { hangingNow, syscallsReport, type World } from '../../../src/tools/syscalls/report.js';

const names = callNames('x64');
const SECOND = 1e9;
const [READ, OPENAT, NANOSLEEP] = [0, 257, 35];

const histogram = (bucket: number, count: number): number[] => Array.from({ length: 152 }, (_, i) => (i + FIRST_BUCKET === bucket ? count : 0));
const key = (id: bigint, nr: number, { compat = 0, waits = 0 } = {}): { id: bigint; nr: number; compat: number; waits: number } => ({ id, nr, compat, waits });
const value = (calls: number, totalNs: number, maxNs: number, errors = 0): SyscallsRow => ({ errors, firstError: 11, firstErrors: errors, died: 0, preexisting: 0, totalNs, maxNs, histogram: histogram(42, calls) });

const NONE = value(0, 0, 0);
/** Two CPUs: the first has made one call, the second three. */
const SLOTS = [
  { slotOf: [], kindOf: [READ], taken: 1 },
  { slotOf: [], kindOf: [1024 + READ, READ, 512 + 3], taken: 3 },
];
const CPU_ROWS = [
  { key: 0, values: [value(3, 3000, 2000), value(2, 2 * SECOND, SECOND)] },
  { key: 1, values: [NONE, value(4, 5000, 1500, 1)] },
  { key: 2, values: [NONE, value(1, 100, 100)] },
  { key: 3, values: [NONE, NONE] },
];
const ROWS = [{ key: key(0n, OPENAT), values: [{ ...value(9, 9000, 1000, 9), firstError: 0, firstErrors: 0 }] }];
const BY_PROCESS = [...ROWS, { key: key(0n, READ), values: [value(3, 3000, 2000)] }, { key: key(1n, READ), values: [value(4, 5000, 1500, 1)] }];
const callsOf = (rows: typeof ROWS): CallTotals[] => totalsOf([...cpuCalls(SLOTS, CPU_ROWS), ...sharedCalls(rows)]);
const ERRORS = [
  { key: { key: key(0n, OPENAT), error: 2 }, values: [{ value: 8 }] },
  { key: { key: key(0n, OPENAT), error: 13 }, values: [{ value: 1 }] },
];

function task(tid: number, nr: number, { begin = 0, waits = 0, preexisting = 0 } = {}): SyscallsTask {
  const state = { begin, left: 0, nr, compat: 0, phase: 1, preexisting };
  return { tgid: 100, tid, now: 5 * SECOND, lastRan: SECOND, clockNow: 3601 * SECOND, args: [3n, 16n, 0n, 0n, 0n, 0n], nr, compat: 0, sleeping: 1, waits, comm: `t${tid}`, state } as unknown as SyscallsTask;
}

function snapshot(changes: Partial<SyscallsSnapshot> = {}): SyscallsSnapshot {
  const drops = Array<number>(7).fill(0);
  return { by: 'syscall', startedAt: 0, takenAt: 10 * SECOND, calls: callsOf(ROWS), errors: errorsOf([...firstErrors(cpuCalls(SLOTS, CPU_ROWS)), ...sharedErrors(ERRORS)]), inside: [], threads: new Map(), counters: { hits: 19, drops, rowsFull: 0, errorsFull: 0, targetsFull: 0, eventsLost: 0 }, ...changes };
}

const OPTIONS = {
  rows: 10, sort: 'total', all: false, verbose: false, until: 10 * SECOND, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0,
  header: { version: '1', startedAt: '', durationNs: 10 * SECOND, target: 'x', filters: [], variant: 'btf', attempts: [], limits: [], kernel: '', settled: true },
} satisfies ReportOptions;

const WORLD: World = {
  meaning: (pid) => ({
    abi: { machine: 'x64', word: 8 },
    data: false,
    result: undefined,
    descriptor: (fd) => (fd === 3 ? '/var/log/app.log' : undefined),
    memory: () => ({ bytes: Buffer.from(`text of ${pid}`), cut: false }),
  }),
  cgroup: (id) => (id === 1n ? '/system.slice/app.service' : undefined),
  explain: false,
};

const report = (snap: SyscallsSnapshot, changes: Partial<ReportOptions> = {}, before?: SyscallsSnapshot, world = WORLD): ReturnType<typeof syscallsReport> => syscallsReport(snap, before, names, { ...OPTIONS, ...changes }, world);
const section = (of: ReturnType<typeof report>, id: string): readonly Readonly<Record<string, unknown>>[] => of.sections.find((each) => each.id === id)?.rows ?? [];

t.test('by syscall the rows of all CPUs are one; waiting, and 32-bit programs, have their own', (t) => {
  const made = report(snapshot());
  t.match(section(made, 'work'), [
    { syscall: 'openat', calls: 9, errors: 9, total: 9000, mean: 1000, max: 1000, errnos: [{ name: 'ENOENT', count: 8 }, { name: 'EACCES', count: 1 }] },
    { syscall: 'read', calls: 7, errors: 1, total: 8000, mean: 1143, max: 2000, errnos: [{ name: 'EAGAIN', count: 1 }] },
    { syscall: 'read (32 bit)', calls: 1, errors: 0, total: 100, errnos: { length: 0 } },
  ]);
  t.match(section(made, 'waiting'), [{ syscall: 'read', calls: 2, total: 2 * SECOND, share: 0.2, max: SECOND }]);
  t.strictSame(made.header.accounting, { hits: 19, aggregated: 19, inFlight: 0, filtered: 0, dropped: 0 });
  t.strictSame(made.finding, [], 'less than a hundredth of the time is not worth a word');
  const quick = report(snapshot({ takenAt: 90_000 }));
  t.strictSame(quick.finding, ['Most time went into openat: 9 calls, of which 9 failed, 9.00µs in all, 10.0 % of the wall time.']);
  t.strictSame(quick.next, ['sudo ktrace syscalls -e openat --failed --strace -d 10s']);
  t.strictSame(section(report(snapshot(), { sort: 'calls', rows: 1 }), 'work').map(({ syscall }) => syscall), ['openat']);
  t.end();
});

t.test('by process each keeps its rows, and has its name', (t) => {
  const threads = new Map([[1, { tgid: 1, ownTid: 1, since: 0, exited: 0, comm: 'init' }]]);
  const made = report(snapshot({ by: 'process', calls: totalsOf(sharedCalls(BY_PROCESS)), errors: errorsOf([...firstErrors(cpuCalls(SLOTS, CPU_ROWS)), ...sharedErrors(ERRORS)]), threads }));
  t.strictSame(section(made, 'work').map(({ who, syscall, calls }) => [who, syscall, calls]), [['0', 'openat', 9], ['init (1)', 'read', 4], ['0', 'read', 3]]);
  t.end();
});

t.test('who is in a call: the oldest first; who waits by design only with --all; older than tracing by when the thread last ran', (t) => {
  const inside = [task(1, READ, { begin: 4 * SECOND }), task(2, OPENAT, { begin: 4.5 * SECOND, preexisting: 1 }), task(3, NANOSLEEP, { waits: 1 })];
  const drops = Array<number>(6).fill(0);
  drops[SyscallsDrop.SYSCALLS_PREEXISTING] = 1;
  const snap = snapshot({ inside, counters: { hits: 21, drops, rowsFull: 0, errorsFull: 0, targetsFull: 0, eventsLost: 0 } });
  const made = report(snap);
  t.match(section(made, 'inFlight'), [
    { tid: 2, syscall: 'openat', age: 3600 * SECOND, argument: '"text of 100"', args: '3</var/log/app.log>, "text of 100", O_RDONLY', beforeTracing: 'yes', designed: 'no' },
    { tid: 1, syscall: 'read', age: SECOND, argument: '3</var/log/app.log>', beforeTracing: 'no' },
  ]);
  t.strictSame(made.header.accounting, { hits: 22, aggregated: 19, inFlight: 3, filtered: 0, dropped: 0 });
  t.match(made.finding, ['t2 (2) has been in openat(3</var/log/app.log>, "text of 100", O_RDONLY) for about 1h00m.']);
  t.strictSame(made.sections[0]?.story, ['1 wait by design (--all shows them): nanosleep 1']);
  t.equal(section(report(snap, { all: true }), 'inFlight').length, 3);
  t.equal(report(snap, { all: true, rows: 1 }).sections[0]?.hiddenRows, 2);
  const moved = snapshot({ inside: [{ ...task(1, READ), nr: OPENAT }] });
  t.match(section(report(moved), 'inFlight'), [{ syscall: 'read', argument: '', args: '' }], 'arguments of another call are not shown as its own');
  t.end();
});

t.test('what is in no row is dropped, by reason', (t) => {
  const { SYSCALLS_NO_MEMORY, SYSCALLS_STALE, SYSCALLS_BACKWARDS, SYSCALLS_FILTERED, SYSCALLS_DROPS } = SyscallsDrop;
  const drops = Array<number>(SYSCALLS_DROPS).fill(0);
  Object.assign(drops, { [SYSCALLS_NO_MEMORY]: 1, [SYSCALLS_STALE]: 2, [SYSCALLS_BACKWARDS]: 4, [SYSCALLS_FILTERED]: 8 });
  const made = report(snapshot({ counters: { hits: 50, drops, rowsFull: 16, errorsFull: 32, targetsFull: 64, eventsLost: 0 } }));
  t.strictSame(made.header.accounting, { hits: 50, aggregated: 19, inFlight: 0, filtered: 8, dropped: 23 });
  t.strictSame(made.losses.filter(({ count }) => count > 0).map(({ reason, count }) => [reason, count]), [['rows-full', 16], ['errors-full', 32], ['targets-full', 64], ['no-memory', 1], ['stale', 2], ['clock-backwards', 4]]);
  t.end();
});

t.test('an interval is what came since the last report; a maximum that did not grow is not known', (t) => {
  const before = snapshot();
  const later = ROWS.map((row) => (row.key.nr === OPENAT ? { ...row, values: [{ ...value(11, 10_000, 1000, 10), histogram: histogram(42, 11) }] } : row));
  const errors = ERRORS.map((row) => (row.key.error === 2 ? { ...row, values: [{ value: 9 }] } : row));
  const now = snapshot({ takenAt: 11 * SECOND, calls: callsOf(later), errors: errorsOf([...firstErrors(cpuCalls(SLOTS, CPU_ROWS)), ...sharedErrors(errors)]), counters: { ...before.counters, hits: 23, rowsFull: 2 } });
  const made = report(since(before, now), {}, before);
  t.match(section(made, 'work'), [{ syscall: 'openat', calls: 2, errors: 1, total: 1000, max: null, errnos: [{ name: 'ENOENT', count: 1 }] }]);
  t.equal(section(made, 'work').length, 1);
  t.equal(made.header.intervalNs, SECOND);
  t.strictSame(made.losses.filter(({ count }) => count > 0).map(({ reason, count }) => [reason, count]), [['rows-full', 2]]);
  t.strictSame(made.header.accounting, { hits: 23, aggregated: 21, inFlight: 0, filtered: 0, dropped: 2 });
  t.end();
});

t.test('by cgroup each has its path; --explain says what waiting by design is', (t) => {
  const made = report(snapshot({ by: 'cgroup', calls: totalsOf(sharedCalls(BY_PROCESS)) }), {}, undefined, { ...WORLD, explain: true });
  t.strictSame(section(made, 'work').map(({ who, syscall }) => [who, syscall]), [['cgroup 0', 'openat'], ['/system.slice/app.service', 'read'], ['cgroup 0', 'read']]);
  t.match(made.sections[2]?.story?.join(' '), /epoll_wait.*FUTEX_WAIT.*a millisecond or more/);
  t.equal(report(snapshot()).sections[2]?.story, undefined);
  t.end();
});

t.test('nothing seen is said', (t) => {
  const made = report(snapshot({ calls: [], errors: [] }));
  t.match(made.sections[1], { empty: /No system call/ });
  t.strictSame(made.sections[1]?.rows, []);
  t.strictSame([made.finding, made.next], [[], []]);
  t.end();
});

t.test('the pages are those that were reviewed; who hangs as tracing begins', (t) => {
  const inside = [task(7, OPENAT, { begin: 4.5 * SECOND, preexisting: 1 }), task(8, READ, { begin: 4 * SECOND }), task(9, NANOSLEEP, { waits: 1 })];
  const threads = new Map([[1, { tgid: 1, ownTid: 1, since: 0, exited: 0, comm: 'a\u001b[31mb' }]]);
  const busy = report(snapshot({ inside, takenAt: 90_000 }), {}, undefined, { ...WORLD, explain: true });
  t.matchOnly(plainTable(busy), golden('syscalls.txt', plainTable(busy)));
  t.matchOnly(plainTable(busy, 80, true), golden('syscalls-verbose.txt', plainTable(busy, 80, true)));
  const shared = report(snapshot({ by: 'process', calls: totalsOf(sharedCalls(BY_PROCESS)), errors: [], threads }));
  t.matchOnly(plainTable(shared), golden('syscalls-by-process.txt', plainTable(shared)));
  const quiet = report(snapshot({ calls: [], errors: [], counters: { ...snapshot().counters, hits: 0 } }));
  t.matchOnly(plainTable(quiet), golden('syscalls-quiet.txt', plainTable(quiet)));
  for (const width of [40, 60, 80, 132]) t.strictSame(plainTable(busy, width, true).split('\n').filter((line) => line.length > width), [], `${width} columns`);
  const many = Array.from({ length: 7 }, (_, i) => task(10 + i, OPENAT, { preexisting: 1 }));
  t.strictSame(hangingNow([...many, task(9, NANOSLEEP, { waits: 1 }), task(8, READ, { begin: 4.9 * SECOND })], 5 * SECOND, names, WORLD).slice(4), [
    't14 (14) has been in openat(3</var/log/app.log>, "text of 100", O_RDONLY) for about 1h00m.', '2 more threads have been in a call for more than a second.',
  ]);
  t.end();
});
