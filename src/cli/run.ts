/** One run of one tool, from checked options to the exit code. */
import { KtraceError } from '../errors.js';
import { attemptLines, limitLines } from '../render/table.js';
import { DEFAULT_WIDTH } from '../render/width.js';
import type { Report } from '../report/model.js';
import { findCgroup } from '../source/cgroup.js';
import { protectSelf } from '../source/protect.js';
import { Session } from '../source/session.js';
import type { Tool } from '../tools/contract.js';
import { endedAlready, exitCodeOf, startChild, type Child } from './child.js';
import { EXIT, UsageError } from './exit.js';
import type { CliOptions } from './options.js';
import type { Print } from './print.js';
import { messages, openOutput, type Output } from './output.js';
import { OUTPUT_FAILED } from './output-file.js';
import { privilegesDropper } from './privileges.js';
import { stopOnSignal } from './signals.js';
import { sessionOptions, wantsEvents } from './session-options.js';

export async function runTool(tool: Tool, options: CliOptions): Promise<number> {
  if (options.output === 'json' && tool.lines?.(options.own) === 'asked') throw new UsageError('what is shown line by line is no JSON document: take -o ndjson');
  if (options.intervalNs !== undefined && tool.lines?.(options.own) === 'asked') throw new UsageError('what is shown line by line has one report, at its end: leave out --interval');
  if (tool.answer) {
    const { answered } = await import('./answer.js');
    const code = await answered(tool, options);
    if (code !== undefined) return code;
  }
  const signal = stopOnSignal();
  const cgroup = options.cgroup === undefined ? undefined : findCgroup(options.cgroup);
  const child = options.child ? await startChild(options.child, options.user) : undefined;
  const stop = new AbortController();
  void signal.stopped.then(() => stop.abort());
  let session: Session | undefined;
  try {
    if (options.own['protectSelf'] === true) protectSelf(); // not the command, which has been started
    const message = messages(options);
    const tell = (lines: readonly string[]): void => lines.forEach(message);
    const drop = options.keepPrivileges ? () => undefined : privilegesDropper({ child: child !== undefined });
    session = new Session(tool, { ...sessionOptions(tool, options, cgroup, child?.pid, stop.signal), tell });
    drop();
    const refused = child && (await endedAlready(child));
    if (refused) return exitCodeOf(refused); // by the launcher, which has said why
    if (!options.dryRun) return await trace(tool, session, options, child, stop, message);
    message(`ktrace: loaded and attached (variant ${session.hooks.variant}); nothing was traced`);
    if (options.verbose) tell([...attemptLines(session.hooks.attempts, DEFAULT_WIDTH), ...limitLines(session.hooks.limits, DEFAULT_WIDTH)]);
    return EXIT.ok;
  } catch (error) {
    const refused = child && error instanceof KtraceError && error.code === 'ESRCH' ? await endedAlready(child) : undefined;
    if (!refused) throw error;
    return exitCodeOf(refused);
  } finally {
    child?.abandon();
    session?.close();
    signal.dispose();
  }
}

async function trace(tool: Tool, session: Session, options: CliOptions, child: Child | undefined, stop: AbortController, message: (text: string) => void): Promise<number> {
  const grows = options.intervalNs !== undefined || wantsEvents(tool, options);
  const output = openOutput(options.outputFile, { grows }); // with the rights of who called us
  try {
    message(`ktrace: tracing ${session.target} ${untilWhen(options)}`);
    child?.release();
    if (!options.follow || tool.wholeMachine) void child?.ended.then(() => stop.abort(), () => stop.abort());
    const exitCode = await follow(tool, session, options, output, child);
    await output.finish();
    return exitCode;
  } catch (error) {
    output.discard();
    if (error instanceof Error && 'code' in error && error.code === OUTPUT_FAILED) await reportElsewhere(session, options);
    throw error;
  }
}

/** The file cannot be written: what was seen goes to stdout. */
async function reportElsewhere(session: Session, options: CliOptions): Promise<void> {
  const { printer } = await import('./print.js');
  await printer(options, openOutput(undefined))(session.stop());
}

function untilWhen({ durationNs, count, child, pids, tids, follow }: CliOptions): string {
  if (durationNs !== undefined) return `for ${durationNs / 1e9} s`;
  if (count !== undefined) return `for ${count} reports`;
  if (!child && pids.length + tids.length === 0) return 'until Ctrl-C';
  if (follow) return 'until the last child has ended, or Ctrl-C';
  return pids.length + tids.length > 1 ? 'until they have ended, or Ctrl-C' : 'until it ends, or Ctrl-C';
}

async function follow(tool: Tool, session: Session, options: CliOptions, output: Output, child: Child | undefined): Promise<number> {
  const { eventRenderer, printEvents, printer } = await import('./print.js'); // only now: what renders is not needed to start tracing
  const print = printer(options, output);
  const render = eventRenderer(tool, options);
  if (render) await printEvents(session, output, render);
  else if (options.intervalNs !== undefined) await printIntervals(session, options, options.intervalNs, print);
  await session.ended();
  const report = session.report();
  if (render || options.intervalNs === undefined) await print(report);
  return child ? await childExit(tool, child, report, options) : exitCode(tool, report, options);
}

/** A command that still runs when -d or Ctrl-C has ended the tracing is told to end, as perf-record(1) does; the exit code is then our own. */
async function childExit(tool: Tool, child: Child, report: Report, options: CliOptions): Promise<number> {
  const losses = exitCode(tool, report, options);
  const ended = await Promise.race([child.ended, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
  if (!ended) child.terminate();
  return losses === EXIT.ok && ended ? exitCodeOf(ended) : losses;
}

async function printIntervals(session: Session, { count }: CliOptions, intervalNs: number, print: Print): Promise<void> {
  const ended = session.ended().then(() => true);
  for (let printed = 0; count === undefined || printed < count; printed++) {
    let timer: NodeJS.Timeout | undefined;
    const tick = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, intervalNs / 1e6, false)));
    const over = await Promise.race([ended, tick]);
    clearTimeout(timer);
    await print(session.report({ interval: true }), over || printed + 1 === count);
    if (over) return;
  }
  session.stop();
}

function exitCode(tool: Tool, report: Report, { failOnLoss, own }: CliOptions): number {
  const { losses, header } = report;
  const verdict = tool.verdict?.(report, own);
  if (verdict) return EXIT[verdict];
  const lost = losses.reduce((sum, { count }) => sum + count, 0);
  if (failOnLoss === undefined || lost === 0) return EXIT.ok;
  return (100 * lost) / Math.max(1, header.accounting.hits) > failOnLoss ? EXIT.losses : EXIT.ok;
}
