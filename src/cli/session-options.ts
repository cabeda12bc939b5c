/** From the command line's options to a session's. */
import type { SessionOptions } from '../source/options.js';
import { targetWords } from '../source/targets.js';
import type { Filters, Tool } from '../tools/contract.js';
import type { CliOptions } from './options.js';

const BACKLOG = 100_000;
const DEFAULT_KEYS = 4096;
const DEFAULT_RING_BYTES = 4 << 20;
const MOST_KEYS = 1 << 20;
const MOST_RING_BYTES = 1 << 30;

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
    limits: {
      maxKeys: Math.min(MOST_KEYS, Number(options.own['maxLocks'] ?? options.own['maxRows'] ?? DEFAULT_KEYS)),
      ringBytes: Math.min(MOST_RING_BYTES, Math.max(4096, 2 ** Math.ceil(Math.log2(Number(options.own['ringSize'] ?? DEFAULT_RING_BYTES))))),
    },
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
