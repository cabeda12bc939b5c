/** A report without tracing, where the options ask for one. */
import { Machine } from '../enrich/world.js';
import { UNTRACED } from '../render/table.js';
import { kernelRelease } from '../source/facts.js';
import { version } from '../source/version.js';
import type { Answer, Tool } from '../tools/contract.js';
import type { Report } from '../report/model.js';
import { EXIT, UsageError } from './exit.js';
import type { CliOptions } from './options.js';
import { openOutput } from './output.js';
import { eventRenderer, printer } from './print.js';

/** undefined: it is to be traced. */
export async function answered(tool: Tool, options: CliOptions): Promise<number | undefined> {
  const rows = options.output === 'table' ? options.rows : Number.MAX_SAFE_INTEGER;
  const found = tool.answer?.({ own: options.own, pids: options.pids, cgroup: options.cgroup, rows }, new Machine());
  if (!found) return undefined;
  refuse(options);
  const output = openOutput(options.outputFile);
  const render = eventRenderer(tool, options);
  if (render && found.events.length > 0) await output.data(found.events.map(render).join(''));
  await printer(options, output)(reportOf(tool, found));
  await output.finish();
  return EXIT.ok;
}

/** What would say something of tracing. */
function refuse({ child, pids, tids, comms, minWaitNs, durationNs, intervalNs, dryRun, failOnLoss, own }: CliOptions): void {
  const idle: readonly (readonly [boolean, string])[] = [
    [child !== undefined, 'a command'], [tids.length > 0, '--tid'], [comms.length > 0, '--comm'], [minWaitNs > 0, '--min-wait'], [durationNs !== undefined, '--duration'], [intervalNs !== undefined, '--interval'],
    [dryRun, '--dry-run'], [failOnLoss !== undefined, '--fail-on-loss'], [own['failOnOom'] === true, '--fail-on-oom'], [own['list'] === true && pids.length > 0, '--pid'], [pids.length > 1, 'a second --pid'],
  ];
  const found = idle.find(([given]) => given);
  if (found) throw new UsageError(`${own['list'] === true ? '--list traces' : '--pid and --cgroup of this tool trace'} nothing, so ${found[1]} has no meaning there: leave one of them out`);
}

function reportOf(tool: Tool, { target, accounting, report }: Answer<unknown>): Report {
  return {
    schemaVersion: 1,
    header: { tool: tool.name, version, startedAt: new Date().toISOString(), durationNs: 0, target, filters: [], variant: UNTRACED, attempts: [], limits: [], kernel: kernelRelease(), settled: true, accounting },
    ...report,
  };
}
