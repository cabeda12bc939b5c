/** `ktrace connect`: storms, full rings and tables, attempts on their way, filters, connections to their end, programs of other kinds. */
import { reverse } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { connect, type ConnectEventRecord } from '../../src/index.js';
import { errnoName } from '../../src/tools/errno.js';
import { linesOf, outcomesOf, reportOf, tracedAttempts, tracing, type Attempts, type ConnectLine, type ConnectReport } from './connects.js';
import { alike, asMany, loss, tolerant, tolerantOfPreemption, whole } from './losses.js';
import { EMULATED, N } from './machine.js';
import { run, workload } from './processes.js';
import { killed } from './sudden-end.js';
import { suite } from './suite.js';
import { ktrace } from './tracer.js';

const STORM = EMULATED ? 500 : 30_000; // of each of two threads
const outcomes = (events: readonly ConnectLine[]): Record<string, number> => outcomesOf(events, ({ outcome = '' }) => outcome);

/** From the state of the socket to the end of connect(2). */
const ENTRY_NS = EMULATED ? 100e6 : 20e6;

interface Connections {
  readonly connections: readonly { readonly kind: string; readonly port: number; readonly sent: number; readonly received: number; readonly rttNs: number; readonly leastNs: number; readonly mostNs: number }[];
  readonly port: number;
}

/** Of cgroup v2 where the process is in one, else that of the memory controller. */
function cgroupOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const [, , , unified = '/'] = lines.find(([, id]) => id === '0') ?? [];
  const v1 = lines.find(([, , controllers]) => controllers === 'memory')?.[3];
  return unified === '/' && v1 !== undefined ? `…/${v1.slice(v1.lastIndexOf('/') + 1)}` : unified;
}

suite(1, (test) => {
  test(`a storm of ${2 * STORM} connections, and none is lost`, async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'attempts', ['--storm', '-n', String(STORM)]);
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'json']);
    target.line();
    const { tookNs, open } = await target.truth<Attempts>();
    const report = reportOf(t, await tracer.finish(t));
    t.comment(`${Math.round((2 * STORM) / (tookNs / 1e9))} a second`);
    const [row] = report.sections.attempts.rows;
    t.equal(row?.key, `127.0.0.1:${open}`);
    asMany(t, report, row?.attempts ?? 0, 2 * STORM);
    t.strictSame([row?.failed, row?.outcomes.map(({ name }) => name)], [0, ['connected']]);
    t.equal(row?.histogram.counts.reduce((sum, count) => sum + count, 0), row?.attempts);
  });

  test('a full ring, a full table and too many attempts at once: what is missing is counted', async (t) => {
    tolerant(t);
    const lossy = async (options: readonly string[], reason: string): Promise<ConnectReport> => {
      const target = await workload(t, 'attempts', ['-n', String(N)]);
      const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'json', ...options]);
      target.line();
      await target.truth();
      const report = reportOf(t, await tracer.finish(t), [reason]);
      t.ok(loss(report, reason) > 0, reason);
      return report;
    };
    const small = await lossy(['--max-rows', '1'], 'rows-full');
    t.equal(small.sections.attempts.rows.length, 1);
    const few = await lossy(['--max-connections', '1'], 'attempts-full');
    t.equal(few.header.accounting.dropped, loss(few, 'attempts-full') + loss(few, 'stale'));
    alike(t, [few, small], few.header.accounting.hits, small.header.accounting.hits, 'what is not followed is no other attempt when its call is over');
    const target = await workload(t, 'attempts', ['--storm', '-n', String(STORM)]);
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'json', '--ring-size', '4096', '--lifetime']);
    tracer.kill('SIGSTOP'); // it does not empty the ring meanwhile, however slow the machine is
    target.line();
    await target.truth();
    tracer.kill('SIGCONT');
    const report = reportOf(t, await tracer.finish(t), ['ring-full', 'closes-lost']);
    asMany(t, report, report.header.accounting.hits, 2 * STORM);
    t.ok(loss(report, 'ring-full') > 0, 'ring-full');
    t.equal(report.header.accounting.dropped, loss(report, 'ring-full') + loss(report, 'stale'), 'stale: a skipped run saw no end');
    const [row] = report.sections.attempts.rows;
    t.equal((row?.ends ?? []).reduce((sum, { count }) => sum + count, 0) + loss(report, 'closes-lost'), row?.attempts, 'a connection that is told has an end that is told, or lost');
  });

  test('an attempt on its way is told, with its age; also one that was there before', async (t) => {
    const pending = async (flag: string, before: string): Promise<void> => {
      const target = await workload(t, 'attempts', [flag]);
      const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'json']);
      target.line();
      const { full } = await target.truth<Attempts>();
      await setTimeout(1200);
      const report = reportOf(t, await tracer.finish(t));
      t.match(report.sections.pending.rows, [{ pid: target.pid, dest: `127.0.0.1:${full}`, beforeTracing: before }]);
      t.ok((report.sections.pending.rows[0]?.age ?? 0) > 1e9);
      t.strictSame([report.header.accounting.hits, report.header.accounting.inFlight], [1, 1]);
      t.match(report.finding[0], new RegExp(`^attempts \\(${target.pid}\\) has been connecting to 127\\.0\\.0\\.1:${full} for (more than )?1\\.\\d+s\\.$`));
    };
    await pending('--pending', 'no');
    await pending('--before', 'yes');
  });

  test('filters in the kernel: port, network, failures, time', async (t) => {
    const only = async (expected: Record<string, number>, ...options: string[]): Promise<ConnectReport> => {
      const { report, events } = await whole(t, () => tracedAttempts(t, ['-n', '2'], options), (found) => isDeepStrictEqual(outcomes(found.events), expected));
      t.strictSame(outcomes(events), expected, options.join(' '));
      return report;
    };
    await only({ refused: 6 }, '--port', '1');
    await only({ unsent: 2 }, '--port', '1,80', '--dest', '198.51.100.0/24');
    await only({ connected: 2, refused: 2, unsent: 2 }, '--dest', '::1,2001:db8::/32');
    const report = await only({ refused: 6, gaveUp: 2, timedOut: 2, unsent: 6 }, '--failed');
    asMany(t, report, report.header.accounting.filtered, report.header.accounting.hits - 16, 'the others are filtered');
    await only({ gaveUp: 2, timedOut: 2 }, '--min-wait', '40ms');
  });

  test('connections to their end: who closed first, or reset it, bytes, time on the way', async (t) => {
    const ENDS: Readonly<Record<string, readonly unknown[]>> = { local: ['local', null, null], remote: ['remote', null, null], reset: ['unknown', 'local', null], broken: ['unknown', 'remote', 'ECONNRESET'] };
    for (const [family, address] of [[[], '127.0.0.1'], [['--six'], '::1']] as const) {
      const target = await workload(t, 'connections', ['-n', String(N), ...family]);
      const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', '--lifetime']);
      target.line();
      const { connections, port } = await target.truth<Connections>();
      const { report, events } = linesOf(t, await tracer.finish(t));
      const closes = events.filter(({ type }) => type === 'close').sort((a, b) => a.time - b.time);
      t.strictSame(closes.map(({ closedBy, reset, error, localPort, sentBytes, receivedBytes, retransmits }) => [closedBy, reset, error, localPort, sentBytes, receivedBytes, retransmits]), connections.map((each) => [...(ENDS[each.kind] ?? []), each.port, each.sent, each.received, 0]));
      t.strictSame(connections.filter(({ sent, received }) => sent !== 123 || received !== 5000), []);
      t.strictSame(closes.filter(({ durationNs = 0 }, i) => durationNs < (connections[i]?.leastNs ?? 0) || durationNs > (connections[i]?.mostNs ?? 0) + ENTRY_NS), [], 'as long as the program measured');
      t.strictSame(closes.flatMap(({ rttNs }, i) => (rttNs !== connections[i]?.rttNs ? [[connections[i]?.kind, rttNs, connections[i]?.rttNs]] : [])), [], 'as TCP_INFO said just before');
      t.ok(closes.every(({ rttNs }) => (rttNs ?? 0) > 0), 'RTT of all');
      const [row] = report.sections.attempts.rows;
      t.match(row, { key: address === '::1' ? `[::1]:${port}` : `${address}:${port}`, attempts: 4 * N, failed: 0, open: null, sentBytes: 4 * N * 123, receivedBytes: 4 * N * 5000 });
      t.strictSame(row?.ends, ['closed by the peer', 'closed by us', 'reset by the peer', 'reset by us'].map((name) => ({ name, count: N })).sort((a, b) => (a.name < b.name ? -1 : 1)));
    }
  });

  test('sockets that are used again, by two threads, without a packet, or for something else', async (t) => {
    const target = await workload(t, 'reused', ['-n', String(N)]);
    const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson']);
    target.line();
    const { attempts } = await target.truth<{ attempts: readonly { readonly outcome: string; readonly error: number }[] }>();
    const { report, events } = linesOf(t, await tracer.finish(t));
    t.strictSame(events.map(({ outcome, error }) => [outcome, error]), attempts.map(({ outcome, error }) => [outcome, error === 0 ? null : errnoName(error)]));
    t.equal(report.header.accounting.hits, attempts.length);
  });

  test('whose connection it is: children, and a name that the report begins with', async (t) => {
    const tracer = ktrace(t, ['-q', '-o', 'ndjson', '--', 'sh', '-c', `${process.execPath} -e "require('net').connect(1, '127.0.0.1').on('error', () => {})"; exit 4`], { tool: 'connect' });
    t.strictSame(await tracer.exit(), { code: 4, signal: null });
    const { report, events } = linesOf(t, tracer.stdout);
    t.match(events, [{ outcome: 'refused', address: '127.0.0.1', port: 1, thread: 'node' }]);
    t.strictSame(report.finding, ['127.0.0.1:1 refused 1 of 1: nothing listens there, or a firewall says so.']);
  });

  test('as a library; names by reverse look-up; a hostile name of a thread', async (t) => {
    const NAME = '\u001b[31mred\n';
    const program = run(t, process.execPath, ['-e', `process.stdin.on('data', () => { process.title = ${JSON.stringify(NAME)}; let left = 2; const again = () => left-- > 0 ? require('net').connect(1, '127.0.0.1').on('error', () => setTimeout(again, 500)) : console.log('over'); again(); }); console.log('ready');`]);
    await program.says(/^ready$/m);
    const [session, table] = [await connect({ pid: program.pid, events: true, resolve: true, failed: true, minDuration: 1 }), await tracing(t, ['-p', String(program.pid)])];
    program.line();
    await program.says(/^over$/m);
    const events: ConnectEventRecord[] = [];
    session.stop();
    for await (const event of session.events()) events.push(event);
    t.match(events, [{ outcome: 'refused', thread: NAME, name: null }, { outcome: 'refused', thread: NAME, cgroup: cgroupOf(program.pid) }]);
    const names = await reverse('127.0.0.1').catch(() => []);
    t.equal((events[1] as ConnectEventRecord).name, names[0] ?? null, 'as the resolver of this machine has it');
    t.match(session.report().sections.find(({ id }) => id === 'attempts')?.rows, [{ key: '127.0.0.1:1', attempts: 2, failed: 2, name: names[0] ?? null }]);
    session.close();
    const text = await table.finish(t);
    t.match(text, /^[\d:.]+ {2}\\x1b\[31mred\\x0a \d+ {2}127\.0\.0\.1:1 {2}refused after /m);
    t.notMatch(text, '\u001b');
    await t.rejects(connect({ by: 'colour' as 'dest' }), { code: 'OPTION' });
    await t.rejects(connect({ dest: 'example.com' }), { code: 'USAGE' });
  });

  test('two at once tell the same', async (t) => {
    const target = await workload(t, 'attempts', ['-n', '3']);
    const both = await Promise.all([0, 1].map(() => tracing(t, ['-p', String(target.pid), '-o', 'ndjson'])));
    target.line();
    const truth = await target.truth<Attempts>();
    const [a, b] = await Promise.all(both.map(async (tracer) => linesOf(t, await tracer.finish(t))));
    t.strictSame(a?.events.map(({ outcome }) => outcome), b?.events.map(({ outcome }) => outcome));
    t.equal(a?.events.length, truth.attempts.length);
  });

  test('killed in a storm, it leaves nothing', async (t) => {
    const target = await workload(t, 'attempts', ['--storm', '-n', '1000000']);
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    target.line();
    const due = Date.now() + 300;
    await killed(t, tracer, 'in a storm', () => Date.now() >= due);
    target.kill('SIGKILL');
  });

  test('wrong words are refused', async (t) => {
    for (const [words, why] of [[['--dest', 'example.com'], 'is no network'], [['--port', '70000'], 'a number from 1 to 65535'], [['--by', 'colour'], 'one of dest']] as const) {
      const tracer = run(t, process.execPath, [new URL('../../dist/cli/main.js', import.meta.url).pathname, 'connect', ...words]);
      t.strictSame(await tracer.exit(), { code: 2, signal: null }, words.join(' '));
      t.match(tracer.stderr, why);
    }
  });
});
