/** The options that all tools share, and the object that they are parsed into. */
import type { OptionSpec } from '../tools/spec.js';

const FILTERS = 'Filters:';
const RUN = 'How long:';
const OUTPUT = 'Output:';
const COMMAND = 'With a command after --:';
const MORE = 'More:';

export const SHARED_OPTIONS: readonly OptionSpec[] = [
  { group: FILTERS, flags: '-p, --pid <pid>', kind: 'ids', summary: 'trace these processes only (repeat, or commas)' },
  { group: FILTERS, flags: '-t, --tid <tid>', kind: 'ids', summary: 'trace these threads only (repeat, or commas)' },
  { group: FILTERS, flags: '--comm <name>', kind: 'texts', summary: 'trace threads of this name only; name* for a prefix' },
  { group: FILTERS, flags: '-c, --cgroup <cgroup>', kind: 'text', summary: 'trace this cgroup only: its path, or a container id' },
  { group: FILTERS, flags: '--min-wait <duration>', kind: 'duration', fallback: '0', summary: 'leave out what is shorter' },
  { group: FILTERS, flags: '--include-self', kind: 'flag', summary: 'trace the threads of ktrace itself too' },
  { group: FILTERS, flags: '-f, --follow', kind: 'flag', summary: 'also children that the targets start from now on' },
  { group: RUN, flags: '-d, --duration <duration>', kind: 'duration', summary: 'stop and report after this time' },
  { group: RUN, flags: '-i, --interval <duration>', kind: 'duration', summary: 'report again and again' },
  { group: OUTPUT, flags: '-r, --rows <count>', kind: 'count', fallback: '10', summary: 'rows of each table at most' },
  { group: OUTPUT, flags: '-s, --sort <column>', kind: 'text', summary: 'order of the rows' },
  { group: OUTPUT, flags: '-a, --all', kind: 'flag', summary: 'also show what is left out as idle' },
  { group: OUTPUT, flags: '--events', kind: 'flag', summary: 'one JSON line per event as it happens' },
  { group: OUTPUT, flags: '-o, --output <format>', kind: 'choice', choices: ['table', 'json', 'ndjson'], summary: 'format (default: table)' },
  { group: OUTPUT, flags: '-O, --output-file <file>', kind: 'text', summary: 'write to a new file, or replace yours' },
  { group: OUTPUT, flags: '-C, --no-clear', kind: 'flag', summary: 'with -i: append instead of redrawing' },
  { group: OUTPUT, flags: '--color <when>', kind: 'choice', choices: ['auto', 'always', 'never'], fallback: 'auto', summary: 'colours' },
  { group: OUTPUT, flags: '-q, --quiet', kind: 'flag', summary: 'no messages on stderr but errors' },
  { group: OUTPUT, flags: '-v, --verbose', kind: 'flag', summary: 'more of each row, how the figures came about, and the log of the verifier if it refuses a program' },
  { group: COMMAND, flags: '-u, --user <user>', kind: 'text', summary: 'run it as this user (default: who called sudo)' },
  { group: MORE, flags: '--variant <name>', kind: 'text', summary: 'hook the kernel in this way only' },
  { group: MORE, flags: '--keep-privileges', kind: 'flag', summary: 'keep user and capabilities while tracing' },
  { group: MORE, flags: '--dry-run', kind: 'flag', summary: 'load, attach and stop' },
  { group: MORE, flags: '--fail-on-loss [percent]', kind: 'percent', summary: 'exit 3 if more than this was lost (alone: anything)' },
];

export type OptionValue = boolean | number | string | readonly number[] | readonly string[] | undefined;

/** The command line of one tool, checked. */
export interface CliOptions {
  readonly pids: readonly number[];
  readonly tids: readonly number[];
  readonly comms: readonly string[];
  readonly cgroup: string | undefined;
  readonly minWaitNs: number;
  readonly includeSelf: boolean;
  readonly follow: boolean;
  /** undefined: until a signal or the end of the target. */
  readonly durationNs: number | undefined;
  /** undefined: one report at the end. */
  readonly intervalNs: number | undefined;
  /** Reports at most, with an interval. */
  readonly count: number | undefined;
  readonly rows: number;
  readonly sort: string | undefined;
  readonly all: boolean;
  readonly events: boolean;
  readonly output: 'table' | 'json' | 'ndjson';
  /** undefined: stdout. */
  readonly outputFile: string | undefined;
  readonly clear: boolean;
  readonly color: 'auto' | 'always' | 'never';
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly user: string | undefined;
  readonly variant: string | undefined;
  readonly keepPrivileges: boolean;
  readonly dryRun: boolean;
  /** Per cent of all hits; exit 3 above. undefined: losses do not change the exit code. */
  readonly failOnLoss: number | undefined;
  /** The command after `--` and its arguments; undefined without one. */
  readonly child: readonly [string, ...string[]] | undefined;
  /** The values of the tool's own options by key. */
  readonly own: Readonly<Record<string, OptionValue>>;
}
