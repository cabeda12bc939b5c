/** How waits begin, end, go on and are told apart: outcomes, restarts, dying threads, waits from before tracing, processes and images. */
import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import { kernelFacts } from '../../src/source/facts.js';
import { callsOf, lockAt, only, outcomes, people, sameDuel, sameTimes, sameTotal, sameWakes, wakesUnderWay } from './compare.js';
import type { CallRow, DuelTruth, ExecerTruth, FutexReport, LockRow, StepTruth, Times, Truth } from './futex-model.js';
import { accounts, asMany, comparesWaits, loss, onceMore, tolerantOfPreemption, unseenEnds, whole } from './losses.js';
import { EMULATED, N, SLOWNESS } from './machine.js';
import { program, readClock, run, workload } from './processes.js';
import { suite } from './suite.js';
import { ktrace, parseReport, traced, tracing } from './tracer.js';

type Counts = Omit<CallRow, 'op' | 'threads'>;

const WAITS = /WAIT|LOCK_PI/;
/** Of ping-pong. Where programs are preempted, some runs of others are skipped: the more of them a test needs, the surer it is to miss one. */
const ROUNDS = (EMULATED ? 1000 : 100_000) / (kernelFacts().preemptible ? 10 : 1);

/** Where the report counts a step: by what the system call's exit shows. */
function slotOf({ op, exit, outcome }: StepTruth): keyof Counts {
  const waits = WAITS.test(op) && !/TRY|UNLOCK/.test(op);
  if (exit >= 0) return (waits && outcome === 'acquired') || (!waits && exit === 0 && !/UNLOCK/.test(op)) ? 'neverSlept' : 'woken';
  if (!waits) return 'errors';
  if (exit === -110) return 'timedOut';
  if (exit === -11) return 'neverSlept';
  return exit === -4 || exit <= -512 ? 'interrupted' : 'errors';
}

function expectedCalls({ steps, consequences }: Truth): Record<string, Partial<Counts>> {
  const rows: Record<string, Partial<Record<keyof Counts, number>>> = {};
  for (const step of [...steps, ...consequences]) {
    const op = step.op === 'NO_OPERATION' ? 'other' : step.op.replace(/_PRIVATE|\|FUTEX_CLOCK_REALTIME/g, '');
    const row = (rows[op] ??= {});
    const slot = slotOf(step);
    row[slot] = (row[slot] ?? 0) + step.count;
    row.calls = (row.calls ?? 0) + step.count;
  }
  return rows;
}

/** A workload with several processes: one row for each, by the process. */
function rowOf(t: Test, report: FutexReport, pid: number, address: string): LockRow {
  return only(t, report.sections.locks.rows.filter((row) => row.pids === String(pid) && row.address === address), `lock of process ${pid}`);
}

function sameProcesses(t: Test, report: FutexReport, processes: readonly DuelTruth[]): void {
  t.equal(report.sections.locks.rows.length, processes.length, 'as many locks as processes');
  for (const truth of processes) sameDuel(t, rowOf(t, report, truth.pid, truth.locks[0]?.address ?? ''), truth);
  const each = processes.length > 1 ? processes.map(({ pid, waits }) => [pid, waits]) : []; // said only where there are several
  t.strictSame(report.sections.processes.rows.map(({ pid, sleeps }) => [pid, sleeps]).sort(), each.sort());
}

suite(3, (test) => {
  test('every operation and outcome, exactly', async (t) => {
    const { report, truth } = await traced(t, 'ops');
    const expected = expectedCalls(truth);
    t.strictSame(report.sections.calls.rows.map(({ op }) => op).sort(), Object.keys(expected).sort(), 'no operation too many or too few');
    for (const [op, counts] of Object.entries(expected)) {
      const { threads, ...found } = callsOf(report, op);
      t.strictSame(found, counts, op);
    }
  });

  for (const [title, args, end] of [
    ['a timed wait that a stop interrupted goes on in restart_syscall, as one wait', [], 'woken'],
    ['and so does one that then times out', ['--timeout'], 'timed out'],
    ['a wait without time-out that a stop interrupted is called again, as one wait', ['--untimed'], 'woken'],
  ] as const) {
    test(title, async (t) => {
      const { report, truth } = await traced(t, 'restart', args);
      const row = only(t, report.sections.idle.rows, 'place');
      sameTimes(t, row, truth);
      t.equal(row.sleeps, N + truth.restarted);
      t.strictSame(outcomes(row), { [end]: N, interrupted: truth.restarted });
    });
  }

  test('a call that is refused is no wait', async (t) => {
    const calls = 100_000;
    const { report } = await traced(t, 'eagain', ['-n', String(calls)]);
    t.strictSame(callsOf(report, 'FUTEX_WAIT'), { calls, neverSlept: calls });
    t.strictSame(report.sections.locks.rows, []);
    for (const row of report.sections.idle.rows) t.strictSame([row.acquisitions, row.sleeps, row.total, outcomes(row)], [0, 0, 0, { 'never slept': calls }]);
    t.match(report.finding.join(' '), /No thread waited for a lock/);
  });

  test(`${2 * ROUNDS} turns of ping-pong: each sleep, each refusal and each wake`, async (t) => {
    const { report, truth } = await traced(t, 'pingpong', ['-n', String(ROUNDS)]);
    const refused = truth.eagain > 0 ? { neverSlept: truth.eagain } : {};
    t.strictSame(callsOf(report, 'FUTEX_WAIT'), { calls: truth.waits + truth.eagain, woken: truth.waits, ...refused });
    sameWakes(t, report, { calls: 2 * ROUNDS, woken: truth.woken, neverSlept: 2 * ROUNDS - truth.woken, threads: truth.woken });
    const row = lockAt(report, truth.locks[0]?.address ?? '', 'idle');
    t.equal(row.sleeps, truth.waits);
    t.equal(row.histogram.counts.reduce((sum, count) => sum + count, 0), row.acquisitions);
    t.ok(row.total <= truth.totalNs, `${row.total} ns of ${truth.totalNs} ns`);
    t.strictSame(row.waiters.map(({ name, count }) => [name, count]).sort(), truth.threads.map(({ name, waits }) => [name, waits]).sort());
    t.strictSame(row.releasers.map(({ name }) => name).sort(), ['ping', 'pong']);
  }, 180);

  test('threads that are asleep when their process ends: none is lost, each was interrupted', async (t) => {
    const { report, truth } = await traced(t, 'dying', [], [], false);
    const row = lockAt(report, truth.address, 'idle');
    t.strictSame(outcomes(row), { interrupted: truth.waitsBegun });
    t.equal(report.header.accounting.inFlight, 0);
  });

  test('and ktrace, which looks for the end of the process just then, does not miss one', async (t) => {
    const once = async (): Promise<{ report: FutexReport; wanted: object }> => {
      const target = await workload(t, 'dying', [], false);
      const tracer = await tracing(t, ['-p', String(target.pid)]);
      target.line();
      const { waitsBegun } = await target.truth();
      return { report: await tracer.report(t, { signal: null }), wanted: { calls: waitsBegun, interrupted: waitsBegun } };
    };
    for (let i = 0; i < 10; i++) {
      const { report, wanted } = await whole(t, once, (found) => isDeepStrictEqual(callsOf(found.report, 'FUTEX_WAIT'), found.wanted));
      t.strictSame(callsOf(report, 'FUTEX_WAIT'), wanted);
    }
  });

  test('tracing that ends while threads die accounts for each of them', async (t) => {
    for (let i = 0; i < 6; i++) {
      const target = await workload(t, 'dying', ['--killed', '1000', '-n', '50']);
      const tracer = await tracing(t, ['-p', String(target.pid), '--follow', '-d', `${200 + 37 * i}ms`]);
      target.line();
      await tracer.report(t, { signal: null });
      target.kill('SIGKILL');
    }
  });

  test('threads that a signal handler ends inside their wait', async (t) => {
    const { report, truth } = await traced(t, 'dying', ['--in-handler']);
    const row = lockAt(report, truth.address, 'idle');
    t.strictSame(outcomes(row), { interrupted: truth.waitsBegun });
    t.strictSame([report.header.accounting.inFlight, row.inFlight], [0, 0]);
  });

  test('threads that are killed with their process', async (t) => {
    const { report, truth } = await traced(t, 'dying', ['--killed', '5'], ['--follow']);
    t.equal(callsOf(report, 'FUTEX_WAIT').interrupted, truth.waitsBegun);
    t.equal(report.sections.idle.rows.length, 5, 'one place for each process, although all have one address');
    t.equal(report.header.accounting.inFlight, 0);
  });

  test('10,000 threads killed in their wait leave nothing: tracing works as before, and no state of theirs stays', async (t) => {
    tolerantOfPreemption(t);
    const target = await workload(t, 'dying', ['--killed', '10', '-n', '1000']);
    const tracer = await tracing(t, ['-p', String(target.pid), '--follow']);
    target.line();
    const truth = await target.truth();
    t.equal(truth.waitsBegun, 10_000);
    const report = await tracer.report(t);
    asMany(t, report, callsOf(report, 'FUTEX_WAIT').interrupted ?? 0, 10_000);
    t.strictSame([report.header.accounting.inFlight, report.header.accounting.dropped], [0, unseenEnds(report)]);
  }, 180);

  test('a wait from before tracing is in flight, with its age and holder, while it lasts', async (t) => {
    const target = await workload(t, 'inflight', [], true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const begun = readClock();
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    const report = await tracer.report(t);
    const end = readClock();
    target.line();
    const truth = await target.truth();
    const rows = report.sections.inFlight.rows;
    t.strictSame(rows.map(({ thread, beforeTracing, designed }) => [thread, beforeTracing, designed]).sort(), [['idler', 'yes', 'yes'], ['waiter', 'yes', 'no']]);
    const waiter = rows.find(({ thread }) => thread === 'waiter');
    t.equal(waiter?.tid, truth.threads.find(({ name }) => name === 'waiter')?.tid);
    t.equal(waiter?.holderTid, truth.holder);
    t.equal(waiter?.holder, `holder (${truth.holder})`);
    t.ok((waiter?.age ?? 0) >= 0.9 * (begun - truth.begunNs), `${waiter?.age} ns old, at least ${begun - truth.begunNs}`);
    t.ok((waiter?.age ?? Infinity) <= end - truth.begunNs, `and at most ${end - truth.begunNs}`);
    const row = only(t, report.sections.locks.rows, 'lock');
    t.strictSame([row.kind, row.address, row.acquisitions, row.inFlight], ['mutex', truth.locks[0]?.address, 0, 1]);
    t.strictSame(report.sections.idle.rows.map(({ kind, inFlight }) => [kind, inFlight]), [['condition variable', 1]]);
    t.equal(report.header.accounting.inFlight, 2);
    t.match(report.finding.join(' '), new RegExp(`1 thread has been waiting for inflight\\+0x[0-9a-f]+ for up to .*; held by holder \\(${truth.holder}\\)`));
  });

  test('what is in flight at the end is of that moment: no wait that began later, no thread that waits for itself', async (t) => {
    tolerantOfPreemption(t); // in such a storm it always skips some
    const target = await workload(t, 'mutex_many', ['-n', String(100_000 * SLOWNESS)]);
    for (let i = 0; i < 5; i++) {
      const tracer = await tracing(t, ['-p', String(target.pid), '--all', '-d', '300ms']);
      if (i === 0) target.line();
      const report = parseReport(await tracer.finish(t, null));
      if (i > 0 && loss(report, 'stale') > 0) onceMore(t, 'the end of a wait that was found at the beginning of tracing, and ended just then, is not seen');
      accounts(t, report);
      const { rows } = report.sections.inFlight;
      t.equal(rows.length + wakesUnderWay(report), report.header.accounting.inFlight);
      t.strictSame(rows.filter(({ tid, holderTid }) => tid === holderTid), []);
    }
  });

  test('a wait from before tracing that ends is counted, from the beginning of tracing', async (t) => {
    const target = await workload(t, 'inflight', [], true);
    const before = readClock();
    const tracer = await tracing(t, ['-p', String(target.pid)]);
    const after = readClock();
    await new Promise((resolve) => setTimeout(resolve, 300));
    target.line();
    const truth = await target.truth();
    const report = await tracer.report(t);
    const row = only(t, report.sections.locks.rows, 'lock');
    t.strictSame([row.acquisitions, row.sleeps, row.preexisting, row.inFlight], [1, 1, 1, 0]);
    t.match(row.kind, /^mutex\??$/, 'nobody saw it begin');
    t.strictSame(outcomes(row), { woken: 1 });
    t.ok(row.total <= truth.endedNs - before && row.total >= 0.98 * (truth.endedNs - after), `${row.total} ns since tracing began`);
    t.ok(row.holders.every(({ tid }) => tid === truth.holder), 'no wrong holder');
    t.strictSame(people(row.releasers), [['holder', truth.holder, 1]]);
    t.strictSame(report.sections.inFlight.rows.map(({ thread }) => thread), ['idler']);
  });

  for (const args of [[], ['--anon']] as const) {
    test(`a mutex that two processes share ${args.length ? 'in anonymous memory' : 'in a file, at two addresses'}, is one lock`, async (t) => {
      const { report, truth } = await traced(t, 'shared', args, ['--follow']);
      const row = only(t, report.sections.locks.rows, 'lock');
      t.strictSame([row.kind, row.shared, row.acquisitions, row.sleeps], ['mutex', 'yes', 2 * N, 2 * N]);
      t.strictSame(row.pids.split(',').map(Number), truth.processes.map(({ pid }) => pid).sort((a, b) => a - b));
      sameTotal(t, row.total, truth.processes.reduce((sum, { totalNs }) => sum + totalNs, 0));
      const people_ = truth.processes.map(({ name, pid }) => [name, pid, N]).sort();
      t.strictSame(people(row.waiters).sort(), people_);
      t.strictSame(people(row.releasers).sort(), people_);
      t.strictSame(people(row.holders).sort(), people_, 'holders are known across processes');
      t.strictSame(report.sections.processes.rows.map(({ pid, sleeps }) => [pid, sleeps]).sort(), truth.processes.map(({ pid }) => [pid, N]).sort());
    });
  }

  test('two programs with a private mutex at one address have two locks', async (t) => {
    const { report, truth } = await traced(t, 'strangers', [], ['--follow']);
    t.equal(new Set(report.sections.locks.rows.map(({ address }) => address)).size, 1);
    sameProcesses(t, report, truth.processes);
  });

  test('a forked mutex is a lock in each process', async (t) => {
    comparesWaits(t);
    const { report, truth } = await traced(t, 'forker', [], ['--follow']);
    sameProcesses(t, report, truth.processes);
  });

  test('without --follow, children are not traced', async (t) => {
    const { report, truth, pid } = await traced(t, 'forker');
    sameProcesses(t, report, truth.processes.filter((each) => each.pid === pid).slice(0, 1));
  });

  test('a command and its children are traced from the first instruction', async (t) => {
    comparesWaits(t);
    const tracer = ktrace(t, ['-o', 'json', '-O', `${t.testdir()}/report.json`, '--', program('forker')]);
    t.strictSame(await tracer.exit(), { code: 0, signal: null });
    const { readFileSync } = await import('node:fs');
    const report = parseReport(readFileSync(`${t.testdirName}/report.json`, 'utf8'));
    accounts(t, report);
    sameProcesses(t, report, (JSON.parse(tracer.stdout) as Truth).processes);
  });

  test('a process whose first thread has ended is still traced', async (t) => {
    const { report, truth } = await traced(t, 'leaderless', [], [], false);
    sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth as unknown as DuelTruth);
  });

  test('two mutexes one after the other at one address are one lock: memory has no names', async (t) => {
    const { report, truth } = await traced(t, 'reuse');
    const row = only(t, report.sections.locks.rows, 'lock');
    t.equal(row.acquisitions, 2 * N);
    sameTotal(t, row.total, truth.lives.reduce((sum, { totalNs }) => sum + totalNs, 0));
    const [first, last] = [truth.lives[0]?.firstUseNs ?? 0, truth.lives.at(-1)?.lastUseNs ?? 0];
    const seenFor = row.lastSeen - row.firstSeen;
    t.ok(seenFor <= last - first && seenFor >= row.total, `seen for ${seenFor} ns, used for ${last - first} ns`);
    t.equal(row.holders.length, 2);
    t.equal(row.waiters.length, 2);
  });

  for (const args of [[], ['--thread']] as const) {
    test(`exec${args.length ? ' by another thread than the first' : ''}: a lock of each image, and nothing lost`, async (t) => {
      const { report, truth } = await traced<ExecerTruth>(t, 'execer', args);
      t.equal(report.sections.locks.rows.length, 2);
      const first = rowOf(t, report, truth.pid, truth.first.address);
      const { waits, totalNs, holder, waiter } = truth.first;
      t.strictSame([first.acquisitions, outcomes(first)], [waits, { woken: waits }]);
      sameTotal(t, first.total, totalNs);
      t.strictSame(people(first.holders), [['holder', holder, waits]]);
      t.strictSame(people(first.waiters), [['waiter', waiter, waits]]);
      sameDuel(t, rowOf(t, report, truth.pid, truth.second.locks[0]?.address ?? ''), truth.second as DuelTruth & Times);
      const doomed = only(t, report.sections.idle.rows, 'place');
      t.strictSame(outcomes(doomed), { interrupted: truth.killedInWait });
      t.equal(report.header.accounting.inFlight, 0);
    });
  }

  for (const args of [[], ['--idle-first']] as const) {
    test(`2,000 idle threads${args.length ? ' from before tracing' : ''} and ten locks: all told apart`, async (t) => {
      comparesWaits(t);
      const { report, truth } = await traced(t, 'manythreads', ['-t', '2000', ...args]);
      t.equal(truth.inFlight, 2000);
      t.equal(report.sections.locks.rows.length, 10);
      for (const lock of truth.locks) sameDuel(t, lockAt(report, lock.address), lock);
      const idle = only(t, report.sections.idle.rows, 'place');
      t.strictSame([idle.kind, idle.address, idle.inFlight], ['condition variable', truth.idleObject, 2000]);
      t.equal(report.sections.inFlight.rows.filter(({ thread, designed }) => thread === 'idler' && designed === 'yes').length, 2000);
      t.equal(report.header.accounting.inFlight, 2000);
    }, 180);
  }

  test('a healthy pool of workers is no contention', async (t) => {
    const { report, truth } = await traced(t, 'idle');
    t.strictSame(report.sections.locks.rows, []);
    const row = lockAt(report, truth.object, 'idle');
    t.strictSame([row.kind, row.acquisitions, row.inFlight], ['condition variable', truth.waits, truth.inFlight]);
    sameTotal(t, row.total, truth.totalNs);
    t.strictSame(report.sections.deadlocks.rows, []);
    t.match(report.finding.join(' '), /No thread waited for a lock; the waits seen are idle by design/);
  });

  test('an idle Node.js process is no contention', async (t) => {
    const node = run(t, process.execPath, ['-e', 'setInterval(() => {}, 1e9); console.log("up")']);
    await node.says(/up/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const tracer = await tracing(t, ['-p', String(node.pid), '-d', '1s']);
    const report = await tracer.report(t, { signal: null });
    t.strictSame(report.sections.locks.rows, []);
    t.ok(report.sections.idle.rows.reduce((sum, { inFlight }) => sum + inFlight, 0) >= 4, 'its threads are idle');
    t.match(report.finding.join(' '), /No thread waited for a lock/);
  });
});
