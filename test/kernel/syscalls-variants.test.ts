/** `ktrace syscalls` against programs that know what they called, against strace(1), and in each variant. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import { syscalls, type SyscallEventRecord } from '../../src/index.js';
import type { Report, Tally } from '../../src/report/model.js';
import { ALSO, counted, counts, eventsOf, reportOf, rows, tracing, type CallEvent, type CallRow, type Calls, type Classes, type InsideRow, type Storm, type SyscallsReport } from './calls.js';
import { cgroupMount, newCgroup } from './cgroups.js';
import type { Truth } from './futex-model.js';
import { accounts, asMany, loss, skippedRuns, whole } from './losses.js';
import { EMULATED, ENV, N } from './machine.js';
import { program, workload } from './processes.js';
import { suite } from './suite.js';
import { ktrace, lacking } from './tracer.js';

const VARIANTS: readonly string[] = ['btf', 'raw'];

/** Programs that do the same each time, whoever looks on. */
const PROGRAMS: readonly (readonly string[])[] = [
  ['ls', '/usr/bin'], ['cat', '/etc/passwd'], ['true'], ['id', '-u'], ['date', '+%Y'], ['head', '-c', '100000', '/dev/zero'], ['sha256sum', '/bin/sh'], ['stat', '/', '/nonexistent'],
  ['tar', '-cf', '/dev/null', '-C', '/', 'etc/default'], ['grep', '-c', 'root', '/etc/passwd', '/etc/group'], ['sed', '-n', '1p', '/etc/passwd'], ['readelf', '-h', '/bin/sh'],
  ['git', '-C', 'HERE', 'log'], ['git', '-C', 'HERE', 'status'], ['gcc', '-S', '-o', '/dev/null', 'HERE/main.c'], ['/usr/bin/python3', '-c', 'print(1)'], ['perl', '-e', '1'],
  ['find', '/etc/apt'], ['sh', '-c', 'cat /etc/hosts; ls /nonexistent'], ['gzip', '-c', '/etc/passwd'], ['sort', '/etc/passwd'], ['node', '-e', '0'],
];
/** What does not depend on the moment, in a program with threads. */
const EVEN: Readonly<Record<string, readonly string[]>> = { node: ['execve', 'openat', 'clone3', 'readlink', 'prlimit64', 'capget', 'uname', 'rt_sigaction', 'pipe2', 'eventfd2', 'epoll_create1', 'dup3', 'arch_prctl', 'access'] };

/** A repository with one commit, and a file to compile. */
function workplace(t: Test): string {
  const directory = join(t.testdir({ work: { 'main.c': 'int main(void) { return 0; }\n' } }), 'work');
  for (const words of [['init', '-q'], ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x']]) spawnSync('git', ['-C', directory, ...words], { env: ENV });
  return directory;
}

const isThere = (program: string): boolean => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { env: ENV }).status === 0;

/** Calls and errors by name, as `strace -c` counts them. What does not return it leaves out. */
function straceCounts(file: string, command: readonly string[]): Record<string, [number, number]> {
  const words = Object.entries(ENV).map(([name, value]) => `${name}=${value}`);
  spawnSync('env', ['-i', ...words, 'strace', '-f', '-c', '-U', 'calls,errors,name', '-o', file, ...command]);
  const found = [...readFileSync(file, 'utf8').matchAll(/^ *(\d+) +(?:(\d+) +)?([a-z]\w*)$/gm)].filter(([, , , name]) => name !== 'total');
  return Object.fromEntries(found.map(([, calls, errors = 0, name = '']) => [name, [Number(calls), Number(errors)]]));
}

/** The same of a report. */
function callsAndErrors(report: SyscallsReport): Record<string, [number, number]> {
  const found: Record<string, [number, number]> = {};
  for (const { syscall, calls, errors } of [...rows<CallRow>(report, 'work'), ...rows<CallRow>(report, 'waiting')]) {
    const [before, failed] = found[syscall] ?? [0, 0];
    found[syscall] = [before + calls, failed + errors];
  }
  for (const last of ['exit', 'exit_group']) delete found[last];
  return found;
}

suite(1, (test) => {
  for (const variant of VARIANTS) {
    const on = (title: string, body: (t: Test) => Promise<void>): void => test(`${variant}: ${title}`, async (t) => {
      const why = lacking(variant, 'syscalls');
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      await body(t);
    });

    on('calls of every kind, counted by the program itself', async (t) => {
      const errnos = (report: SyscallsReport, name: string): Record<string, number> | undefined => counts(report, 'work', name)?.[1];
      const figures = (report: SyscallsReport): unknown => [
        counts(report, 'work', 'getppid'), counts(report, 'work', 'getppid (32 bit)'), errnos(report, 'openat')?.['ENOENT'], errnos(report, 'close')?.['EBADF'],
        counts(report, 'work', 'rt_sigreturn'), counts(report, 'waiting', 'nanosleep'), counts(report, 'waiting', 'read'),
      ];
      // reads: of a pipe that took long, and that of the gate
      const { report, truth } = await counted(t, ['--variant', variant], figures, () => [[N, {}], process.arch === 'x64' ? [N, {}] : undefined, N, N, [N, {}], [N, {}], [N + 1, {}]]);
      t.equal(report.header.variant, variant);
      t.equal(truth.count, N);
      const sleeps = rows<CallRow>(report, 'waiting').find(({ syscall }) => syscall === 'nanosleep');
      t.ok((sleeps?.total ?? 0) <= truth.sleepsNs && (sleeps?.total ?? 0) >= N * 1e6, `${sleeps?.total} ns, at most ${truth.sleepsNs}`);
      t.equal(sleeps?.histogram.counts.reduce((sum, count) => sum + count, 0), N);
      const [stays] = rows<InsideRow>(report, 'inFlight').filter(({ tid }) => tid === truth.stays);
      t.match(stays, { thread: 'stays', syscall: 'read', beforeTracing: 'yes', designed: 'yes' });
      t.ok((stays?.age ?? 0) >= truth.sleepsNs, 'it has been in there for longer than all of this took');
    });

    on('calls that end with their thread, by process', async (t) => {
      const killed = (report: SyscallsReport): unknown => rows<CallRow>(report, 'waiting').map(({ syscall, calls, died, errors }) => [syscall, calls, died, errors]);
      const aRowForEach = ({ count }: Calls): unknown => Array.from({ length: count }, () => ['rt_sigsuspend', 1, 1, 0]);
      await counted(t, ['--follow', '--by', 'process', '-e', 'rt_sigsuspend', '--variant', variant], killed, aRowForEach);
    });

    on('a call that is interrupted and goes on counts once', async (t) => {
      const waits = (report: SyscallsReport): unknown => rows<CallRow>(report, 'waiting').map(({ syscall, calls, errors }) => [syscall, calls, errors]);
      await counted<Truth>(t, ['-e', 'futex,restart_syscall', '--variant', variant], waits, (truth) => [['futex', truth.waits, 0]], 'restart');
    });

    on('what a handler calls is no part of the call that it interrupted', async (t) => {
      const reads = (report: SyscallsReport): unknown => [counts(report, 'work', 'read'), counts(report, 'waiting', 'read')];
      const gate = 1; // returns when the program is let go
      await counted(t, ['-e', 'read', '--variant', variant], reads, ({ count }) => [[count, { EBADF: count }], [count + gate, { EINTR: count }]], 'handler');
    });

    on('of the whole machine what belongs to a cgroup, by process', async (t) => {
      const mount = cgroupMount();
      if (mount === undefined) return void t.pass('no cgroup v2', { skip: 'no cgroup v2 is mounted' });
      const run = async (): Promise<{ report: SyscallsReport; pid: number }> => {
        const cgroup = newCgroup(t, mount, 'calls');
        const [inside, outside] = [await workload(t, 'calls'), await workload(t, 'calls')];
        writeFileSync(`${cgroup}/cgroup.procs`, String(inside.pid));
        const tracer = await tracing(t, ['-c', cgroup, '--by', 'process', '-e', 'getppid,close', '--variant', variant]);
        for (const each of [inside, outside]) each.line();
        await Promise.all([inside.truth(), outside.truth()]);
        const report = await reportOf(t, tracer);
        for (const each of [inside, outside]) {
          each.closeInput();
          await each.exit();
        }
        return { report, pid: inside.pid };
      };
      const own = ({ report, pid }: { report: SyscallsReport; pid: number }): number[] => {
        const found = rows<CallRow>(report, 'work').filter(({ who }) => who === `calls (${pid})`);
        return [found.find(({ syscall }) => syscall === 'getppid')?.calls ?? 0, found.find(({ syscall }) => syscall === 'close')?.errors ?? 0];
      };
      const all = await whole(t, run, (found) => own(found).every((count) => count > N - skippedRuns(found.report))); // of the whole machine, some runs are always skipped there
      const { report, pid } = all;
      for (const count of own(all)) asMany(t, report, count, N);
      t.notOk(rows<CallRow>(report, 'work').some(({ who, errors }) => errors >= N && who !== `calls (${pid})`), 'and nothing of the other one');
    });

    for (const by of ['syscall', 'process']) on(`a storm in four threads, by ${by}`, async (t) => {
      const rounds = 4 * (EMULATED ? 5_000 : 200_000);
      const target = await workload(t, 'storm', ['--threads', '4', '-n', String(rounds / 4)]);
      const tracer = await tracing(t, ['-p', String(target.pid), '-e', 'getppid,dup', '--by', by, '--variant', variant]);
      target.line();
      const truth = await target.truth<Storm>();
      const { report } = await whole(t, async () => ({ report: await reportOf(t, tracer) }), () => true);
      t.equal(truth.rounds, rounds);
      const [[getppids] = [0], [dups, { EBADF: failed = 0 }] = [0, {}]] = [counts(report, 'work', 'getppid'), counts(report, 'work', 'dup')];
      for (const [what, count] of Object.entries({ getppids, dups, failed })) asMany(t, report, count, rounds, what);
    });
  }

  test('one line for each call: as many, as long, with the same arguments', async (t) => {
    const run = async (): Promise<{ report: SyscallsReport; events: readonly CallEvent[]; truth: Calls }> => {
      const target = await workload(t, 'calls');
      const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', '--strace', '-e', 'openat,nanosleep']);
      target.line();
      const truth = await target.truth<Calls>();
      const { report, events } = eventsOf(await tracer.finish(t));
      return { report, events, truth };
    };
    const failedIn = (all: readonly CallEvent[]): CallEvent[] => all.filter(({ error }) => error === 'ENOENT');
    const sleptIn = (all: readonly CallEvent[]): CallEvent[] => all.filter(({ syscall }) => syscall === 'nanosleep');
    const { report, events } = await whole(t, run, (found) => failedIn(found.events).length === N && sleptIn(found.events).length === N);
    accounts(t, report);
    for (const [section, name] of [['work', 'openat'], ['waiting', 'nanosleep']] as const) {
      const own = events.filter(({ syscall }) => syscall === name);
      t.equal(own.reduce((sum, { tookNs }) => sum + tookNs, 0), rows<CallRow>(report, section).find(({ syscall }) => syscall === name)?.total, `the sum of ${name}`);
    }
    asMany(t, report, failedIn(events).length, N, 'calls that failed');
    for (const event of failedIn(events)) t.match(event, { type: 'syscall', syscall: 'openat', arguments: ['AT_FDCWD', '"/nonexistent/file"', 'O_RDONLY'], result: '-2' });
    asMany(t, report, sleptIn(events).length, N, 'sleeps');
    for (const event of sleptIn(events)) t.match(event, { arguments: ['{tv_sec=0, tv_nsec=1000000}', 'NULL'], result: '0', error: null });
  });

  test('the lines of strace(1) for the same program', async (t) => {
    const command = ['sh', '-c', 'cat /etc/passwd /nonexistent; exec 5</etc/hosts; exec 5<&-; head -c 1 /etc/hosts >/dev/null'];
    const calls = 'openat,close,access,lseek,exit_group,umask,chdir,dup2';
    const file = join(t.testdir({}), 'lines');
    spawnSync('strace', ['-f', '-q', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', file, ...command], { env: ENV });
    const meant = (text: string): string[] =>
      [...text.matchAll(/([a-z]\w+\(.*\)) += (-?\d+|\?)( [A-Z]\w+)?/g)].map(([, call = '', result = '', error = '']) => `${call.replace(/(\d)<[^>]*>/g, '$1')} = ${result}${error}`).sort();
    const expected = meant(readFileSync(file, 'utf8'));
    t.ok(expected.length > 20, `${expected.length} lines`);
    const run = async (): Promise<{ report: SyscallsReport; lines: string[] }> => {
      await ktrace(t, ['-q', '--strace', '-e', calls, '-O', file, '--', ...command], { tool: 'syscalls' }).exit();
      const lines = meant(readFileSync(file, 'utf8'));
      return { report: { losses: [{ reason: 'skipped', count: Number(/LOST: (\d+) times/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) }] } as unknown as SyscallsReport, lines };
    };
    const { lines } = await whole(t, run, (found) => isDeepStrictEqual(found.lines, expected));
    t.strictSame(lines, expected);
  });

  test('whatever an argument points to, as strace(1) writes it', async (t) => {
    const file = join(t.testdir({}), 'lines');
    spawnSync('strace', ['-q', '-s', '32', '-e', 'signal=none', '-o', file, 'setarch', '-R', program('arguments')], { env: ENV });
    const left = /^(clone|clone3|fork|set_robust_list|getpid|gettid|kill\(\d{2,}|exit_group|rt_sigreturn)\b/; // of the children, or told in another form
    const middle = (lines: readonly string[]): string[] => {
      const marks = lines.flatMap((line, i) => (line.startsWith('umask(') ? [i] : []));
      return lines.slice(marks[0], (marks[1] ?? 0) + 1).filter((line) => /^\w+\(/.test(line) && !left.test(line));
    };
    const plain = (line: string): string => line.replace(/(msg_iov)=\[.*?\}\]/g, '$1=ADDRESS').replace(/, revents=\w+/g, '').replace(/ \/\*.*?\*\//g, '').replace(/0x(7f\w{10}|[f4]\w{7})\b/g, 'ADDRESS').replace(/SO_ERROR, ADDRESS, \[4\]/, 'SO_ERROR, ADDRESS, ADDRESS').replace(/(WAIT_BITSET.*), NULL, NULL/, '$1, NULL').replace(/^(wait4\(.*\) = )\d+$/, '$1PID').replace(/^(preadv2\(.*), 0, RWF/, '$1, RWF');
    const newer = (line: string): string => line.replace(/data=\{u32=\d+, u64=(\d+)\}/g, (_, value: string) => `data=0x${BigInt(value).toString(16)}`); // as Debian 12 has it
    const expected = middle(readFileSync(file, 'utf8').split('\n').map((line) => plain(newer(line).replace(/ +(= -?\w+)(?: ([A-Z]+))?.*$/, (_, result: string, error?: string) => ` ${result}${error ? ` ${error}` : ''}`))));
    t.ok(expected.length > 70, `${expected.length} lines`);
    const run = async (): Promise<{ report: SyscallsReport; lines: string[]; rest: readonly CallEvent[] }> => {
      await ktrace(t, ['-q', '--strace', '--data', '-o', 'ndjson', '-O', file, '--', 'setarch', '-R', program('arguments')], { tool: 'syscalls' }).exit();
      const { report, events } = eventsOf(readFileSync(file, 'utf8'));
      const of = events.filter(({ pid, tid }) => pid === tid);
      const [parent] = of.filter(({ syscall }) => syscall === 'umask');
      const mine = of.filter(({ pid }) => pid === parent?.pid);
      const texts = mine.map(({ syscall, arguments: args, result, error }) => `${syscall.replace(' (32 bit)', '')}(${args?.map((text) => text.replace(/^(\d+)<.*>$/, '$1')).join(', ')}) = ${error ? `-1 ${error}` : syscall === 'umask' ? `0${Number(result).toString(8)}` : syscall.startsWith('mmap') ? `0x${BigInt(result ?? 0).toString(16)}` : result}`);
      return { report, lines: middle(texts.map(plain)), rest: mine.slice(mine.findLastIndex(({ syscall }) => syscall === 'umask') + 1) };
    };
    const { lines, rest } = await whole(t, run, (found) => isDeepStrictEqual(found.lines, expected));
    t.strictSame(lines, expected);
    const told = (name: string): readonly string[] | null | undefined => rest.find(({ syscall }) => syscall === name)?.arguments;
    t.match(told('getsockname')?.[1], '{sa_family=AF_INET, sa_data="\\0\\0"}', 'as long as there was room');
    t.match(told('epoll_ctl')?.[0], /^\d+<anon_inode:\[eventpoll\]>$/, 'as the kernel saw it: there is another file now');
    t.strictSame(told('execve'), ['"/proc/self/exe"', JSON.stringify([program('arguments'), 'once', 'more']).replaceAll('","', '", "'), '?']);
  });

  test('what is not shown for its rate is counted', async (t) => {
    const run = async (): Promise<{ report: SyscallsReport; shown: number; rounds: number }> => {
      const target = await workload(t, 'storm', ['-n', EMULATED ? '2000' : '50000']);
      const tracer = await tracing(t, ['-p', String(target.pid), '-o', 'ndjson', '--slow', '1ns', '--rate', '7', '-e', 'getppid,dup']);
      target.line();
      const { rounds } = await target.truth<Storm>();
      const { report, events } = eventsOf(await tracer.finish(t));
      return { report, shown: events.length, rounds };
    };
    const { report, shown, rounds } = await whole(t, run, () => true);
    asMany(t, report, shown + loss(report, 'rate-limited'), 2 * rounds, `${shown} shown, the others counted`);
    t.ok(shown >= 14, 'both calls');
    accounts(t, report, ['rate-limited']);
  });

  test('a call that began before tracing is timed by when its thread last got on a CPU', async (t) => {
    const seconds = EMULATED ? 20 : 4; // ktrace has to start meanwhile
    const sleeper = spawn('sleep', [String(seconds)]);
    const over = once(sleeper, 'exit');
    t.teardown(() => sleeper.kill());
    await setTimeout(700);
    const tracer = await tracing(t, ['-p', String(sleeper.pid), '-o', 'ndjson', '--strace', '-e', 'clock_nanosleep']);
    await over;
    const { report, events } = eventsOf(await tracer.finish(t, null));
    const [row] = rows<CallRow & { longer: readonly Tally[] }>(report, 'waiting');
    t.match(row, { calls: 1, longer: [{ count: 1 }] });
    const known = row?.total ?? 0;
    t.ok(known > (seconds - 0.1) * 1e9 && known < (seconds + (EMULATED ? 2 : 0.2)) * 1e9, `${known} ns: since it went to sleep, and not since tracing began`);
    t.match(events, [{ syscall: 'clock_nanosleep', tookNs: known, beforeTracing: true }]);
    accounts(t, report);
  });

  test('a session of the library sees what the command line sees', async (t) => {
    await t.rejects(syscalls({ tracing: 'all' } as object), { code: 'OPTION', message: /no option "tracing"/ });
    await t.rejects(syscalls({ by: 'cpu' as 'process' }), { code: 'OPTION', message: /one of syscall, process/ });
    await t.rejects(syscalls({ follow: true, tid: process.pid }), { code: 'OPTION', message: /goes with the children of a "pid"/ });
    await t.rejects(syscalls({ trace: 'openatt' }), { code: 'USAGE' });
    const run = async (): Promise<{ report: Report; events: SyscallEventRecord[] }> => {
      const target = await workload(t, 'calls');
      await using session = await syscalls({ pid: target.pid, trace: 'openat,nanosleep,close', errno: ['ENOENT', 'EBADF'], events: true });
      target.line();
      await target.truth();
      const report = session.stop();
      const events = [];
      for await (const event of session.events()) events.push(event);
      return { report, events };
    };
    const { report, events } = await whole(t, run, (found) => found.events.length === 2 * N);
    t.strictSame(report.sections.find(({ id }) => id === 'work')?.rows.map(({ syscall, calls, errors }) => [syscall, calls, errors]).sort(), [['close', N, N], ['openat', N, N]]);
    t.strictSame(report.header.filters, ['calls openat,nanosleep,close', 'errors ENOENT, EBADF']);
    t.equal(events.filter(({ error }) => error === 'EBADF').length, N);
    t.equal(events.filter(({ error, result }) => error === 'ENOENT' && result === -2n).length, N);
  });

  test('only calls that failed, or failed in one way', async (t) => {
    for (const [option, names] of [[['--failed'], ['close', 'openat']], [['--errno', 'EBADF'], ['close']], [['--errno', '2,EIO'], ['openat']]] as const) {
      const failing = (report: SyscallsReport): unknown => rows<CallRow>(report, 'work').map(({ syscall, calls, errors }) => [syscall, calls, errors]).sort();
      await counted(t, ['-e', 'close,openat,getppid', ...option], failing, () => names.map((name) => [name, N, N]));
    }
  });

  test('the arguments of calls that have not returned, and the names of cgroups', async (t) => {
    const target = await workload(t, 'calls');
    const tracer = await tracing(t, ['-p', String(target.pid), '--by', 'cgroup', '-e', 'read']);
    target.line();
    const { stays } = await target.truth<Calls>();
    const report = await reportOf(t, tracer);
    const inside = rows<InsideRow & { argument: string; args: string }>(report, 'inFlight').find(({ tid }) => tid === stays);
    t.match(inside, { argument: /^\d+<pipe:\[\d+\]>$/, args: /^\d+<pipe:\[\d+\]>, 0x[0-9a-f]+, 1$/ });
    const [, own = ''] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
    t.equal(rows<CallRow>(report, 'waiting')[0]?.who, own);
  });

  test('strace(1) counts the same calls and errors of real programs', async (t) => {
    const here = workplace(t);
    const commands = (EMULATED ? PROGRAMS.slice(0, 4) : PROGRAMS).filter(([name = '']) => isThere(name)).map((words) => words.map((word) => word.replace('HERE', here)));
    t.ok(commands.length >= (EMULATED ? 4 : 15), `${commands.length} programs`);
    for (const command of commands) {
      const even = (found: Record<string, [number, number]>): unknown => Object.entries(found).filter(([name]) => EVEN[command[0] ?? '']?.includes(name) ?? true).sort();
      straceCounts(`${here}.counts`, command); // what the first run leaves behind, such as a cache, is there for both
      const expected = straceCounts(`${here}.counts`, command);
      t.ok(Object.keys(expected).length > 5, `${command.join(' ')}: ${Object.keys(expected).length} system calls`);
      const run = async (): Promise<{ report: SyscallsReport }> => {
        const file = `${here}.report`;
        await ktrace(t, ['-q', '-o', 'json', '-O', file, '--', ...command], { tool: 'syscalls' }).exit();
        return { report: JSON.parse(readFileSync(file, 'utf8')) as SyscallsReport };
      };
      const { report } = await whole(t, run, (found) => isDeepStrictEqual(even(callsAndErrors(found.report)), even(expected)));
      accounts(t, report);
      t.strictSame(even(callsAndErrors(report)), even(expected), command.join(' '));
    }
  }, 240);

  test('each class of calls: those and no other, N of each', async (t) => {
    for (const kind of EMULATED ? ['file', 'signal'] : ['file', 'process', 'network', 'memory', 'signal', 'ipc', 'desc', 'creds', 'clock']) {
      const gate = ({ syscall, calls }: CallRow): boolean => calls === 1 && ['read', 'write'].includes(syscall);
      const figures = (report: SyscallsReport): unknown => [...rows<CallRow>(report, 'work'), ...rows<CallRow>(report, 'waiting')].filter((row) => !gate(row)).map(({ syscall, calls, errors }) => [syscall, calls, errors]).sort();
      const own = (truth: Classes): unknown => truth.calls.filter(({ class: of, name }) => of === kind || ALSO[kind]?.includes(name)).map(({ name, failed }) => [name, N, failed]).sort();
      await counted<Classes>(t, ['-e', `trace=%${kind}`], figures, own, 'classes');
    }
  });

  test('vfork, and an execve that another thread than the first one calls, count once', async (t) => {
    const figures = (report: SyscallsReport): unknown => [...rows<CallRow>(report, 'work'), ...rows<CallRow>(report, 'waiting')].map(({ syscall, calls, errors, died }) => [syscall, calls, errors, died]).sort();
    await counted(t, ['-f', '-e', 'vfork,execve,rt_sigsuspend,exit_group'], figures, () => [['execve', N, 0, 0], ['exit_group', 2 * N, 0, 0], ['rt_sigsuspend', N, 0, N], ['vfork', N, 0, 0]], 'lives');
    const births = (report: SyscallsReport): number => rows<CallRow>(report, 'work').reduce((sum, { calls }) => sum + calls, 0);
    await counted(t, ['-f', '-e', 'clone,clone3,fork'], births, () => 2 * N, 'lives'); // a process and a thread; the return in the child is none
  });

  test('only what was asked for is counted, as strace(1) has it', async (t) => {
    for (const [expression, expected] of [['getppid', ['getppid']], ['trace=close,getppid', ['close', 'getppid']], ['/^getpp', ['getppid']], ['!/^(?!getppid)', ['getppid']]] as const) {
      const names = (report: SyscallsReport): unknown => [...new Set(rows<CallRow>(report, 'work').map(({ syscall }) => syscall.replace(' (32 bit)', '')))].sort();
      await counted(t, ['-e', expression], names, () => expected);
    }
    const document = ktrace(t, ['--slow', '1ms', '-o', 'json'], { tool: 'syscalls' });
    const wrong = ktrace(t, ['-e', 'openatt'], { tool: 'syscalls' });
    t.equal((await wrong.exit()).code, 2);
    t.equal((await document.exit()).code, 2);
    t.match(document.stderr, /take -o ndjson/);
    const unseen = ktrace(t, ['--data'], { tool: 'syscalls' });
    t.equal((await unseen.exit()).code, 2);
    t.match(unseen.stderr, /^ktrace: What is read and written is shown call by call only; [^\n]*--strace[^\n]*\n$/);
    t.match(wrong.stderr, /^ktrace: There is no system call "openatt"; [^\n]*%file[^\n]*\n$/);
  });
});
