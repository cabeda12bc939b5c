/** What a report owns up to: lost, skipped, unseen. Exact tests begin again, or compare within it. */
import type { Test } from 'tap';
import type { Loss } from '../../src/report/model.js';
import { kernelFacts, type KernelFacts } from '../../src/source/facts.js';
import type { FutexReport } from './futex-model.js';
import { VARIANT } from './machine.js';
import { endAll } from './processes.js';
import { placeOf, Trial, trials } from './trial.js';

/** What other programs may cause where the whole machine is traced: they map memory, end waits and send events at any moment. */
const OTHERS_CAUSE: readonly string[] = ['identity', 'stale', 'ring-full', 'backlog-full'];
/** Says that something may be missing, somewhere on the machine: whether it is, the counts that are compared tell. */
const NO_VERDICT = 'skipped';
/** What a skipped run of a program leaves behind; and kretprobes, of which there are as few as CPUs: those who sleep use them up. */
const FROM_SKIPPED: readonly string[] = ['stale', 'wakes-unseen', 'skipped-calls'];

interface Losses {
  readonly losses: readonly Loss[];
}

type Accounted = Losses & { readonly header: Pick<FutexReport['header'], 'target' | 'accounting'> };

/** How often that was lost; throws where the report does not know the reason. */
export function loss({ losses }: Losses, reason: string): number {
  const found = losses.find((each) => each.reason === reason);
  if (!found) throw new Error(`no ${reason} among ${losses.map((each) => each.reason).join(', ')}`);
  return found.count;
}

/** Runs of our programs that the kernel left out. */
export const skippedRuns = (report: Losses): number => loss(report, NO_VERDICT);

/** What they, or kretprobes that were missing, left behind: ends of calls and of wakes that were not seen. */
export const unseenEnds = (report: Losses): number => report.losses.reduce((sum, { reason, count }) => sum + (FROM_SKIPPED.includes(reason) ? count : 0), 0);

/** By how many a comparison may fall short. None where a run counts only if it is right although some were skipped: see repeating(). */
export function slack(t: Test, report: Losses): number {
  if (!isDoubtful(t)) return skippedRuns(report) + unseenEnds(report);
  return VARIANT === 'kprobe' ? unseenEnds(report) : 0;
}

const TRIES = 8;
/** How often a test may still begin again, where a run of it says nothing. */
const triesLeft = new WeakMap<Test, number>();
const tolerantTests = new WeakSet<Test>();
const waitsOnly = new WeakSet<Test>();

/** This run of the test says nothing. */
class Again extends Error {}

/**
 * Kernels that let programs be preempted skip others that are due on that CPU meanwhile, seldom, and count it. A report that says so may
 * miss what the program did, or not: it counts if it is right all the same, else the test begins again. One that does not say so is exact. What is
 * wrong at the same place each time is no chance.
 */
export async function repeating(t: Test, body: (t: Test) => Promise<void>, { preemptible }: Pick<KernelFacts, 'preemptible'> = kernelFacts()): Promise<void> {
  const wrongs = new Set<string | undefined>();
  for (let left = TRIES - 1; ; left--) {
    const trial = preemptible ? new Trial(t) : undefined;
    const own = trial?.t ?? t;
    triesLeft.set(own, left);
    const thrown: unknown = await body(own).catch((error: unknown) => error);
    const wrong = thrown === undefined ? trial?.wrong : placeOf(thrown);
    const why = thrown instanceof Again ? thrown.message : wrong === undefined ? undefined : trial?.doubt;
    if (why === undefined) {
      trial?.tell();
      if (thrown !== undefined) throw thrown as Error;
      return;
    }
    if (left === 0 && !preemptible) throw new Error(`${why}, though this kernel preempts no programs`, { cause: thrown });
    wrongs.add(wrong);
    t.comment(`${why}${wrong === undefined ? '' : `, and ${thrown === undefined ? wrong : String(thrown)}`}`);
    if (left === 0 && wrong !== undefined && wrongs.size === 1) return void t.fail(`${wrong}, in each of ${TRIES} tries`);
    if (left === 0) return void t.pass('skipped', { skip: `this kernel preempts programs, and skipped runs in each of ${TRIES} tries, as the reports say; the last one: ${wrong ?? why}` });
    await endAll(own); // the kernel lets a function be hooked 38 times
  }
}

/** A busy machine may have spoilt what the program measured of itself: once more, twice at most; what the third try says, holds. */
export function onceMore(t: Test, why: string): void {
  if ((triesLeft.get(t) ?? 0) > TRIES - 3) throw new Again(`${why}: once more`);
}

/** This run of the test begins again, unless it is right all the same where the kernel preempts programs. */
function doubt(t: Test, why: string): void {
  const trial = trials.get(t);
  if (!trial) throw new Again(why);
  trial.doubt ??= why;
}

const isDoubtful = (t: Test): boolean => trials.get(t)?.doubt !== undefined && !tolerantTests.has(t);

/** The test copes with skipped runs: see asMany(). Several tracers at once, and readers of maps, cause them on any kernel. */
export function tolerant(t: Test): void {
  tolerantTests.add(t);
}

/** The same of a test in which nothing but preemption causes them: where the kernel preempts no programs it is exact. */
export function tolerantOfPreemption(t: Test): void {
  if (kernelFacts().preemptible) tolerant(t);
}

/** The test compares waits alone: a run says enough of them, even if skipped runs took ends of wakes along. */
export function comparesWaits(t: Test): void {
  waitsOnly.add(t);
}

/** The conservation law, and nothing lost but what may be. */
export function accounts(t: Test, report: Accounted, losses: readonly string[] = []): void {
  const { hits, aggregated, inFlight, filtered, dropped } = report.header.accounting;
  const takenAlong = report.losses.find(({ reason }) => reason === 'skipped-calls')?.count ?? 0; // also by a run after tracing
  const skipped = skippedRuns(report); // of ends, too: the call is in no row then
  if (skipped + takenAlong > 0 && triesLeft.has(t) && !tolerantTests.has(t)) doubt(t, `${skipped} runs skipped by the kernel: once more`);
  const apart = Math.abs(aggregated + inFlight + filtered + dropped - hits);
  t.ok(apart <= (isDoubtful(t) ? 0 : skipped), `hits (${hits}) = aggregated (${aggregated}) + in flight (${inFlight}) + filtered (${filtered}) + dropped (${dropped})${skipped ? `, ${skipped} runs skipped` : ''}`);
  const mayLose = [...losses, NO_VERDICT, ...(report.header.target === 'all processes' ? OTHERS_CAUSE : []), ...(skipped + takenAlong > 0 || VARIANT === 'kprobe' ? mayHaveLost(t) : [])];
  t.strictSame(report.losses.filter(({ reason, count }) => count !== 0 && !mayLose.includes(reason)), [], 'nothing is lost');
}

function mayHaveLost(t: Test): readonly string[] {
  if (!isDoubtful(t) || VARIANT === 'kprobe') return FROM_SKIPPED;
  return waitsOnly.has(t) ? ['wakes-unseen'] : [];
}

/** Exactly as many, or fewer by no more than the reports say was not seen: in a storm where the kernel preempts programs, it always skips some. */
export function asMany(t: Test, reports: Losses | readonly Losses[], found: number, expected: number, what = 'as many'): void {
  const unseen = [reports].flat().reduce((sum, report) => sum + slack(t, report), 0);
  if (unseen === 0) t.equal(found, expected, what);
  else t.ok(found <= expected && expected - found <= unseen, `${what}: ${found} of ${expected}, ${unseen} unseen`);
}

/** The same of two numbers that were both measured: either may be the one that lacks something. */
export function alike(t: Test, reports: Losses | readonly Losses[], one: number, other: number, what: string): void {
  asMany(t, reports, Math.min(one, other), Math.max(one, other), what);
}

/** Like a test that begins again, for a part of one. What skipped runs left out may be nothing of ours: `agrees` says so. */
export async function whole<T extends { readonly report: Losses }>(t: Test, run: () => Promise<T>, agrees: (found: T) => boolean = () => false): Promise<T> {
  tolerant(t);
  for (let tries = 1; ; tries++) {
    const found = await run();
    const skipped = skippedRuns(found.report);
    if (skipped === 0 || agrees(found) || tries === TRIES) return found;
    t.comment(`${skipped} runs skipped by the kernel: once more`);
  }
}
