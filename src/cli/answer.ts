/** A report without tracing, where the options ask for one. */
import { Machine } from '../enrich/world.js';
import { kernelRelease } from '../source/facts.js';
import { version } from '../source/version.js';
import type { Answer, Tool } from '../tools/contract.js';
import type { Report } from '../report/model.js';
import { EXIT } from './exit.js';
import type { CliOptions } from './options.js';
import { openOutput } from './output.js';
import { eventRenderer, printer } from './print.js';

/** undefined: it is to be traced. */
export async function answered(tool: Tool, options: CliOptions): Promise<number | undefined> {
  if (options.child) return undefined;
  const rows = options.output === 'table' ? options.rows : Number.MAX_SAFE_INTEGER;
  const found = tool.answer?.({ own: options.own, pids: options.pids, cgroup: options.cgroup, rows }, new Machine());
  if (!found) return undefined;
  const output = openOutput(options.outputFile);
  const render = eventRenderer(tool, options);
  if (render && found.events.length > 0) await output.data(found.events.map(render).join(''));
  await printer(options, output)(reportOf(tool, found));
  await output.finish();
  return EXIT.ok;
}

function reportOf(tool: Tool, { target, accounting, report }: Answer<unknown>): Report {
  return {
    schemaVersion: 1,
    header: { tool: tool.name, version, startedAt: new Date().toISOString(), durationNs: 0, target, filters: [], variant: 'none', attempts: [], limits: [], kernel: kernelRelease(), settled: true, accounting },
    ...report,
  };
}
