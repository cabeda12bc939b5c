/** Each variant gives the same report on the same workload, as far as this kernel takes it. */
import type { Test } from 'tap';
import { callsOf, LATE_NS, lockAt, only, outcomes, people, sameDuel, sameTimes } from './compare.js';
import type { FutexReport, LockRow, Truth } from './futex-model.js';
import { skippedRuns, tolerantOfPreemption, whole } from './losses.js';
import { EMULATED, N } from './machine.js';
import { hung, readClock, runsFor, workload } from './processes.js';
import { killed, openFiles, outliving } from './sudden-end.js';
import { suite } from './suite.js';
import { ktrace, lacking, traced, tracing, type Tracer } from './tracer.js';

/** Lost with the ends that hooks on functions miss. */
const SOMETIMES: readonly string[] = ['stale', 'wakes-unseen'];
const VARIANTS: readonly string[] = ['fentry', 'tracepoint', 'kprobe'];

/** What does not depend on the moment or the process. */
function essence({ sections }: FutexReport): unknown {
  const row = ({ kind, sure, acquisitions, sleeps, wakeCalls, moved, preexisting, ...rest }: LockRow): unknown => ({ kind, sure, acquisitions, sleeps, wakeCalls, moved, preexisting, outcomes: outcomes(rest as LockRow) });
  return { locks: sections.locks.rows.map(row), idle: sections.idle.rows.map(row), calls: sections.calls.rows };
}

/** One mutex, and two tracers at once; `report` is of the one for which the kernel skipped less. */
async function duelSeenTwice(t: Test, options: readonly string[]): Promise<{ report: FutexReport; other: FutexReport; truth: Truth }> {
  const target = await workload(t, 'mutex');
  const start = (): Promise<Tracer> => tracing(t, ['-p', String(target.pid), ...options]);
  const [one, two] = await Promise.all([start(), start()]);
  target.line();
  const truth = await target.truth();
  const [a, b] = await Promise.all([one.report(t, { losses: SOMETIMES }), two.report(t, { losses: SOMETIMES })]);
  target.closeInput();
  t.strictSame(await target.exit(), { code: 0, signal: null }, 'mutex is content with itself');
  return skippedRuns(a) <= skippedRuns(b) ? { report: a, other: b, truth } : { report: b, other: a, truth };
}

suite(1, (test) => {
  const reports = new Map<string, unknown>();

  for (const variant of VARIANTS) {
    const options = ['--variant', variant];
    /** kretprobes miss ends when others sleep, too: only what holds in spite of that is asked of them. */
    const exact = variant !== 'kprobe';
    const on = (title: string, body: (t: Test) => Promise<void>): void => test(`${variant}: ${title}`, async (t) => {
      const why = lacking(variant);
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      await body(t);
    });

    if (exact) {
      on('every operation and outcome', async (t) => {
        const { report } = await whole(t, () => traced(t, 'ops', [], options, true, SOMETIMES));
        t.equal(report.header.variant, variant);
        for (const [other, seen] of reports) t.strictSame(essence(report), seen, `as ${other} saw it`);
        reports.set(variant, essence(report));
      });

      on('a mutex, seen by two at once: each wait, its holder and its releaser', async (t) => {
        const { report, other, truth } = await whole(t, () => duelSeenTwice(t, options));
        sameDuel(t, only(t, report.sections.locks.rows, 'lock'), truth);
        if (skippedRuns(other) === 0) sameDuel(t, only(t, other.sections.locks.rows, 'lock'), truth);
        else t.comment(`${skippedRuns(other)} runs skipped for the other one, which says so`);
      });

      on('a wait that began before tracing ends when it ends, whatever its thread does then', async (t) => {
        let before = 0;
        const { report, truth } = await whole(t, () => ((before = readClock()), traced(t, 'inflight', ['--naps'], options, true, SOMETIMES)));
        const row = lockAt(report, truth.locks[0]?.address ?? '');
        t.strictSame([row.acquisitions, row.sleeps, row.preexisting, outcomes(row)], [1, 1, 1, { woken: 1 }]);
        t.strictSame(people(row.releasers), [['holder', truth.holder, 1]]);
        t.ok(row.total <= truth.endedNs - before, `${row.total} ns, at most ${truth.endedNs - before}`);
      });

      on('another tracer comes and goes during a wait', async (t) => {
        const { report, truth } = await whole(t, async () => {
          const target = await workload(t, 'inflight', ['--late']);
          const tracer = await tracing(t, ['-p', String(target.pid), ...options]);
          target.line();
          await target.says(/^asleep$/m);
          await (await tracing(t, ['-p', String(target.pid), '-d', '100ms', ...options])).report(t, { signal: null, losses: SOMETIMES });
          target.line();
          const truth = await target.truth();
          return { report: await tracer.report(t, { losses: SOMETIMES }), truth };
        });
        const row = lockAt(report, truth.locks[0]?.address ?? '');
        t.strictSame([row.acquisitions, row.sleeps, outcomes(row)], [1, 1, { woken: 1 }]);
        t.ok(row.total <= truth.totalNs, `${row.total} ns, at most ${truth.totalNs}`);
        t.strictSame(people(row.holders), [['holder', truth.holder, 1]]);
      });

      on('a wake that is under way when tracing ends is not lost', async (t) => {
        tolerantOfPreemption(t);
        for (let i = 0; i < (EMULATED ? 6 : 10); i++) {
          const target = await workload(t, 'eagain', ['--wake', '-n', '1000000000', ...(i % 2 ? ['--between'] : [])]);
          const tracer = await tracing(t, ['-p', String(target.pid), ...options]);
          target.line(); // and is in that call at any moment
          await runsFor(target.pid, 300e6);
          const report = await tracer.report(t);
          await target.end();
          const { hits, aggregated, inFlight } = report.header.accounting;
          if (skippedRuns(report) === 0) t.strictSame([aggregated + inFlight, callsOf(report, 'FUTEX_WAKE').calls], [hits, hits]);
          t.ok(inFlight <= 1, `${inFlight} under way, of one thread`);
          t.ok(hits > 0);
        }
      });

      on('restarted waits', async (t) => {
        const { report, truth } = await whole(t, () => traced(t, 'restart', [], options, true, SOMETIMES));
        t.equal(report.sections.locks.rows.concat(report.sections.idle.rows).reduce((sum, { acquisitions }) => sum + acquisitions, 0), truth.waits);
      });
    } else {
      on('two at once: waits that each saw end and those that it did not are all there were', async (t) => {
        const { report, other, truth } = await duelSeenTwice(t, options);
        t.equal(truth.waits, N);
        for (const { header, sections } of [report, other]) {
          const { aggregated, inFlight, dropped } = header.accounting;
          const wakes = sections.calls.rows.filter(({ op }) => op === 'FUTEX_WAKE').reduce((sum, { calls }) => sum + calls, 0);
          t.equal(aggregated - wakes + inFlight + dropped, truth.waits);
          t.strictSame([...new Set(sections.locks.rows.flatMap(({ holders }) => holders.map(({ tid }) => tid)))], [truth.holder]);
        }
      });
    }

    on('how long waits of a quarter of a second took', async (t) => {
      const { report, truth } = await whole(t, () => traced(t, 'mutex', ['--long', '-n', '5'], options, true, SOMETIMES));
      const row = lockAt(report, truth.locks[0]?.address ?? '');
      if (exact) sameTimes(t, row, truth);
      const mean = row.total / row.acquisitions;
      const measured = truth.totalNs / truth.waits;
      t.ok(mean >= measured - LATE_NS && mean <= truth.maxNs, `${row.acquisitions} waits of ${mean} ns on average, and the program measured ${measured}`);
    });

    on('a process that hung before is in a deadlock', async (t) => {
      const { program } = await hung(t, 'deadlock');
      const tracer = await tracing(t, ['-p', String(program.pid), '-d', '1s', ...options]);
      const report = await tracer.report(t, { signal: null });
      t.strictSame(report.sections.deadlocks.rows.map(({ thread }) => thread).sort(), ['dl-0', 'dl-1']);
    });

    on('kill -9 at four stages leaves nothing behind', async (t) => {
      const target = await workload(t, 'inflight');
      const start = (): Tracer => ktrace(t, ['-p', String(target.pid), ...options]);
      if (variant === 'kprobe') t.ok(Object.keys(outliving()).some((path) => path.endsWith('/kprobe_events')), 'what must stay as it is can be seen');
      const complete = await start().tracing();
      const all = openFiles(complete.pid);
      await killed(t, complete, 'while it traces', () => true);
      for (const part of [0.3, 0.5, 0.8]) {
        const tracer = start();
        await killed(t, tracer, `with ${100 * part} % of its files open`, () => openFiles(tracer.pid) >= part * all);
      }
    });
  }
});
