/** `ktrace exec`, each variant that this kernel takes: every way into a program and out of it, against what wait4(2) says. */
import { schema } from '../../src/generated/exec.js';
import { variantsOf } from '../../src/source/plan.js';
import { onceMore } from './losses.js';
import { tallied, tracedLives, type ExecLine, type LifeTruth, type Lives } from './execs.js';
import { EMULATED, N as ROUNDS } from './machine.js';
import { suite } from './suite.js';
import { lacking } from './tracer.js';
import type { Test } from 'tap';

const N = EMULATED ? 7 : ROUNDS; // where each exec takes a tenth of a second
const GOING_NS = EMULATED ? 20e6 : 1e6; // what it takes to be gone, which its parent may not have waited for
const ROUNDED_NS = 2000; // wait4(2) has microseconds, of two parts

/** What is seen of one child: of each of its execs the program, and what else is worth saying. */
function seen(events: readonly ExecLine[], { self, script }: Lives): unknown[] {
  const short = (path: string): string => path.replace(self, 'SELF').replace(script, 'SCRIPT').replace(/\/tmp\/ktrace-execs-\d+/, 'COPY');
  return events.map(({ type, program, interpreter, deleted, argv, argvCut, argvUnread, error, code, signal, oom }) => [
    type, short(program),
    ...(type === 'exit' ? [signal ?? code, ...(oom ? ['OOM'] : [])] : [...(interpreter === null ? [] : [`by ${interpreter}`]), ...(deleted ? ['deleted'] : []), argv.length, ...(argvCut ? ['cut'] : []), ...(argvUnread ? ['unread'] : [])]), ...(error === undefined ? [] : [error]),
  ]);
}

/** For each kind of test/workloads/execs.c. */
const WANTED: Readonly<Record<string, (sh: string) => unknown[]>> = {
  code: () => [['exec', 'SELF', 3], ['exit', 'SELF', 7]],
  killed: () => [['exec', 'SELF', 3], ['exit', 'SELF', 'SIGTERM']],
  execveat: () => [['exec', 'SELF', 3], ['exit', 'SELF', 0]],
  thread: () => [['exec', 'SELF', 3], ['exit', 'SELF', 0]],
  script: () => [['exec', 'SCRIPT', 'by /bin/sh', 5], ['exit', 'SCRIPT', 3]],
  memfd: () => [['exec', 'memfd:nameless', 'deleted', 3], ['exit', 'memfd:nameless', 0]],
  burn: () => [['exec', 'SELF', 3], ['exit', 'SELF', 0]],
  long: () => [['exec', 'SELF', 23], ['exit', 'SELF', 0]],
  longer: () => [['exec', 'SELF', 36, 'cut'], ['exit', 'SELF', 0]],
  deleted: () => [['exec', 'COPY', 'deleted', 3], ['exit', 'COPY', 0]],
  twice: () => [['exec', '/bin/sh', 4], ['exec', 'SELF', 3], ['exit', 'SELF', 0]],
  fork: () => [],
  missing: () => [['failed', '/no/such/file', 3, 'ENOENT']],
  denied: () => [['failed', '/', 3, 'EACCES']],
  failat: () => [['failed', 'no-such-file', 3, 'ENOENT']],
  unreadable: () => [['failed', 'SELF', 0, 'unread', 'EFAULT']],
};

/** Time, CPU time and memory, each with what the program measured. */
function sameFigures(t: Test, { kind, pid, begun, ended, cpuNs, peakBytes }: LifeTruth, events: readonly ExecLine[]): void {
  const exit = events.find(({ type }) => type === 'exit');
  const [first] = events;
  if (!exit || !first) return void t.fail(`${kind} ${pid}: no end`);
  t.ok(first.time > begun && exit.time < ended, `${kind}: between fork and wait`);
  const last = events.findLast(({ type }) => type === 'exec') ?? first;
  t.equal(exit.lifetimeNs, exit.time - last.time);
  t.strictSame([exit.cpuIsWhole, exit.isZombie], [true, false]);
  t.ok((exit.cpuNs ?? 0) >= cpuNs - ROUNDED_NS && (exit.cpuNs ?? 0) <= cpuNs + GOING_NS, `${kind}: CPU ${exit.cpuNs}, wait4 says ${cpuNs}`);
  t.equal(exit.peakBytes, peakBytes, `${kind}: peak`);
  if (kind === 'burn') t.ok((exit.cpuNs ?? 0) >= 20e6);
}

suite(1, (test) => {
  for (const variant of variantsOf(schema.programs)) {
    test(`${variant}: each way into a program and out of it, ${N} times`, async (t) => {
      const why = lacking(variant, 'exec');
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const { report, events, truth } = await tracedLives(t, ['-n', String(N)], ['--variant', variant]);
      const byPid = new Map<number, ExecLine[]>();
      for (const event of events) byPid.set(event.pid, [...(byPid.get(event.pid) ?? []), event]);
      if (events.some(({ cpuIsWhole }) => cpuIsWhole === false)) onceMore(t, 'the kernel had not freed a process when tracing ended');
      for (const [kind, wanted] of Object.entries(WANTED)) {
        const lives = truth.lives.filter((life) => life.kind === kind);
        t.equal(lives.length, N, kind);
        const of = lives.map(({ pid }) => [...(byPid.get(pid) ?? [])].sort((a, b) => a.time - b.time));
        t.strictSame(of.map((each) => seen(each, truth).map((line) => relative(line, kind))), lives.map(() => wanted('/bin/sh')), kind);
        for (const [i, life] of lives.entries()) if (of[i]?.some(({ type }) => type === 'exit')) sameFigures(t, life, of[i] ?? []);
      }
      const pids = new Set(truth.lives.map(({ pid }) => pid));
      t.strictSame(events.filter(({ pid }) => !pids.has(pid)), [], 'and nobody else');
      t.ok(events.every(({ ancestorPids, type }) => type === 'exit' || ancestorPids[0] === truth.pid), 'all of one parent');
      const row = report.sections.programs.rows.find(({ program }) => program === truth.self);
      t.strictSame([row?.started, row?.ended, row?.failed, row && tallied(row.ends)], [8 * N, 8 * N, N, { 'exit 0': 6 * N, 'exit 7': N, SIGTERM: N }]);
      const shell = report.sections.programs.rows.find(({ program }) => program === '/bin/sh');
      t.strictSame([shell?.started, shell?.ended, shell && tallied(shell.ends)], [N, N, { exec: N }]);
      t.strictSame(report.header.accounting, { hits: 16 * N, aggregated: 16 * N, inFlight: 0, filtered: 0, dropped: 0 });
    });
  }
});

/** A relative path was made absolute with the directory of the tests. */
function relative(line: unknown, kind: string): unknown {
  return kind === 'failat' && Array.isArray(line) ? line.map((word: unknown) => (typeof word === 'string' && word.endsWith('/no-such-file') ? 'no-such-file' : word)) : line;
}
