/** What ktrace, started as root, keeps of its privileges while it traces. */
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { ENV, hung, ktrace, parseReport, suite, type Running } from './harness.js';
import { KEPT, KILL, NOBODY, rightsOf } from './rights.js';

const SUDO = { ...ENV, SUDO_UID: String(NOBODY), SUDO_GID: String(NOBODY) };

function everyThread(t: Test, { pid }: Running, id: number, capabilities: bigint): void {
  const ids = Array(4).fill(id).join('\t');
  const threads = rightsOf(pid);
  t.ok(threads.length >= 7, `${threads.length} threads, as Node.js has`);
  for (const thread of threads) t.strictSame(thread, { uids: ids, gids: ids, capabilities: [capabilities, capabilities, capabilities], noNewPrivileges: '1' });
}

/** Gone, or a zombie that nobody reaps. */
function hasEnded(pid: string): boolean {
  return !readdirSync('/proc').includes(pid) || /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

suite(2, (test) => {
  test('under sudo every thread becomes who called it, with three capabilities; and the report is whole', async (t) => {
    const { program, truth } = await hung(t, 'deadlock');
    const tracer = await ktrace(t, ['-o', 'json', '-p', String(program.pid)], { env: SUDO }).tracing();
    everyThread(t, tracer, NOBODY, KEPT);
    await tracer.says(/DEADLOCK/, 'stderr');
    const report = await tracer.report(t);
    t.strictSame(report.sections.deadlocks.rows.map(({ thread }) => thread).sort(), ['dl-0', 'dl-1']);
    t.match(report.sections.inFlight.rows.map(({ place }) => place).join(), /deadlock\+0x/, 'root\'s memory map is read');
    t.equal(truth.cycle.length, 2);
  });

  test('root stays root, with three capabilities; all with --keep-privileges', async (t) => {
    const tracer = await ktrace(t, ['-o', 'json', '-p', String(process.pid)]).tracing();
    everyThread(t, tracer, 0, KEPT);
    await tracer.report(t);
    const before = rightsOf(process.pid)[0];
    const keeper = await ktrace(t, ['-o', 'json', '-p', String(process.pid), '--keep-privileges'], { env: SUDO }).tracing();
    for (const thread of rightsOf(keeper.pid)) t.strictSame(thread, before);
    await keeper.report(t);
  });

  test('a command of another user keeps its rights, and can be ended', async (t) => {
    const tracer = await ktrace(t, ['-d', '300ms', '-u', 'root', '--', 'sh', '-c', 'grep -E "^(Uid|CapEff|NoNewPrivs)" /proc/self/status; exec sleep 60'], { env: SUDO }).tracing();
    everyThread(t, tracer, NOBODY, KEPT | KILL);
    const command = readFileSync(`/proc/${tracer.pid}/task/${tracer.pid}/children`, 'utf8').trim();
    t.match(command, /^\d+$/, 'one child');
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    t.ok(hasEnded(command), 'it got SIGTERM');
    const own = /^CapEff:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    t.match(tracer.stdout, `Uid:\t0\t0\t0\t0\nCapEff:\t${own}\nNoNewPrivs:\t0\n`);
  });

  test('where they cannot be dropped nothing is traced, but with --keep-privileges', async (t) => {
    const prefix = ['setpriv', '--bounding-set=-setuid', '--inh-caps=-setuid'];
    const tracer = ktrace(t, ['-d', '10s', '-u', 'root', '--', 'echo', 'ran'], { env: SUDO, prefix });
    t.strictSame(await tracer.exit(), { code: 1, signal: null });
    t.equal(tracer.stderr, 'ktrace: Not tracing: privileges cannot be dropped: become the user: EPERM; --keep-privileges goes on with all of them\n');
    t.equal(tracer.stdout, '', 'nor does the command run');
    t.equal((await ktrace(t, ['-q', '-d', '10ms', '--keep-privileges'], { env: SUDO, prefix }).exit()).code, 0);
  });

  test('under sudo -O writes what the calling user may write, as that user', async (t) => {
    const [theirs, ours] = ['theirs', 'ours'].map((name) => join(t.testdir({ theirs: {}, ours: {} }), name)) as [string, string];
    mkdirSync(ours, { recursive: true });
    chownSync(theirs, NOBODY, NOBODY);
    const file = join(theirs, 'report');
    const tracer = ktrace(t, ['-d', '10ms', '-o', 'json', '-O', file], { env: SUDO });
    t.strictSame(await tracer.exit(), { code: 0, signal: null }, tracer.stderr);
    t.match(statSync(file), { uid: NOBODY, gid: NOBODY });
    t.equal(parseReport(readFileSync(file, 'utf8')).header.tool, 'futex');
    const refused = ktrace(t, ['-d', '10s', '-O', join(ours, 'report'), '--', 'echo', 'ran'], { env: SUDO });
    t.strictSame(await refused.exit(), { code: 1, signal: null });
    t.match(refused.stderr, /^ktrace: create [^\n]*: permission denied; choose a file that user 65534 may write, or redirect stdout\n$/);
    t.equal(refused.stdout, '');
    t.strictSame(readdirSync(ours), []);
  });
});
