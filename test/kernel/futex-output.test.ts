/** In which form a report comes out, and what becomes of the command that is traced. */
import { readFileSync, statSync } from 'node:fs';
import type { Test } from 'tap';
import { FORBIDDEN } from '../render/hostile.js';
import { lockAt, only, people, sameDuel } from './compare.js';
import type { FutexReport, Truth } from './futex-model.js';
import { accounts, alike, onceMore, skippedRuns, tolerant, tolerantOfPreemption } from './losses.js';
import { EMULATED, N, VARIANT } from './machine.js';
import { inTurn, program, workload } from './processes.js';
import { suite } from './suite.js';
import { ktrace, parseReport, tracing } from './tracer.js';

/** From the stamp of an event to its place in the ring: emulated CPUs take turns of that length meanwhile. */
const BETWEEN_NS = EMULATED ? 200e6 : 1e6;

interface EventLine {
  readonly type: string;
  readonly end: number;
  readonly pid: number;
  readonly tid: number;
  readonly thread: string;
  readonly lock: string;
  readonly address: string;
  readonly operation: string;
  readonly outcome: string;
  readonly waitNs: number;
  readonly sleepNs: number;
  readonly holder: number;
  readonly wakerTid: number;
  readonly waker: string;
}

suite(3, (test) => {
  test('--events: one line for each wait, in the order of their ends, and the report', async (t) => {
    const target = await workload(t, 'mutex_timed');
    const tracer = await ktrace(t, ['-p', String(target.pid), '--events']).tracing();
    target.line();
    const truth = await target.truth();
    const lines = (await tracer.finish(t)).trimEnd().split('\n').map((line) => JSON.parse(line) as EventLine);
    const report = lines.pop() as unknown as FutexReport;
    t.equal(report.type, 'report');
    accounts(t, report);
    t.equal(lines.length, 2 * N);
    t.ok(lines.every(({ end }, i) => i === 0 || end >= (lines[i - 1]?.end ?? 0)), 'in order');
    const row = only(t, report.sections.locks.rows, 'lock');
    t.equal(lines.reduce((sum, { waitNs }) => sum + waitNs, 0), row.total, 'together as long as in the report');
    const waiter = truth.threads.find(({ name }) => name === 'waiter')?.tid;
    const common = { type: 'wait', pid: target.pid, address: truth.locks[0]?.address, lock: row.place, operation: 'FUTEX_WAIT_BITSET' };
    for (const line of lines.slice(0, N)) t.match(line, { ...common, tid: waiter, thread: 'waiter', outcome: 'woken', holder: truth.holder, wakerTid: truth.holder, waker: 'holder' });
    for (const line of lines.slice(N)) t.match(line, { ...common, tid: truth.impatient, thread: 'impatient', outcome: 'timedOut', holder: truth.pid, wakerTid: 0, waker: '' });
  });

  test('--events of two processes at once are in the order of their ends', async (t) => {
    tolerant(t);
    const [a, b] = [await workload(t, 'mutex_many'), await workload(t, 'mutex_many')];
    const tracer = await ktrace(t, ['-p', `${a.pid},${b.pid}`, '--events']).tracing();
    await inTurn(a, b);
    const lines = (await tracer.finish(t)).trimEnd().split('\n').map((line) => JSON.parse(line) as EventLine);
    const report = lines.pop() as unknown as FutexReport;
    accounts(t, report);
    alike(t, report, lines.length, report.sections.locks.rows.reduce((sum, { sleeps }) => sum + sleeps, 0), 'lines and sleeps');
    // Each is stamped before it is put into the ring, so two CPUs may swap by the time between.
    const late = lines.filter(({ end }, i) => lines.slice(i + 1, i + 50).some((later) => later.end < end - BETWEEN_NS));
    if (skippedRuns(report) === 0 && VARIANT !== 'kprobe') t.strictSame(late, []);
    else t.comment(`${late.length} of ${lines.length} late: where the kernel preempts programs any time may lie between, and kprobes learn of many ends by what the thread does next`);
  });

  test('--all lists what waits by design; without, the table only counts it', async (t) => {
    for (const all of [true, false]) {
      const target = await workload(t, 'idle');
      const tracer = await ktrace(t, ['-p', String(target.pid), ...(all ? ['--all'] : [])]).tracing();
      const [truth] = await inTurn(target);
      const table = await tracer.finish(t);
      t.match(table, /Waiting by design/);
      t.equal(/condition variable/.test(table), all);
      t.match(table, /No thread waited for a lock; the waits seen are idle by design\./);
      t.equal(/\bpool-\d/.test(table), all, 'its threads');
      t.equal(truth?.inFlight, 8);
      if (!all) t.match(table, /1 place, 8 threads waiting now/);
    }
  });

  test('--sort orders the rows, --rows cuts the table and not the JSON', async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'manylocks', ['-t', '30', '-n', '2']);
    const keys = { total: 'total', waits: 'acquisitions', mean: 'mean', p99: 'p99', max: 'max', now: 'inFlight' } as const;
    const tracers = await Promise.all(Object.keys(keys).map((sort) => tracing(t, ['-p', String(target.pid), '--sort', sort, '--rows', '3'])));
    const table = await ktrace(t, ['-p', String(target.pid), '-r', '3']).tracing();
    await inTurn(target);
    for (const [i, column] of Object.values(keys).entries()) {
      const { rows, hiddenRows } = (await (tracers[i] as (typeof tracers)[number]).report(t)).sections.locks;
      t.strictSame([rows.length, hiddenRows], [30, 0]);
      const values = rows.map((row) => row[column] ?? 0);
      t.strictSame(values, [...values].sort((a, b) => b - a), column);
    }
    const text = await table.finish(t);
    t.equal(text.match(/manylocks\+0x[0-9a-f]+ +mutex/g)?.length, 3);
    t.match(text, /27 more/);
  });

  test('--output-file: a file of one\'s own, whole or not at all', async (t) => {
    const file = `${t.testdir()}/report.json`;
    const { truth, tracer } = await intoFile(t, file);
    t.equal(tracer.stdout, '');
    const report = parseReport(readFileSync(file, 'utf8'));
    accounts(t, report);
    sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
    t.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('hostile names of threads: data in JSON, harmless in the table', async (t) => {
    const names = ['1b5b33316d726564', '610a62', '222c2278223a22', 'fffe80', 'e280ae6578652e', 'c29b33316d', '7f7f', 'f09f91bbf09f91bb', '0d20726f6f74'].join(',');
    const target = await workload(t, 'renamed', ['-n', '3', '--names', names]);
    const json = await tracing(t, ['-p', String(target.pid)]);
    const events = await ktrace(t, ['-p', String(target.pid), '--events']).tracing();
    const table = await ktrace(t, ['-p', String(target.pid), '-v', '--all']).tracing();
    const [truth] = await inTurn(target);
    const text = await json.finish(t);
    const report = parseReport(text);
    accounts(t, report);
    const spelled = (hex: string): string => {
      const bytes = Buffer.from(hex, 'hex');
      const decoded = bytes.toString('utf8');
      return Buffer.from(decoded).equals(bytes) ? decoded : [...bytes].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join('');
    };
    const row = only(t, report.sections.locks.rows, 'lock');
    const expected = truth?.threads.filter(({ waits }) => waits > 0).map(({ tid, nameHex, waits }) => [spelled(nameHex), tid, waits]);
    t.strictSame(people(row.waiters).sort(), expected?.sort(), 'each name as it is, byte for byte');
    for (const output of [text, await events.finish(t), await table.finish(t)]) t.notOk(FORBIDDEN.test(output.replaceAll('\n', '')), `no forbidden byte: ${FORBIDDEN.exec(output.replaceAll('\n', ''))?.index}`);
    t.match(table.stdout, /\\x1b\[31mred/);
  });

  test('a command: its output, its exit status, its signals', async (t) => {
    for (const [script, code] of [['exit 7', 7], ['exit 0', 0], ['kill -TERM $$', 143], ['kill -SEGV $$', 139]] as const) {
      const tracer = ktrace(t, ['-q', '-o', 'json', '--', 'sh', '-c', `echo hello; ${script}`]);
      t.strictSame(await tracer.exit(), { code, signal: null }, script);
      t.match(tracer.stdout, /^hello\n\{/);
      t.equal(tracer.stderr, '');
      accounts(t, parseReport(tracer.stdout.slice(6)));
    }
  });

  test('a command inherits nothing but its standard streams', async (t) => {
    const tracer = ktrace(t, ['-q', '--', 'sh', '-c', 'i=0; while [ $i -lt 256 ]; do [ -e /proc/$$/fd/$i ] && echo fd $i; i=$((i + 1)); done; echo sigs $(grep -E "^Sig(Blk|Ign)" /proc/$$/status)']);
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    t.strictSame(tracer.stdout.match(/^fd \d+$/gm), ['fd 0', 'fd 1', 'fd 2']);
    t.match(tracer.stdout, /^sigs SigBlk: 0+ SigIgn: 0+$/m, 'no signal is blocked or ignored');
  });

  test('a command from its first instruction, in a static program', async (t) => {
    const file = `${t.testdir()}/report.json`;
    const tracer = ktrace(t, ['-o', 'json', '-O', file, '--', program('mutex_static')]);
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    const truth = JSON.parse(tracer.stdout) as Truth;
    const report = parseReport(readFileSync(file, 'utf8'));
    accounts(t, report);
    sameDuel(t, lockAt(report, truth.locks[0]?.address ?? ''), truth);
    const { place } = only(t, report.sections.locks.rows);
    if (!EMULATED && place.startsWith('0x')) onceMore(t, 'the program had ended before the first look');
    t.match(place, EMULATED ? /^(mutex_static\+)?0x/ : /^mutex_static\+0x/, 'there the first look may come later than the end of the program');
  });

  test('a command that does not exist', async (t) => {
    const tracer = ktrace(t, ['--', '/nowhere/at/all']);
    t.strictSame(await tracer.exit(), { code: 127, signal: null });
    t.match(tracer.stderr, /\/nowhere\/at\/all/);
  });

  test('two of them at once count the same', async (t) => {
    const target = await workload(t, 'mutex');
    const [a, b] = await Promise.all([tracing(t, ['-p', String(target.pid)]), tracing(t, ['-p', String(target.pid)])]);
    const [truth] = await inTurn(target);
    for (const tracer of [a, b]) sameDuel(t, only(t, (await tracer.report(t)).sections.locks.rows, 'lock'), truth as Truth);
  });

  test('a dry run attaches and traces nothing', async (t) => {
    const tracer = ktrace(t, ['--dry-run']);
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    t.equal(tracer.stdout, '');
    t.match(tracer.stderr, /^ktrace: loaded and attached \(variant (fentry|tracepoint|kprobe)\); nothing was traced\n$/);
  });
});

async function intoFile(t: Test, file: string): Promise<{ truth: Truth; tracer: ReturnType<typeof ktrace> }> {
  const target = await workload(t, 'mutex');
  const tracer = await tracing(t, ['-p', String(target.pid), '-O', file]);
  const [truth] = await inTurn(target);
  await tracer.finish(t);
  return { truth: truth as Truth, tracer };
}
