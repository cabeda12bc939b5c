/** From single values to one object: what contradicts itself is refused here. */
import { UsageError } from './exit.js';
import type { CliOptions, OptionValue } from './options.js';
import type { ToolCli } from '../tools/spec.js';
import { parseCount, parsePositive } from './values.js';

/** The values as commander has them, by key; those not given are missing. */
export type RawOptions = Readonly<Record<string, OptionValue>>;

/** As the kinds of SHARED_OPTIONS make them; those left out here are flags or looked at one by one. */
interface Given extends Pick<CliOptions, 'cgroup' | 'rows' | 'sort' | 'outputFile' | 'color' | 'user' | 'variant'> {
  readonly pid?: readonly number[];
  readonly tid?: readonly number[];
  readonly comm?: readonly string[];
  readonly minWait: number;
  readonly duration: number | undefined;
  readonly [key: string]: OptionValue;
}

/** TASK_COMM_LEN without its NUL. */
const LONGEST_COMM = 15;

function checkTarget(raw: RawOptions, child: readonly string[] | undefined): CliOptions['child'] {
  if (child === undefined) {
    if (raw.user !== undefined) throw new UsageError('--user goes with a command: add -- and the command');
    return undefined;
  }
  const [file, ...args] = child;
  if (file === undefined || file === '') throw new UsageError('Expected a command after --');
  const running = raw.pid === undefined ? 'tid' : 'pid';
  if (raw[running] !== undefined) throw new UsageError(`--${running} names what runs already and -- starts something: give one of them`);
  return [file, ...args];
}

function checkFollow(raw: RawOptions, child: readonly string[] | undefined): boolean {
  if (raw.follow === true && raw.pid === undefined && child === undefined) throw new UsageError('--follow goes with the children of a process: add --pid, or -- and a command');
  return raw.follow === true;
}

function checkComms(comms: readonly string[]): readonly string[] {
  const long = comms.find((comm) => Buffer.byteLength(comm.replace(/\*$/, '')) > LONGEST_COMM);
  if (long === undefined) return comms;
  throw new UsageError(`Expected --comm to be at most ${LONGEST_COMM} bytes, as the kernel keeps names, not ${JSON.stringify(long)}`);
}

function checkOutput(raw: RawOptions): CliOptions['output'] {
  const output = raw.output as CliOptions['output'] | undefined;
  if (raw.events !== true) return output ?? 'table';
  if (output !== undefined && output !== 'ndjson') throw new UsageError(`--events prints JSON lines: leave out --output ${output}, or make it ndjson`);
  return 'ndjson';
}

function checkSort(sort: string | undefined, columns: readonly string[]): string | undefined {
  if (sort === undefined || columns.includes(sort)) return sort ?? columns[0];
  throw new UsageError(`Expected --sort to be one of ${columns.join(', ')}, not ${JSON.stringify(sort)}`);
}

function checkInterval(raw: RawOptions, positional: string | undefined): number | undefined {
  if (positional === undefined) return raw.interval as number | undefined;
  if (raw.interval !== undefined) throw new UsageError('The interval is given twice: with --interval and as an argument');
  return parsePositive(positional, 'interval', true);
}

/** The checked options of one run. `args` are the positional `[interval [count]]`, `child` is what stood after `--`. */
export function toOptions(tool: ToolCli, raw: RawOptions, args: readonly string[], child: readonly string[] | undefined): CliOptions {
  const given = raw as Given;
  return {
    pids: given.pid ?? [],
    tids: given.tid ?? [],
    comms: checkComms(given.comm ?? []),
    cgroup: given.cgroup,
    minWaitNs: given.minWait,
    includeSelf: raw.includeSelf === true,
    follow: checkFollow(raw, child),
    durationNs: given.duration,
    intervalNs: checkInterval(raw, args[0]),
    count: args[1] === undefined ? undefined : parseCount(args[1], 'count'),
    rows: given.rows,
    sort: checkSort(given.sort, tool.columnsForSort),
    all: raw.all === true,
    events: raw.events === true,
    output: checkOutput(raw),
    outputFile: raw.outputFile === '-' ? undefined : given.outputFile,
    clear: raw.clear !== false,
    color: given.color,
    quiet: raw.quiet === true,
    verbose: raw.verbose === true,
    user: given.user,
    variant: given.variant,
    keepPrivileges: raw.keepPrivileges === true,
    dryRun: raw.dryRun === true,
    failOnLoss: raw.failOnLoss === true ? 0 : (raw.failOnLoss as number | undefined),
    child: checkTarget(raw, child),
    own: Object.fromEntries(ownKeys(tool).map((key) => [key, raw[key]])),
  };
}

/** `--max-locks <count>` is `maxLocks`. */
function ownKeys(tool: ToolCli): string[] {
  return tool.options.map(({ flags }) => (/--(?:no-)?([a-z0-9-]+)/.exec(flags)?.[1] ?? flags).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}
