#!/usr/bin/env node
/** `ktrace TOOL [options]`: finds the tool, runs it, and turns whatever happens into an exit code. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { buildCommand, splitArgv, strict } from './command.js';
import { doctorCommand, runDoctor, type DoctorOptions } from './doctor.js';
import { EXIT, fail, UsageError } from './exit.js';
import { registry } from '../generated/registry.js';
import { keepDebuggerClosed } from './privileges.js';
import { version } from '../source/version.js';

export async function main(argv: readonly string[]): Promise<number> {
  const { own, child } = splitArgv(argv);
  let exitCode: number = EXIT.ok;
  const root = strict(new Command('ktrace'))
    .description('Trace the locks, system calls, lives and connections of running processes with eBPF: what waits, fails or ends, why, and for whom.')
    .version(version, '-V, --version', 'print the version');
  root.allowExcessArguments().action(() => {
    const [unknown] = root.args;
    if (unknown !== undefined) throw new UsageError(`There is no command ${JSON.stringify(unknown)}; see ktrace --help`);
    process.stderr.write(root.helpInformation());
    exitCode = EXIT.usage;
  });
  for (const { cli, load } of registry) {
    const run = async (options: Parameters<Parameters<typeof buildCommand>[2]>[0]): Promise<void> => {
      const [{ runTool }, tool] = await Promise.all([import('./run.js'), load()]);
      exitCode = await runTool(tool, options);
    };
    root.addCommand(buildCommand(cli, child, run));
  }
  const doctor = async (options: DoctorOptions): Promise<void> => {
    exitCode = await runDoctor(await Promise.all(registry.map(({ load }) => load())), options);
  };
  root.addCommand(doctorCommand(child, doctor));
  try {
    await root.parseAsync(own, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error && error.exitCode === 0) return EXIT.ok; // --help, --version
    return fail(error, root.commands.some((command) => command.opts()['verbose'] === true));
  }
}

function isEntryPoint(): boolean {
  const [, script] = process.argv;
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url);
}

if (isEntryPoint()) {
  keepDebuggerClosed();
  process.stdout.on('error', () => undefined); // `| head`: what writes data hears of it in its own callback
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
