/** Where tracing is impossible: one sentence with the next step, and the exit code that tells why. And other pid namespaces. */
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { kernelFacts } from '../../src/source/facts.js';
import { only, sameDuel, sameTimes } from './compare.js';
import type { Truth } from './futex-model.js';
import { accounts } from './losses.js';
import { CLI, ENV, kernelVersion, N, ROOT, VARIANT } from './machine.js';
import { program, run, workload, type Running } from './processes.js';
import { WITH_TRACEFS } from './rights.js';
import { suite } from './suite.js';
import { FUTEX, ktrace, lacking, parseReport, tracing } from './tracer.js';

const OK_TARGET = ['-d', '100ms'];

/** Runs to its end: exit code, and one line on stderr that begins with `ktrace: ` and has a next step. */
async function refuses(t: Test, running: Running, code: number, words: RegExp): Promise<void> {
  t.strictSame(await running.exit(), { code, signal: null }, 'exit code');
  t.match(running.stderr, /^ktrace: [^\n]*; [^\n]*\n$/, 'one line, with the next step');
  t.match(running.stderr, words);
  t.equal(running.stdout, '');
}

function node(t: Test, command: readonly string[], cli = CLI, args: readonly string[] = ['futex', ...OK_TARGET]): Running {
  const [file = '', ...words] = [...command, process.execPath, cli, ...args];
  return run(t, file, words);
}

/** A copy of the package to break. */
function packageCopy(t: Test): string {
  const directory = t.testdir();
  for (const part of ['dist', 'package.json', 'build/bpf', 'build/Release/ktrace.node', 'build/Release/ktrace-exec']) cpSync(join(ROOT, part), join(directory, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  t.teardown(() => rmSync(join(directory, 'node_modules'), { force: true }));
  return directory;
}

function patch(path: string, at: number, bytes: readonly number[]): void {
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.from(bytes), 0, bytes.length, at);
  closeSync(file);
}

function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { env: ENV }).status === 0;
}

/** The process inside the namespaces that unshare(1) made: its only child. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

suite(3, (test) => {
  test('a process or a thread that does not exist', async (t) => {
    await refuses(t, ktrace(t, ['-p', '4194303']), 1, /There is no process 4194303/);
    await refuses(t, ktrace(t, ['-t', '4194303']), 1, /There is no thread 4194303/);
  });

  test('a command that does not exist', async (t) => {
    const running = run(t, process.execPath, [CLI, 'futx']);
    t.strictSame(await running.exit(), { code: 2, signal: null });
    t.equal(running.stderr, 'ktrace: There is no command "futx"; see ktrace --help\n');
  });

  test('on a terminal that cannot move its cursor, reports of intervals follow one another', async (t) => {
    for (const [term, clears] of [['xterm', true], ['dumb', false]] as const) {
      const shell = `stty rows 24 cols 80; TERM=${term} ${FUTEX.join(' ')} -q -p ${process.pid} 0.1 2`;
      const running = run(t, 'script', ['-qec', shell, '/dev/null']);
      t.strictSame(await running.exit(), { code: 0, signal: null }, running.stderr);
      t.equal(running.stdout.includes('\x1b[2J'), clears, term);
      t.match(running.stdout, /ktrace futex: process \d+/);
    }
  });

  test('a thread of the kernel', async (t) => {
    if (!/^PF_KTHREAD|^Kthread:\t1/m.test(readFileSync('/proc/2/status', 'utf8')) && readdirSync('/proc/2/fd').length > 0) return void t.pass('skipped', { skip: 'pid 2 is no kernel thread here' });
    await refuses(t, ktrace(t, ['-p', '2']), 1, /Process 2 is a thread of the kernel/);
  });

  test('the id of a thread where a process is wanted', async (t) => {
    const target = await workload(t, 'inflight');
    const tid = readdirSync(`/proc/${target.pid}/task`).map(Number).find((id) => id !== target.pid) ?? 0;
    await refuses(t, ktrace(t, ['-p', String(tid)]), 1, new RegExp(`${tid} is a thread of process ${target.pid}; trace it with .-t ${tid}., or all of it with .-p ${target.pid}.`));
  });

  test('a zombie', async (t) => {
    const parent = run(t, 'sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60']);
    const [pid] = await parent.says(/^\d+/);
    while (!/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 20));
    await refuses(t, ktrace(t, ['-p', pid]), 1, new RegExp(`Process ${pid} has ended already`));
  });

  test('a process that ends while ktrace starts: traced until its end or refused, nothing else', async (t) => {
    for (let i = 0; i < 12; i++) {
      const target = run(t, 'sleep', [String(0.05 * i)]);
      const tracer = ktrace(t, ['-o', 'json', '-p', String(target.pid)]);
      const { code, signal } = await tracer.exit();
      t.equal(signal, null);
      if (code === 0) accounts(t, parseReport(tracer.stdout));
      else t.match([code, tracer.stderr], [1, /^ktrace: (There is no process \d+|Process \d+ has ended already); [^\n]*\n$/]);
    }
  });

  test('a command line that is wrong', async (t) => {
    for (const [args, words] of [
      [['--nonsense'], /unknown option '--nonsense'/],
      [['-p', 'x'], /--pid/],
      [['-p', '0'], /--pid/],
      [['-d', 'soon'], /--duration/],
      [['--sort', 'colour'], /--sort.*total, waits/],
      [['--comm', 'a-name-that-is-too-long'], /15 bytes/],
      [['--max-locks', '-3'], /--max-locks/],
      [['-p', '1', '--', 'true'], /give one of them/],
      [['--'], /Expected a command after --/],
      [['--events', '-o', 'json'], /ndjson/],
      [['-i', '1s', '2s'], /given twice/],
    ] as const) {
      const running = ktrace(t, args);
      t.strictSame(await running.exit(), { code: 2, signal: null }, args.join(' '));
      t.match(running.stderr, /^ktrace: [^\n]*\n$/);
      t.match(running.stderr, words);
      t.equal(running.stdout, '');
    }
  });

  test('not root: says so in at most three lines, exits with 77', async (t) => {
    if (!has('setpriv')) return void t.pass('skipped', { skip: 'no setpriv(1)' });
    const running = node(t, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']);
    t.strictSame(await running.exit(), { code: 77, signal: null });
    t.match(running.stderr, /^ktrace: [^\n]*CAP_BPF[^\n]*; run it with sudo\n$/);
    t.equal(running.stdout, '');
  });

  for (const lacking of ['-sys_admin,-bpf,-perfmon', '-sys_admin,-bpf', '-sys_admin,-perfmon']) {
    test(`root without capabilities (${lacking}): exits with 77`, async (t) => {
      if (!has('setpriv')) return void t.pass('skipped', { skip: 'no setpriv(1)' });
      const running = node(t, ['setpriv', `--bounding-set=${lacking}`, `--inh-caps=${lacking}`]);
      const missing = ['CAP_BPF', 'CAP_PERFMON'].filter((name) => lacking.includes(name.slice('CAP_'.length).toLowerCase())).join(' and ');
      await refuses(t, running, 77, new RegExp(`the kernel refuses BPF to root, as in a container without ${missing}(: |;)`));
    });
  }

  test('with CAP_BPF, CAP_PERFMON and what /proc asks for, without CAP_SYS_ADMIN', async (t) => {
    if (!has('setpriv')) return void t.pass('skipped', { skip: 'no setpriv(1)' });
    const target = await workload(t, 'mutex');
    const prefix = [...WITH_TRACEFS, 'setpriv', '--bounding-set=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search'];
    const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
    if (paranoid > 2 && VARIANT !== undefined && VARIANT !== 'fentry') return refuses(t, ktrace(t, OK_TARGET, { prefix }), 77, /perf_event_paranoid is \d, and this kernel then wants CAP_SYS_ADMIN/);
    const tracer = await ktrace(t, ['-o', 'json', '-p', String(target.pid)], { prefix }).tracing();
    target.line();
    const truth = await target.truth();
    const report = await tracer.report(t);
    sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
  });

  test('without CAP_SYS_ADMIN where tracefs is not mounted: exits with 77 and says so, but for hooks on functions', async (t) => {
    if (!has('setpriv')) return void t.pass('skipped', { skip: 'no setpriv(1)' });
    const shell = 'umount -R /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; exec "$@"';
    const prefix = ['unshare', '-m', 'sh', '-c', shell, 'sh', 'setpriv', '--bounding-set=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search'];
    await refuses(t, ktrace(t, [...OK_TARGET, '--variant', 'tracepoint'], { prefix }), 77, /tracefs/);
    if (lacking('fentry') !== undefined) return;
    const tracer = ktrace(t, ['-o', 'json', ...OK_TARGET, '--variant', 'fentry'], { prefix });
    accounts(t, await tracer.report(t, { signal: null }));
  });

  test('without /proc: exits with 77', async (t) => {
    const shell = `mount -t tmpfs none /proc && exec ${FUTEX.join(' ')} -d 100ms`;
    await refuses(t, run(t, 'unshare', ['-m', 'sh', '-c', shell]), 77, /\/proc is not mounted; mount it/);
  });

  test('where /proc tells of other processes: exits with 77', async (t) => {
    const refused = run(t, 'unshare', ['--pid', '--fork', ...FUTEX, '-d', '100ms']);
    await refuses(t, refused, 77, /\/proc belongs to another pid namespace; give it a \/proc of its own: `unshare /);
    const [, remedy = ''] = /`(.*)`/.exec(refused.stderr) ?? [];
    const own = run(t, 'unshare', ['--pid', '--fork', 'sh', '-c', remedy.replace('COMMAND', `${FUTEX.join(' ')} -q -d 100ms`)]);
    t.strictSame(await own.exit(), { code: 0, signal: null }, 'as it says');
  });

  test('as root of a user namespace: exits with 77, and is not told of locked memory', async (t) => {
    if (spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0) return void t.pass('skipped', { skip: 'no user namespaces here' });
    const running = run(t, 'unshare', ['--user', '--map-root-user', ...FUTEX, '-d', '100ms']);
    await refuses(t, running, 77, /in a user namespace capabilities are not those of the machine[^;]*; run it outside/);
  });

  test('where /proc has processes alone it traces', async (t) => {
    if (kernelVersion() < 508) return void t.pass('skipped', { skip: 'subset=pid needs Linux 5.8' });
    const running = run(t, 'unshare', ['-m', 'sh', '-c', `mount -t proc -o subset=pid proc /proc && exec ${FUTEX.join(' ')} -q -d 100ms`]);
    t.strictSame(await running.exit(), { code: 0, signal: null }, running.stderr);
  });

  test('without BTF: exits with 77', async (t) => {
    const shell = `mount -t tmpfs none /sys/kernel/btf && exec ${FUTEX.join(' ')} -d 100ms`;
    await refuses(t, run(t, 'unshare', ['-m', 'sh', '-c', shell]), 77, /no BTF/);
  });

  test('with /sys/kernel/tracing and debugfs hidden it traces all the same', async (t) => {
    const shell = `umount -R /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; exec ${FUTEX.join(' ')} -q -o json -d 100ms`;
    const running = run(t, 'unshare', ['-m', 'sh', '-c', shell]);
    t.strictSame(await running.exit(), { code: 0, signal: null });
    accounts(t, parseReport(running.stdout));
    t.equal(running.stderr, '');
  });

  test('a package that is broken', async (t) => {
    const directory = packageCopy(t);
    const cli = join(directory, 'dist/cli/main.js');
    const addon = join(directory, 'build/Release/ktrace.node');
    const taken = `build/bpf/futex${kernelFacts().legacy ? '.legacy' : ''}.bpf.o`;
    const object = join(directory, taken);
    const restore = (): void => {
      for (const file of ['build/Release/ktrace.node', taken, 'build/bpf/manifest.json']) cpSync(join(ROOT, file), join(directory, file));
    };
    const cases: [string, () => void, RegExp][] = [
      ['the addon of another machine', () => patch(addon, 18, [183, 0]), /built for aarch64, this is x86-64; install ktrace again/],
      ['no addon', () => rmSync(addon), /ktrace\.node is not built; run `npm run setup`/],
      ['half an addon', () => truncateSync(addon, 20_000), /ktrace\.node is corrupt: truncated/],
      ['an addon that is no library', () => patch(addon, 0, [1, 2, 3, 4]), /corrupt: not an ELF file/],
      ['no object', () => rmSync(object), /\.bpf\.o/],
      ['half an object', () => truncateSync(object, 50_000), /futex(\.legacy)?\.bpf\.o is corrupt/],
      ['an object with one byte changed', () => patch(object, 5000, [0xff]), /futex(\.legacy)?\.bpf\.o is corrupt/],
      ['an empty object', () => truncateSync(object, 0), /futex(\.legacy)?\.bpf\.o is corrupt/],
      ['no manifest', () => rmSync(join(directory, 'build/bpf/manifest.json')), /manifest\.json/],
    ];
    for (const [what, spoil, words] of cases) {
      restore();
      spoil();
      t.comment(what);
      await refuses(t, node(t, [], cli), 1, words);
    }
    restore();
    t.strictSame(await node(t, [], cli).exit(), { code: 0, signal: null }, 'whole again, it works');
  }, 180);

  test('output that cannot be written', async (t) => {
    const directory = t.testdir({ there: 'mine', directory: {} });
    symlinkSync(join(directory, 'there'), join(directory, 'link'));
    for (const name of ['link', 'directory', 'no/such/place']) {
      const running = ktrace(t, [...OK_TARGET, '-O', join(directory, name)]);
      t.match(await running.exit(), { code: /^[12]$/, signal: null });
      t.match(running.stderr, /^ktrace: [^\n]*\n$/);
    }
    t.equal(readFileSync(join(directory, 'there'), 'utf8'), 'mine', 'the target of the link is untouched');
    t.notOk(existsSync(join(directory, 'no')));
  });

  test('a reader that goes away is no failure', async (t) => {
    const running = run(t, 'sh', ['-c', `${FUTEX.join(' ')} -q -o json -d 300ms; echo $? >&2`]);
    running.child.stdout?.destroy();
    await running.exit();
    t.equal(running.stderr, '0\n');
  });

  test('a target in other user, pid and mount namespaces, seen from outside', async (t) => {
    const outer = run(t, 'unshare', ['-Urpf', '--kill-child', '--mount-proc', program('mutex'), '--gate', '--hold']);
    await outer.says(/^ready 1$/m);
    const pid = childOf(outer.pid);
    const tracer = await tracing(t, ['-p', String(pid)]);
    outer.line();
    const truth = JSON.parse((await outer.says(/^\{.*\}$/m))[0]) as Truth;
    const report = await tracer.report(t);
    outer.closeInput();
    const row = only(t, report.sections.locks.rows, 'lock');
    sameTimes(t, row, truth);
    t.strictSame([row.kind, row.pids, row.address], ['mutex', String(pid), truth.locks[0]?.address]);
    const [holder, waiter, releaser] = [row.holders[0], row.waiters[0], row.releasers[0]];
    t.strictSame([holder?.name, holder?.count, waiter?.name, waiter?.count, releaser?.name, releaser?.count], ['holder', N, 'waiter', N, 'holder', N]);
    t.ok((holder?.tid ?? 0) > pid && holder?.tid !== waiter?.tid, 'ids as the outside has them');
    t.equal(releaser?.tid, holder?.tid, 'the thread that the lock names is the one that the kernel saw release it');
    t.match(row.place, /^mutex\+0x/);
  });

  test('a deadlock in another pid namespace', async (t) => {
    const outer = run(t, 'unshare', ['-pf', '--kill-child', '--mount-proc', program('deadlock'), '-t', '3']);
    await outer.says(/^hung 1$/m);
    const pid = childOf(outer.pid);
    const report = await (await tracing(t, ['-p', String(pid), '-d', '1s'])).report(t, { signal: null });
    const { rows } = report.sections.deadlocks;
    t.strictSame(rows.map(({ thread, pid: of }) => [thread, of]), [['dl-0', pid], ['dl-1', pid], ['dl-2', pid]]);
    t.ok(rows.every(({ tid }) => tid > pid));
  });

  for (const [title, name] of [['a mutex', 'mutex'], ['a deadlock', 'deadlock']] as const) {
    test(`from inside a pid namespace: ${title}, by the ids that are valid there`, async (t) => {
      const outer = run(t, 'unshare', ['-pf', '--kill-child', '--mount-proc', program(name), ...(name === 'mutex' ? ['--gate', '--hold'] : [])]);
      await outer.says(/^(ready|hung) 1$/m);
      const sibling = run(t, 'unshare', ['-pf', '--kill-child', '--mount-proc', program('mutex'), '--gate', '--hold']); // its ids are the same
      await sibling.says(/^ready 1$/m);
      const enter = ['-t', String(childOf(outer.pid)), '-p', '-m', ...FUTEX, '-o', 'json', '-p', '1'];
      const tracer = run(t, 'nsenter', enter);
      await tracer.says(/^ktrace: tracing process 1 /m, 'stderr');
      outer.line();
      sibling.line();
      const truth = JSON.parse((await outer.says(/^\{.*\}$/m))[0]) as Truth;
      await sibling.says(/^\{.*\}$/m);
      if (name === 'deadlock') await new Promise((resolve) => setTimeout(resolve, 500));
      process.kill(childOf(tracer.pid), 'SIGINT');
      t.strictSame(await tracer.exit(), { code: 0, signal: null });
      const report = parseReport(tracer.stdout);
      accounts(t, report);
      if (name === 'mutex') return sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
      t.strictSame(report.sections.deadlocks.rows.map(({ thread, tid, pid }) => [thread, tid, pid]), truth.cycle.map(({ name: comm, tid }) => [comm, tid, 1]));
    });
  }

  test('from inside a pid namespace the whole machine is what is visible there', async (t) => {
    const outside = await workload(t, 'mutex');
    const outer = run(t, 'unshare', ['-pf', '--kill-child', '--mount-proc', program('mutex'), '--gate', '--hold']);
    await outer.says(/^ready 1$/m);
    const tracer = run(t, 'nsenter', ['-t', String(childOf(outer.pid)), '-p', '-m', ...FUTEX, '-o', 'json']);
    await tracer.says(/^ktrace: tracing all/m, 'stderr');
    outer.line();
    outside.line();
    const truth = JSON.parse((await outer.says(/^\{.*\}$/m))[0]) as Truth;
    await outside.truth();
    process.kill(childOf(tracer.pid), 'SIGINT');
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    const report = parseReport(tracer.stdout);
    accounts(t, report);
    sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
    t.strictSame(report.sections.idle.rows.filter(({ pids }) => pids.split(',').some((pid) => pid !== '1')), [], 'no process of the outside, nor ktrace itself');
  });
});
