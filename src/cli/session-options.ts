/** From the command line's options to a session's. */
import type { SessionOptions } from '../source/options.js';
import { targetWords } from '../source/targets.js';
import type { Filters, Tool } from '../tools/contract.js';
import { limits } from '../tools/limits.js';
import type { CliOptions } from './options.js';

const BACKLOG = 100_000;

/** Whether events are shown as lines of text. */
export function wantsLines(tool: Tool, { events, output, intervalNs, own }: CliOptions): boolean {
  const lines = tool.lines?.(own) ?? 'none';
  return lines === 'asked' || (lines === 'usual' && !events && output !== 'json' && intervalNs === undefined);
}

/** Whether each event is shown as it comes, in whatever form. */
export const wantsEvents = (tool: Tool, options: CliOptions): boolean => options.events || wantsLines(tool, options);

export function sessionOptions(
  tool: Tool,
  options: CliOptions,
  cgroup: Filters['cgroup'],
  child: number | undefined,
  signal: AbortSignal,
): SessionOptions {
  const data = options.output !== 'table';
  return {
    filters: {
      pids: child === undefined ? options.pids : [child],
      tids: options.tids,
      comms: options.comms,
      cgroup,
      minWaitNs: options.minWaitNs,
      launched: child !== undefined,
      follow: options.follow || child !== undefined,
    },
    limits: limits(count(options.own['maxLocks'] ?? options.own['maxRows']), count(options.own['ringSize'])),
    own: options.own,
    events: wantsEvents(tool, options),
    backlog: BACKLOG,
    includeSelf: options.includeSelf,
    variant: options.variant,
    durationNs: options.durationNs,
    signal,
    rows: data ? Number.MAX_SAFE_INTEGER : options.rows, // programs cut for themselves
    sort: options.sort,
    all: options.all || data,
    verbose: options.verbose || data,
    target: options.child?.join(' ') ?? targetWords(options),
    filterWords: filterWords(options, tool),
  };
}

const count = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

function filterWords({ pids, tids, comms, cgroup, minWaitNs, follow, own }: CliOptions, tool: Tool): string[] {
  return [
    ...(pids.length > 0 && tids.length > 0 ? [`threads ${tids.join(', ')}`] : []),
    ...(comms.length > 0 ? [`named ${comms.join(', ')}`] : []),
    ...(cgroup === undefined ? [] : [`cgroup ${cgroup}`]),
    ...(minWaitNs > 0 ? [`${minWaitNs / 1e6} ms or more`] : []),
    ...(tool.filterWords?.(own) ?? []),
    ...(follow ? ['with children'] : []),
  ];
}
