/** What ktrace, started as root, keeps of its privileges while it traces. */
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { only, sameDuel } from './compare.js';
import { run, workload } from './processes.js';
import { everyThread, KEPT, KILL, NOBODY, rightsOf, SUDO } from './rights.js';
import { suite } from './suite.js';
import { ktrace, parseReport } from './tracer.js';

/** Gone, or a zombie that nobody reaps. */
function hasEnded(pid: string): boolean {
  return !readdirSync('/proc').includes(pid) || /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

suite(2, (test) => {
  test('no debugger is opened to the user that it becomes', async (t) => {
    const target = await workload(t, 'mutex');
    const tracer = await ktrace(t, ['-p', String(target.pid), '--events'], { env: SUDO }).tracing();
    t.strictSame(await run(t, 'setpriv', [`--reuid=${NOBODY}`, '--clear-groups', 'kill', '-USR1', String(tracer.pid)]).exit(), { code: 0, signal: null });
    target.line();
    const truth = await target.truth();
    sameDuel(t, only(t, (await tracer.report(t)).sections.locks.rows, 'lock'), truth); // which also looks at stderr
  });

  test('root stays root, with three capabilities; all with --keep-privileges', async (t) => {
    const tracer = await ktrace(t, ['-o', 'json', '-p', String(process.pid)]).tracing();
    everyThread(t, tracer, 0, KEPT, rightsOf(process.pid)[0]?.groups);
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

  test('a user that is none is told once, and nothing is traced', async (t) => {
    for (const options of [[], ['--dry-run'], ['-q', '-f']]) {
      const tracer = ktrace(t, ['-u', 'no-such-user', ...options, '--', 'echo', 'ran']);
      t.strictSame(await tracer.exit(), { code: 125, signal: null });
      t.strictSame([tracer.stdout, tracer.stderr], ['', 'ktrace-exec: --user: no such user\n']);
    }
  });

  test('where they cannot be dropped nothing is traced, but with --keep-privileges', async (t) => {
    const prefix = ['setpriv', '--bounding-set=-setuid', '--inh-caps=-setuid'];
    const tracer = ktrace(t, ['-d', '10s', '-u', 'root', '--', 'echo', 'ran'], { env: SUDO, prefix });
    t.strictSame(await tracer.exit(), { code: 1, signal: null });
    t.equal(tracer.stderr, 'ktrace: Not tracing: privileges cannot be dropped: become the user: EPERM; it takes CAP_SETUID and CAP_SETGID; --keep-privileges goes on with all of them\n');
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
    t.match(refused.stderr, /^ktrace: create [^\n]*: permission denied; choose a file that user 65534 may write, or redirect stdout, or add --keep-privileges\n$/);
    t.equal(refused.stdout, '');
    t.strictSame(readdirSync(ours), []);
  });
});
