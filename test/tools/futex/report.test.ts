import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import t from 'tap';
import stringWidth from 'string-width';
import { FutexDrop, FutexOp } from '../../../src/generated/futex.js';
import { renderJson } from '../../../src/render/json.js';
import type { Report } from '../../../src/report/model.js';
import { findDeadlocks } from '../../../src/tools/futex/deadlock.js';
import { FUTEX_SORTS, futexReport, type FutexReportOptions } from '../../../src/tools/futex/report.js';
import type { FutexSnapshot } from '../../../src/tools/futex/model.js';
import { FORBIDDEN } from '../../render/hostile.js';
import { plainTable } from '../../render/plain.js';
import {
  MAPPINGS, OPTIONS, PID, PROGRAM, balanced, bitsetRow, calls, conditionMemory, counters, drops, key, lockRow, mutexMemory, mutexWait, part, rwlockMemory, semaphoreMemory, sharedKey, snapshot, threads, wait,
} from './snapshots.js';

const { FUTEX_OP_WAIT, FUTEX_OP_WAIT_BITSET, FUTEX_OP_WAKE } = FutexOp;
const at = (offset: number): bigint => PROGRAM + BigInt(offset);
const OTHER = 5000;

function golden(name: string, actual: string): string {
  const file = new URL(`golden/${name}.txt`, import.meta.url);
  if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, actual);
  return readFileSync(file, 'utf8');
}

const report = (more: Partial<FutexSnapshot>, options: Partial<FutexReportOptions> = {}): Report => futexReport(balanced(snapshot(more)), { ...OPTIONS, ...options });
const section = (from: Report, id: string): Report['sections'][number] | undefined => from.sections.find((each) => each.id === id);

const people = threads([PID, 'server'], [PID + 1, 'worker-1'], [PID + 2, 'worker-2'], [PID + 3, 'flusher'], [PID + 4, 'mailer-1'], [PID + 5, 'mailer-2']);

function busy(): Partial<FutexSnapshot> {
  const stats = lockRow(at(0x8100), { took: [[900, 1_200_000], [90, 9_000_000], [10, 31_000_000]], memory: mutexMemory(PID + 3), outcomes: [990, 10, 212, 0, 0] });
  const config = bitsetRow(at(0x8208), 3, rwlockMemory(8, { writer: PID }), { took: [[23, 300_000]] });
  const queue = bitsetRow(at(0x8328), 0, conditionMemory(0, { waiters: 2, references: [4, 0] }), { took: [[400, 25_000_000]] });
  return {
    threads: people,
    locks: [stats, config, queue],
    parts: [
      part(stats, 'waiter', PID + 1, { comm: 'worker-1', sleeps: 520, ns: 1_100_000_000, maxNs: 31_204_884, maxWaiting: 2 }), part(stats, 'waiter', PID + 2, { comm: 'worker-2', sleeps: 480, ns: 1_100_000_000, maxNs: 30_111_111, maxWaiting: 3 }),
      part(stats, 'holder', PID + 3, { sleeps: 931, ns: 2_000_000_000 }), part(stats, 'holder', PID + 1, { sleeps: 40, ns: 100_000_000 }), part(stats, 'holder', PID + 2, { sleeps: 29, ns: 90_000_000 }),
      part(stats, 'releaser', PID + 3, { comm: 'flusher', sleeps: 930, ns: 2_000_000_000 }),
      part(config, 'waiter', PID + 1, { comm: 'worker-1', sleeps: 23, ns: 6_900_000, maxNs: 412_345 }), part(config, 'holder', PID, { sleeps: 23, ns: 6_900_000 }),
      part(queue, 'waiter', PID + 4, { comm: 'mailer-1', sleeps: 400, ns: 10_000_000_000, maxNs: 26_000_000 }),
    ],
    waits: [
      mutexWait(PID + 1, at(0x8100), PID + 3, { comm: 'worker-1', began: 11.9e9 }),
      ...[PID + 4, PID + 5].map((tid) => wait(tid, at(0x8328), { op: FUTEX_OP_WAIT_BITSET, val: 0, memory: conditionMemory(0, { waiters: 2, references: [4, 0] }), comm: `mailer-${tid - PID - 3}`, began: 'before', lastRan: 492e9 })),
    ],
    counters: counters({ calls: calls([FUTEX_OP_WAKE, 0, [1390, 0, 77]]) }),
  };
}

function idle(): Partial<FutexSnapshot> {
  return { threads: people, waits: [PID + 4, PID + 5].map((tid) => wait(tid, at(0x8400), { op: FUTEX_OP_WAIT_BITSET, val: 0, memory: semaphoreMemory(2), comm: `mailer-${tid - PID - 3}`, began: 'before', lastRan: 492e9 })) };
}

function deadlocked(): Partial<FutexSnapshot> {
  const waits = [
    mutexWait(PID + 1, at(0x8140), PID + 2, { comm: 'transfer-1', began: 'before', lastRan: 440e9 }), mutexWait(PID + 2, at(0x8180), PID + 1, { comm: 'transfer-2', began: 'before', lastRan: 440e9 }),
    mutexWait(PID, at(0x8180), PID + 1, { comm: 'bank', began: 'before', lastRan: 445e9 }),
  ];
  return { threads: threads([PID, 'bank'], [PID + 1, 'transfer-1'], [PID + 2, 'transfer-2']), waits, deadlocks: findDeadlocks(waits, waits, new Map([[PID, MAPPINGS]])) };
}

function hung(): Partial<FutexSnapshot> {
  return { threads: people, waits: [1, 2].map((i) => mutexWait(PID + i, at(0x8100), PID + 3, { comm: `worker-${i}`, began: 'before', lastRan: 400e9 + i * 1e9 })) };
}

const BAD = 'a\x1b[2J\u202e\r\nLOST: 0';

function hostile(): Partial<FutexSnapshot> {
  const mappings = new Map([[PID, MAPPINGS.map((mapping) => (mapping.name.startsWith('/opt') ? { ...mapping, name: `/opt/x; rm -rf ~ #${BAD}` } : mapping))]]);
  const row = lockRow(at(0x8100), { took: [[3, 1e6]], memory: mutexMemory(PID + 3) });
  return {
    mappings, threads: threads([PID, BAD], [PID + 3, BAD]), locks: [row], parts: [part(row, 'holder', PID + 3, { sleeps: 3 }), part(row, 'waiter', PID, { sleeps: 3, comm: BAD })],
    waits: [mutexWait(PID, at(0x8100), PID + 3, { comm: BAD })],
  };
}

function several(): Partial<FutexSnapshot> {
  const own = lockRow(at(0x8100), { took: [[20, 1e6]] });
  const theirs = lockRow(at(0x8100), { key: key(at(0x8100), { tgid: OTHER }), tgid: OTHER, took: [[5, 1e6]] });
  const shared = lockRow(0x7f00_0000_0040n, { key: sharedKey(0x40n), nonprivate: true, memory: mutexMemory(OTHER, { kind: 128 }), took: [[9, 2e6]] });
  return {
    threads: threads([PID, 'server'], [PID + 1, 'worker-1'], [OTHER, 'batch', { tgid: OTHER }]),
    processes: new Map([[PID, { exitedThreadNs: 0, threads: 2 }], [OTHER, { exitedThreadNs: 3e9, threads: 7 }]]),
    locks: [own, theirs, shared],
    parts: [
      part(own, 'waiter', PID, { sleeps: 20, ns: 20e6, maxNs: 1e6 }), part(own, 'holder', PID + 1, { sleeps: 20, ns: 20e6 }), part(theirs, 'waiter', OTHER, { tgid: OTHER, comm: 'batch', sleeps: 5, ns: 5e6, maxNs: 1e6 }),
      part(shared, 'waiter', PID, { sleeps: 8, ns: 16e6, maxNs: 2e6 }), part(shared, 'waiter', OTHER, { tgid: OTHER, comm: 'batch', sleeps: 1, ns: 2e6, maxNs: 2e6 }), part(shared, 'holder', OTHER, { sleeps: 8, ns: 16e6 }),
    ],
    mappings: new Map([[PID, MAPPINGS], [OTHER, MAPPINGS]]),
  };
}

const PAGES: Readonly<Record<string, Partial<FutexSnapshot>>> = { busy: busy(), nothing: {}, idle: idle(), deadlock: deadlocked(), hung: hung(), hostile: hostile(), several: several() };

t.test('the pages are those that were reviewed', (t) => {
  for (const [name, content] of Object.entries(PAGES)) {
    const page = plainTable(report(content));
    t.equal(page, golden(name, page), name);
  }
  const all = plainTable(report(busy(), { all: true, verbose: true }), 80, true);
  t.equal(all, golden('busy-all-verbose', all));
  t.end();
});

t.test('every page fits 80 columns and keeps controls to itself', (t) => {
  for (const [name, content] of Object.entries(PAGES)) {
    for (const verbose of [false, true]) {
      const lines = plainTable(report(content, { all: true, verbose }), 80, verbose).split('\n');
      t.strictSame(lines.filter((line) => stringWidth(line) > 80 || FORBIDDEN.test(line)), [], name);
    }
  }
  t.end();
});

t.test('the report is JSON that keeps to the published schema', (t) => {
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(new URL('../../../schema/report.schema.json', import.meta.url), 'utf8')) as object);
  for (const [name, content] of Object.entries(PAGES)) {
    const parsed: unknown = JSON.parse(renderJson(report(content, { all: true, verbose: true })));
    t.ok(validate(parsed), `${name}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
  }
  t.end();
});

t.test('what is under the title "Contention" is contention, and what is by design is apart', (t) => {
  const page = report(busy(), { all: true });
  t.strictSame(section(page, 'locks')?.rows.map(({ place, kind }) => [place, kind]), [['server+0x8100', 'mutex'], ['server+0x8200', 'rwlock']]);
  t.strictSame(section(page, 'idle')?.rows.map(({ place, kind }) => [place, kind]), [['server+0x8300', 'condition variable']]);
  t.strictSame(section(page, 'inFlight')?.rows.map(({ thread: name, designed }) => [name, designed]), [['mailer-1', 'yes'], ['mailer-2', 'yes'], ['worker-1', 'no']]);
  t.strictSame(section(report(busy()), 'inFlight')?.rows.map(({ thread: name }) => name), ['worker-1'], 'without --all only those that wait for locks');
  t.end();
});

t.test('that threads are idle is on the page without --all, too', (t) => {
  t.match(plainTable(report(busy())), /Waiting by design[^]*1 place, 2 threads/);
  t.match(plainTable(report(idle())), /Waiting by design[^]*1 place, 2 threads/);
  t.notMatch(plainTable(report({})), /by design/);
  t.end();
});

t.test('an empty report says why it is empty, and what it says is true', (t) => {
  const why = (more: Partial<FutexSnapshot>): string => [section(report(more), 'locks')?.empty ?? '', ...report(more).finding].join(' ');
  t.match(why({}), /no futex call was made/i);
  t.notMatch(why(idle()), /no futex call|filters match nothing/i, 'threads wait, though no call ended');
  t.match(why(idle()), /by design/);
  const awake = why({ counters: counters({ calls: calls([FUTEX_OP_WAIT, 7, [0, 0, 7]], [FUTEX_OP_WAKE, 0, [0, 0, 5]]) }) });
  t.match(awake, /12 futex calls.*none of them slept/i);
  const filtered = why({ counters: counters({ calls: calls([FUTEX_OP_WAIT, 7, [7]]), drops: drops({ [FutexDrop.FUTEX_FILTERED]: 7 }) }) });
  t.notMatch(filtered, /none of them slept|No thread waited for a lock\./i, 'they slept, but shorter than --min-wait');
  t.match(filtered, /min-wait|shorter/i);
  const lost = why({ counters: counters({ calls: calls([FUTEX_OP_WAIT, 7, [7]]), drops: drops({ [FutexDrop.FUTEX_DROP_LOCK]: 7 }) }) });
  t.notMatch(lost, /none of them slept|No thread waited for a lock\./i, 'what was lost may have slept');
  t.end();
});

t.test('rows are cut at --rows, and the page says how many', (t) => {
  const locks = Array.from({ length: 30 }, (_, i) => lockRow(at(0x8100 + 64 * i), { took: [[1, 1000 * (i + 1)]] }));
  const cut = section(report({ locks }, { rows: 4 }), 'locks');
  t.strictSame([cut?.rows.length, cut?.hiddenRows], [4, 26]);
  t.strictSame(cut?.rows.map(({ total }) => total), [30_000, 29_000, 28_000, 27_000], 'the largest stay');
  t.strictSame(section(report({ locks }, { rows: Number.MAX_SAFE_INTEGER }), 'locks')?.hiddenRows, 0);
  t.end();
});

t.test('each column to sort by does', (t) => {
  const rows = [lockRow(at(0x8100), { took: [[100, 1000]] }), lockRow(at(0x8140), { took: [[2, 90_000]] }), lockRow(at(0x8180), { took: [[50, 3000]] })];
  const parts = rows.map((row, i) => part(row, 'waiter', i + 1, { maxNs: [5000, 90_000, 200_000][i] ?? 0 }));
  const first = (sort: FutexReportOptions['sort']): unknown => section(report({ locks: rows, parts, waits: [mutexWait(9, at(0x8100), 0)] }, { sort }), 'locks')?.rows[0]?.['place'];
  t.strictSame(FUTEX_SORTS.map((sort) => [sort, first(sort)]), [
    ['total', 'server+0x8140'], ['waits', 'server+0x8100'], ['mean', 'server+0x8140'], ['p99', 'server+0x8140'], ['max', 'server+0x8180'], ['now', 'server+0x8100'],
  ]);
  t.end();
});

t.test('rows that are equal in the column keep one order', (t) => {
  const rows = [at(0x8100), at(0x8140), at(0x8180)].map((address) => lockRow(address, { took: [[1, 1000]] }));
  const places = (locks: typeof rows): unknown => section(report({ locks }), 'locks')?.rows.map(({ place }) => place);
  t.strictSame(places(rows), places(rows.toReversed()));
  t.end();
});

t.test('quantiles lie within what was measured, and the share within the time that threads had', (t) => {
  for (const row of section(report(busy()), 'locks')?.rows ?? []) {
    const { p50, p95, p99, max, mean, share } = row as Record<string, number>;
    t.ok((p50 ?? 0) <= (p95 ?? 0) && (p95 ?? 0) <= (p99 ?? 0) && (p99 ?? 0) <= (max ?? 0) && (mean ?? 0) <= (max ?? 0), JSON.stringify({ p50, p95, p99, max, mean }));
    t.ok((share ?? -1) > 0 && (share ?? 2) < 1);
  }
  t.end();
});

t.test('where several processes are traced, each lock says whose it is, and each process what it waited', (t) => {
  const page = report(several());
  t.strictSame(section(page, 'locks')?.rows.map(({ place, pids }) => [place, pids]), [['server+0x8100 [4242]', '4242'], ['shared jobs+0x40 [4242 5000]', '4242,5000'], ['server+0x8100 [5000]', '5000']]);
  t.strictSame(section(page, 'processes')?.rows.map(({ name, pid, threads: n, locks, sleeps, total }) => [name, pid, n, locks, sleeps, total]), [['server', PID, 2, 2, 28, 36e6], ['batch', OTHER, 7, 2, 6, 7e6]]);
  t.strictSame(section(report(busy()), 'processes')?.rows, [], 'one alone is not listed');
  t.end();
});

t.test('a command over several lines stays one command when it is pasted', (t) => {
  for (const [name, content] of Object.entries(PAGES)) {
    for (const width of [40, 60, 80]) {
      const lines = plainTable(report(content), width).split('\n');
      const from = lines.findIndex((line) => line.startsWith('Next: '));
      if (from < 0) continue;
      const commands = lines.slice(from).map((line) => line.replace(/^Next: /, '').trim());
      for (const [i, line] of commands.entries()) {
        const comment = line.replace(/'[^']*'/g, '').search(/(^|\s)#/);
        t.notOk(comment >= 0 && line.endsWith('\\'), `${name}, ${width}: a comment does not go on in the next line: ${line}`);
        if (i > 0 && line !== '' && !commands[i - 1]?.endsWith('\\')) t.match(line, /^(#|gdb|ktrace|strace|sudo)/, `${name}, ${width}: ${line}`);
      }
    }
  }
  t.end();
});

t.test('the deadlock is told thread by thread, above everything else', (t) => {
  const page = plainTable(report(deadlocked()));
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith('DEADLOCK'));
  t.ok(first > 0 && first < lines.findIndex((line) => line.startsWith('Contention')));
  t.match(page.replace(/\s+/g, ' '), /transfer-1 \(4243\) waits for mutex server\+0x8140, held by transfer-2 \(4244\); asleep for 1m02s transfer-2 \(4244\) waits for mutex server\+0x8180, held by transfer-1 \(4243\); asleep for 1m02s 1 more thread waits behind it None of these threads has run since/);
  t.strictSame(section(report(deadlocked()), 'deadlocks')?.rows.map(({ thread: name, waitsFor, cycle }) => [name, waitsFor, cycle]), [['transfer-1', 'server+0x8140', 1], ['transfer-2', 'server+0x8180', 1]]);
  t.end();
});

t.test('a report is plain data: making it twice gives the same, and changes nothing', (t) => {
  const taken = balanced(snapshot(busy()));
  const once = renderJson(futexReport(taken, OPTIONS));
  t.equal(renderJson(futexReport(taken, OPTIONS)), once);
  t.end();
});
