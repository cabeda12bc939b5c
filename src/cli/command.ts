/** A tool's command, built from its description; nothing here loads the addon. */
import { Command, Option, type CommanderError } from 'commander';
import { toOptions, type RawOptions } from './check.js';
import { UsageError } from './exit.js';
import { SHARED_OPTIONS, type CliOptions, type OptionValue } from './options.js';
import type { OptionSpec, ToolCli } from '../tools/spec.js';
import { parseValue } from './values.js';

const HELP_WIDTH = 80;

/** What ktrace itself is told, and the command after the first `--`; that is undefined without a `--`. */
export function splitArgv(argv: readonly string[]): { readonly own: string[]; readonly child: string[] | undefined } {
  const at = argv.indexOf('--');
  return at < 0 ? { own: [...argv], child: undefined } : { own: argv.slice(0, at), child: argv.slice(at + 1) };
}

/** Commander's complaint as one line, with where to read on. */
function asUsage(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0) return error;
  const path: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
  const words = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ').replace(/\.$/, '');
  return new UsageError(`${words}; see ${path.join(' ')} --help`);
}

/** Makes a command throw UsageError instead of printing and exiting (after --help: commander's own error, exit code 0), with help of 80 columns. */
export function strict(command: Command): Command {
  return command
    .exitOverride((error) => {
      throw asUsage(error, command);
    })
    .configureOutput({ outputError: () => undefined, writeErr: () => undefined })
    .configureHelp({ helpWidth: HELP_WIDTH })
    .helpOption('-h, --help', 'print this')
    .helpCommand(false);
}

function optionOf(spec: OptionSpec, shared: ToolCli['shared']): Option {
  const option = new Option(spec.flags, spec.summary + (spec.kind === 'choice' ? `: ${(spec.choices ?? []).join(', ')}` : ''));
  const name = option.long ?? spec.flags;
  if (spec.kind !== 'flag') option.argParser((text: string, earlier: OptionValue) => parseValue(spec, name, text, earlier));
  if (spec.fallback !== undefined) option.default(parseValue(spec, name, spec.fallback, undefined), spec.fallback);
  if (shared?.[name] === null) option.hideHelp();
  else option.description = shared?.[name] ?? option.description;
  return spec.group === undefined ? option : option.helpGroup(spec.group);
}

/** The shared options and the tool's own, in a group of their own. */
function optionsOf({ name, options, columnsForSort: [first, ...others] }: ToolCli): OptionSpec[] {
  const sort = first === undefined ? '' : `: ${[`${first} (default)`, ...others].join(', ')}`;
  const shared = SHARED_OPTIONS.map((spec) => (spec.flags.includes('--sort') ? { ...spec, summary: spec.summary + sort } : spec));
  const own = options.map((spec) => ({ group: `Of ${name}:`, ...spec }));
  return [...shared, ...own];
}

/**
 * `tool` as a command for the root command or for itself. `child` is what `splitArgv` found after `--`; `run` gets the checked options.
 * parseAsync throws UsageError for a wrong command line, before `run`.
 */
export function buildCommand(tool: ToolCli, child: readonly string[] | undefined, run: (options: CliOptions) => void | Promise<void>): Command {
  const command = strict(new Command(tool.name))
    .description(tool.summary)
    .usage('[options] [interval [count]] [-- command args...]')
    .argument('[interval]', 'as --interval')
    .argument('[count]', 'stop after so many reports')
    .allowExcessArguments(false)
    .addHelpText('after', ['\nExamples:', ...tool.examples.map((example) => `  ${example}`)].join('\n'))
    .action((interval: string | undefined, count: string | undefined, raw: RawOptions) =>
      run(toOptions(tool, raw, [interval, count].filter((arg) => arg !== undefined), child)),
    );
  for (const spec of optionsOf(tool)) command.addOption(optionOf(spec, tool.shared));
  return command;
}
