/** `ktrace connect` between two networks: a client in Node, and a server that answers, refuses, drops, or says that there is no way. */
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { linesOf, outcomesOf, tracing, type ConnectLine, type ConnectReport } from './connects.js';
import { EMULATED, N } from './machine.js';
import { ABSENT, DROPPED, networks, NOWHERE, REJECTED, SERVER, synsAgain, UNREACHABLE, type Network } from './networks.js';
import { program, run } from './processes.js';
import { suite } from './suite.js';

const CLIENTS = fileURLToPath(new URL('../workloads/clients.mjs', import.meta.url));
const LISTEN = "const server = require('net').createServer((socket) => socket.on('error', () => {}).end()); server.listen(0, '::', 4096, () => console.log('port ' + server.address().port));";
const CLOSED = 1;

/** What Node said. */
interface Told {
  readonly kind: string;
  readonly address: string;
  readonly error: string | null;
  readonly tried: readonly string[];
}

interface Seen {
  readonly told: readonly Told[];
  readonly events: readonly ConnectLine[];
  readonly report: ConnectReport;
}

/** `count` attempts of each kind, traced. `PORT` in a kind is that of the server. */
async function seen(t: Test, { client, server }: Readonly<Record<'client' | 'server', Network>>, kinds: readonly string[], count = N): Promise<Seen & { port: number }> {
  const listener = run(t, 'nsenter', [...server.prefix, process.execPath, '-e', LISTEN]);
  const port = Number((await listener.says(/^port (\d+)$/m))[1]);
  const running = run(t, 'nsenter', [...client.prefix, process.execPath, CLIENTS, String(count), ...kinds.map((kind) => kind.replace('PORT', String(port)))]);
  await running.says(/^ready \d+$/m);
  const tracer = await tracing(t, ['-p', String(running.pid), '-o', 'ndjson']);
  running.line();
  const [line] = await running.says(/^\{.*\}\n/m);
  const { attempts } = JSON.parse(line) as { attempts: Told[] };
  return { told: attempts, port, ...linesOf(t, await tracer.finish(t)) };
}

/** `ADDRESS OUTCOME ERROR` and how often. */
const counted = (events: readonly ConnectLine[]): Record<string, number> => outcomesOf(events, ({ address, outcome, error }) => `${address} ${outcome} ${error}`);
const expected = (addresses: readonly string[], outcome: string, errors: readonly (string | null)[]): Record<string, number> => Object.fromEntries(addresses.map((address, i) => [`${address} ${outcome} ${errors[i] ?? errors[0]}`, N]));

suite(1, (test) => {
  test('a port that listens, one that does not, a drop, no way, nobody, no route: both families', async (t) => {
    const plain = (addresses: readonly string[], port: number | 'PORT'): string[] => addresses.map((address) => `plain:${port}:${address}`);
    const kinds = [...plain(SERVER, 'PORT'), ...plain(SERVER, CLOSED), ...plain(DROPPED, 80), ...plain(UNREACHABLE, 80), ...plain(ABSENT, 80), ...plain(NOWHERE, 80)];
    const both = await networks(t);
    const { told, events, report, port } = await seen(t, both, kinds);
    t.strictSame(counted(events), {
      ...expected(SERVER, 'connected', [null]),
      ...expected(SERVER, 'refused', ['ECONNREFUSED']),
      ...expected(DROPPED, 'timedOut', ['ETIMEDOUT']),
      ...expected(UNREACHABLE, 'unreachable', ['EHOSTUNREACH']),
      ...expected(ABSENT, 'unreachable', ['EHOSTUNREACH']),
      ...expected(NOWHERE, 'unsent', ['ENETUNREACH']),
    });
    t.strictSame(outcomesOf(events, ({ address, error }) => `${address} ${error}`), outcomesOf(told, ({ address, error }) => `${address} ${error}`), 'what Node was told');
    t.equal(events.reduce((sum, { retransmits }) => sum + retransmits, 0), synsAgain(both.client), 'SYNs that were sent again, as the kernel counts them');
    t.strictSame(new Set(events.flatMap(({ outcome, localAddress }) => (outcome === 'connected' ? [localAddress] : []))), new Set(['192.0.2.1', '2001:db8:1::1']));
    t.strictSame(report.sections.attempts.rows.find(({ key }) => key === `[${SERVER[1]}]:${port}`)?.outcomes, [{ name: 'connected', count: N }]);
    t.equal(report.header.accounting.hits, 12 * N);
  });

  test('no way, said before the call is over', async (t) => {
    for (const [i, count, error] of [[0, 1, 'EHOSTUNREACH'], [1, N, 'ENETUNREACH']] as const) {
      const { told, events } = await seen(t, await networks(t), [`plain:80:${REJECTED[i]}`], count);
      t.strictSame(counted(events), { [`${REJECTED[i]} unreachable ${error}`]: count });
      t.strictSame(outcomesOf(told, (each) => String(each.error)), { [error]: count });
    }
  });

  test('what ICMP said of an attempt is not said of the next one of that socket', async (t) => {
    const { client } = await networks(t);
    const running = run(t, 'nsenter', [...client.prefix, program('reused'), '-n', String(N), '--outside', '--gate']);
    await running.says(/^ready \d+$/m);
    const tracer = await tracing(t, ['-p', String(running.pid), '-o', 'ndjson']);
    running.line();
    t.strictSame(await running.exit(), { code: 0, signal: null });
    const { events } = linesOf(t, await tracer.finish(t, null));
    t.strictSame(counted(events), { ...expected([REJECTED[1]], 'unreachable', ['ENETUNREACH']), ...expected([DROPPED[1]], 'gaveUp', [null]) });
  });

  test('a client that gives up after 50 ms', async (t) => {
    const { events, report } = await seen(t, await networks(t), DROPPED.map((address) => `impatient:80:${address}`));
    t.strictSame(counted(events), expected(DROPPED, 'gaveUp', [null]));
    t.ok(events.every(({ tookNs = 0 }) => tookNs >= 50e6), 'not before');
    t.match(report.finding[0], /^\S+:80 was given up 23 of 23: the program closed the socket before it was connected, after [\d.]+ms at most\.$/);
  });

  test('Happy Eyeballs: the address that does not answer is given up, the other one connects', async (t) => {
    const { told, events } = await seen(t, await networks(t), [`eyeballs:PORT:${DROPPED[1]},${SERVER[0]}`]);
    t.strictSame(counted(events), { ...expected([DROPPED[1]], 'gaveUp', [null]), ...expected([SERVER[0]], 'connected', [null]) });
    t.strictSame(outcomesOf(told, ({ address, error, tried }) => `${address} ${error} ${tried.join(' ')}`), { [`${SERVER[0]} null ${DROPPED[1]} ${SERVER[0]}`]: N });
  });

  test('two threads and one socket: an attempt is told once, and where the other one closes it', async (t) => {
    const { client } = await networks(t);
    const raced = async (mode: string, address: string, count: number): Promise<{ told: Readonly<Record<string, number>>; events: readonly ConnectLine[] }> => {
      const running = run(t, 'nsenter', [...client.prefix, program('races'), mode, address, '-n', String(count), '--gate']);
      await running.says(/^ready \d+$/m);
      const tracer = await tracing(t, ['-p', String(running.pid), '-o', 'ndjson']);
      running.line();
      const [line] = await running.says(/^\{.*\}\n/m);
      const { told } = JSON.parse(line) as { told: Record<string, number> };
      return { told, events: linesOf(t, await tracer.finish(t)).events };
    };
    const twice = await raced('--twice', ABSENT[0], N);
    t.equal(Object.values(twice.told).reduce((sum, count) => sum + count, 0), 2 * N);
    t.strictSame(counted(twice.events), { [`${ABSENT[0]} unreachable EHOSTUNREACH`]: N }, 'each socket had one attempt');
    const closed = await raced('--close', NOWHERE[0], EMULATED ? 100 : 1000);
    t.ok((closed.told[constants.errno.ENETUNREACH] ?? 0) > 0);
    t.strictSame(counted(closed.events), { [`${NOWHERE[0]} unsent ENETUNREACH`]: closed.told[constants.errno.ENETUNREACH] }, 'whoever closed it');
  });
});
