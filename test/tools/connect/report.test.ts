import t from 'tap';
import { golden, plainTable } from '../../render/plain.js';
import { ConnectKind, type ConnectEvent } from '../../../src/generated/connect.js';
import type { Tally } from '../../../src/report/model.js';
import type { ReportOptions } from '../../../src/tools/contract.js';
import type { ConnectRecord, Pending } from '../../../src/tools/connect/model.js';
import { lineOf, recordOf } from '../../../src/tools/connect/records.js';
import { connectReport, type ConnectSnapshot } from '../../../src/tools/connect/report.js';
import { Rows, since } from '../../../src/tools/connect/rows.js';

const MS = 1e6;
const OPTIONS: ReportOptions = {
  rows: 10, sort: 'failed', all: false, verbose: false, until: 1e9, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0,
  header: { version: '1', startedAt: '2026-01-01T00:00:00Z', durationNs: 1e9, target: 'all processes', filters: [], variant: 'fentry', attempts: [], limits: [], kernel: '6.12', settled: true },
};
const COUNTS = { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, lost: 0, closesLost: 0, stale: 0, attemptsFull: 0, callless: 0, rowsFull: 0, targetsFull: 0 };

const peer = (last: number, port: number) => ({ address: [192 + 2 * 2 ** 16 + last * 2 ** 24, 0, 0, 0], port, family: 2 });

function event(changes: Partial<ConnectEvent> = {}): ConnectEvent {
  return {
    time: 20 * MS, took: 12.3 * MS, rtt: 0, sent: 0, received: 0, owner: { cgroup: 1n, tgid: 100, tid: 101, uid: 1000, comm: 'worker', process: 'node', cgroupName: `docker-${'ab12'.repeat(16)}.scope` },
    remote: peer(7, 5432), local: peer(1, 51514), error: 0, retransmits: 0, lost: 0, kind: ConnectKind.CONNECT_ESTABLISHED, closer: 0, earlier: 0, unsent: 0, ...changes,
  };
}

const AROUND = { wallTime: (ns: number) => new Date(ns / 1e6).toISOString(), cgroup: (_id: bigint, name: string) => `/${name}`, hostName: () => null };
const record = (changes: Partial<ConnectEvent> = {}): ConnectRecord => recordOf(event(changes), AROUND) as ConnectRecord;
const ended = (error: number, changes: Partial<ConnectEvent> = {}): Partial<ConnectEvent> => ({ kind: ConnectKind.CONNECT_ENDED, error, ...changes });
const rowsOf = (records: readonly ConnectRecord[], by: ConnectSnapshot['by'] = 'dest', most = 100): Rows => {
  const rows = new Rows(by, most);
  for (const each of records) rows.add(each);
  return rows;
};
const snapshot = (rows: Rows, changes: Partial<ConnectSnapshot> = {}): ConnectSnapshot => ({ by: 'dest', rows: rows.snapshot(), pending: [], open: undefined, durationNs: 1e9, names: () => null, counts: COUNTS, ...changes });

t.test('every outcome in words', (t) => {
  const what = (changes: Partial<ConnectEvent>): string => lineOf(recordOf(event(changes), AROUND)).replace(/^00:00:00\.020 {2}worker 100\/101 {2}192\.0\.2\.7:5432 {2}/, '').replace(/ {2}\[from 192\.0\.2\.1:51514, container ab12ab12ab12\]$/, '');
  t.equal(what({}), 'connected in 12.3ms');
  t.equal(what({ retransmits: 1 }), 'connected in 12.3ms, 2 SYNs');
  t.equal(what(ended(111)), 'refused after 12.3ms');
  t.equal(what(ended(110, { retransmits: 2, took: 3e9 })), 'timed out after 3 SYNs, 3.00s');
  t.equal(what(ended(113)), 'unreachable (EHOSTUNREACH) after 12.3ms');
  t.equal(what({ kind: ConnectKind.CONNECT_GAVE_UP }), 'gave up after 12.3ms, 1 SYN');
  t.equal(what({ kind: ConnectKind.CONNECT_GAVE_UP, error: 113, retransmits: 1 }), 'gave up after 12.3ms, 2 SYNs, one answered by EHOSTUNREACH');
  t.equal(what(ended(104)), 'failed after 12.3ms: ECONNRESET');
  t.equal(what({ kind: ConnectKind.CONNECT_UNSENT, error: 99 }), 'failed before the first packet: EADDRNOTAVAIL');
  t.equal(what({ kind: ConnectKind.CONNECT_UNSENT, error: 0 }), 'failed before the first packet');
  t.equal(what({ kind: ConnectKind.CONNECT_GAVE_UP, unsent: 1 }), 'gave up after 12.3ms, before the first SYN');
  t.equal(what({ earlier: 1 }), 'connected in more than 12.3ms');
  t.end();
});

t.test('the end of a connection: who went first, and how much there was', (t) => {
  const closed = (changes: Partial<ConnectEvent>): string => lineOf(recordOf(event({ kind: ConnectKind.CONNECT_CLOSED, took: 2.3e9, sent: 1200, received: 3072, rtt: 1.1 * MS, ...changes }), AROUND));
  t.match(closed({ closer: 1 }), / closed by us after 2\.30s, sent 1\.17 KiB, received 3\.00 KiB, RTT 1\.10ms {2}\[/);
  t.match(closed({ closer: 2, retransmits: 4 }), / closed by the peer after 2\.30s, .*, RTT 1\.10ms, 4 retransmits {2}\[/);
  t.match(closed({ error: 104 }), / reset by the peer after 2\.30s, /);
  t.match(closed({ error: 110 }), / broken \(ETIMEDOUT\) after 2\.30s, /);
  t.match(closed({ closer: 1, error: 104 }), / closed by us, then reset after 2\.30s, /);
  t.match(closed({ closer: 3, retransmits: 1 }), / closed by the peer, then reset by us after 2\.30s, .*, 1 retransmit {2}\[/);
  t.match(closed({ rtt: 0 }), / reset by us after 2\.30s, .*received 3\.00 KiB {2}\[/);
  t.end();
});

t.test('rows by destination: those that fail first, then the slow ones', (t) => {
  const rows = rowsOf([...Array.from({ length: 212 }, () => record(ended(111))), record({ remote: peer(8, 80) }), record({ remote: peer(9, 80), took: 90 * MS })]);
  const report = connectReport(snapshot(rows), OPTIONS, false);
  t.strictSame(report.sections[1]?.rows.map(({ key, attempts, failed }) => [key, attempts, failed]), [['192.0.2.7:5432', 212, 212], ['192.0.2.9:80', 1, 0], ['192.0.2.8:80', 1, 0]]);
  t.strictSame(report.finding, ['192.0.2.7:5432 refused 212 of 212: nothing listens there, or a firewall says so.']);
  t.match(report.sections[1]?.rows[0], { outcomes: [{ name: 'refused', count: 212 }], errors: [{ name: 'ECONNREFUSED', count: 212 }], others: [{ name: 'node (100)', count: 212 }], p50: null });
  t.match(report.sections[1]?.rows[1], { longest: 90 * MS });
  t.end();
});

t.test('the last sentences: nothing failed, who failed, and why', (t) => {
  const findingOf = (records: readonly ConnectRecord[], by: ConnectSnapshot['by'] = 'dest'): readonly string[] => connectReport(snapshot(rowsOf(records, by), { by }), OPTIONS, false).finding;
  t.strictSame(findingOf([record(), record({ remote: peer(8, 80), took: 90 * MS })]), ['None of 2 attempts failed; the longest took 90.0ms: 192.0.2.8:80.']);
  t.strictSame(findingOf([record(), record(ended(111)), record(ended(111)), record(ended(113))], 'process'), ['node (100): 3 of 4 attempts failed (refused 2, unreachable 1).']);
  t.strictSame(findingOf([record(ended(113))]), ['192.0.2.7:5432 was unreachable 1 of 1: the host does not answer on its network, or a router says no.']);
  t.strictSame(findingOf([...Array.from({ length: 3 }, () => record({ kind: ConnectKind.CONNECT_UNSENT, error: 99 })), record(ended(111))]), ['192.0.2.7:5432 failed before the first packet 3 of 4: no local port is left, or the local address is none of this machine.'], 'by its own errors');
  t.strictSame(findingOf([record(ended(112)), record(ended(112)), record({ kind: ConnectKind.CONNECT_UNSENT, error: 101 })]), ['192.0.2.7:5432 was unreachable 2 of 3: the host does not answer on its network, or a router says no.']);
  t.strictSame(findingOf([record(ended(101))]), ['192.0.2.7:5432 was unreachable 1 of 1: there is no route.']);
  t.strictSame(findingOf([record({ kind: ConnectKind.CONNECT_UNSENT, error: 99 })]), ['192.0.2.7:5432 failed before the first packet 1 of 1: no local port is left, or the local address is none of this machine.']);
  t.strictSame(findingOf([record({ kind: ConnectKind.CONNECT_GAVE_UP })]), ['192.0.2.7:5432 was given up 1 of 1: the program closed the socket before it was connected, after 12.3ms at most.']);
  t.strictSame(findingOf([]), []);
  t.end();
});

t.test('errors by name, however many there are and whatever the outcome', (t) => {
  const numbers = Array.from({ length: 25 }, (_, i) => i + 1);
  const rows = rowsOf([...numbers.map((error) => record(ended(error))), ...numbers.map((error) => record({ kind: ConnectKind.CONNECT_UNSENT, error }))]);
  const errors = connectReport(snapshot(rows), OPTIONS, false).sections[1]?.rows[0]?.['errors'] as Tally[];
  t.strictSame([errors.length, errors.filter(({ count }) => count === 2).length, errors.at(-1)], [21, 20, { name: 'others', count: 10 }]);
  t.end();
});

t.test('what was in connections that are over, by row', (t) => {
  const close = (changes: Partial<ConnectEvent>) => recordOf(event({ kind: ConnectKind.CONNECT_CLOSED, sent: 100, received: 5, ...changes }), AROUND);
  const rows = rowsOf([record()]);
  for (const changes of [{ closer: 1 }, { closer: 1, error: 104 }, { error: 104 }, {}]) rows.add(close(changes));
  rows.add(close({ remote: peer(9, 9) }));
  const [row, other] = connectReport(snapshot(rows, { open: [{ pid: 1, tid: 1, thread: 'a', process: 'b', cgroup: '/', address: '192.0.2.7', port: 5432, ageNs: 1, beforeTracing: false }] }), OPTIONS, false).sections[1]?.rows ?? [];
  t.match(row, { attempts: 1, open: 1, sentBytes: 400, receivedBytes: 20, ends: ['closed by us', 'closed by us, then reset', 'reset by the peer', 'reset by us'].map((name) => ({ name, count: 1 })) });
  t.match(other, { key: '192.0.2.9:9', attempts: 0, open: null, sentBytes: 100 });
  t.strictSame(since(rows.snapshot(), rows.snapshot()), []);
  t.end();
});

t.test('rows by process, cgroup and port', (t) => {
  const records = [record(), record({ remote: peer(8, 80) })];
  const keys = (by: ConnectSnapshot['by']): unknown => rowsOf(records, by).snapshot().map(({ key, attempts }) => [key, attempts]);
  t.strictSame(keys('process'), [['node (100)', 2]]);
  t.strictSame(keys('port'), [['port 5432', 1], ['port 80', 1]]);
  t.strictSame(keys('cgroup'), [[`/docker-${'ab12'.repeat(16)}.scope`, 2]]);
  t.end();
});

t.test('what came between two snapshots, and a table that is full', (t) => {
  const rows = rowsOf([record({ took: 90 * MS })]);
  const before = rows.snapshot();
  rows.nextInterval();
  for (const each of [record(), record(ended(111)), record({ kind: ConnectKind.CONNECT_GAVE_UP, took: 7 * MS }), record({ kind: ConnectKind.CONNECT_GAVE_UP, took: 9e9, earlier: 1 })]) rows.add(each);
  const now = rows.snapshot();
  t.match(since(before, now), [{ attempts: 4, outcomes: new Map([['connected', 1], ['refused', 1], ['gaveUp', 2]]), longestNs: 12.3 * MS, gaveUpNs: 7 * MS }], 'the longest of the interval');
  t.match(now, [{ longestNs: 90 * MS }]);
  t.strictSame(since(now, now), []);
  const full = rowsOf([record(), record({ remote: peer(8, 80) }), record()], 'dest', 1);
  t.strictSame([full.aggregated, full.full], [2, 1]);
  t.end();
});

t.test('a report of 80 columns', (t) => {
  const pending: Pending[] = [{ pid: 100, tid: 100, thread: 'worker', process: 'node', cgroup: '/', address: '192.0.2.99', port: 443, ageNs: 42e9, beforeTracing: true }];
  const rows = rowsOf([...Array.from({ length: 23 }, () => record(ended(110, { retransmits: 6, took: 130e9 }))), ...Array.from({ length: 7 }, () => record({ kind: ConnectKind.CONNECT_GAVE_UP, took: 50 * MS })), record({ remote: peer(8, 80) })]);
  const text = plainTable(connectReport(snapshot(rows, { pending, counts: { ...COUNTS, lost: 2 } }), OPTIONS, false));
  t.equal(text, golden('connect.txt', text));
  const nothing = plainTable(connectReport(snapshot(rowsOf([])), OPTIONS, false));
  t.equal(nothing, golden('connect-nothing.txt', nothing));
  t.end();
});
