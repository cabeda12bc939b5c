/** `ktrace doctor`: what of this machine ktrace can use. */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { DoctorView } from '../render/doctor.js';
import type { Tool } from '../tools/contract.js';
import { strict } from './command.js';
import { EXIT, UsageError } from './exit.js';

export interface DoctorOptions {
  readonly json?: true;
}

const NARROWEST = 60; // or words would be cut in pieces

/** `child` is what stood after `--`: there is nothing to run here. */
export function doctorCommand(child: readonly string[] | undefined, run: (options: DoctorOptions) => Promise<void>): Command {
  return strict(new Command('doctor'))
    .description('What of this machine ktrace can use, what not and what to do about it, and which tools will run.')
    .option('--json', 'print it for a program (schema/doctor.schema.json)')
    .allowExcessArguments(false)
    .action((options: DoctorOptions) => {
      if (child !== undefined) throw new UsageError('ktrace doctor takes no command after --; see ktrace doctor --help');
      return run(options);
    });
}

/** Prints what was found; 77 when no tool will run. */
export async function runDoctor(tools: readonly Tool[], { json }: DoctorOptions): Promise<number> {
  const [{ doctorFacts }, { diagnose }, { openOutput }] = await Promise.all([import('../source/doctor/facts.js'), import('../report/doctor/judge.js'), import('./output.js')]);
  const output = openOutput(undefined);
  const diagnosis = diagnose(doctorFacts(tools, howCalled()));
  const { renderDoctor, renderDoctorJson } = await import('../render/doctor.js');
  await output.data(json ? renderDoctorJson(diagnosis) : renderDoctor(diagnosis, await look(output.terminal())));
  return diagnosis.runs ? EXIT.ok : EXIT.cannotTrace;
}

async function look(terminal: { readonly columns: number } | undefined): Promise<DoctorView> {
  const [{ createColors }, { wantsColor }, { DEFAULT_WIDTH }] = await Promise.all([import('picocolors'), import('./color.js'), import('../render/width.js')]);
  return { width: Math.max(NARROWEST, terminal?.columns || DEFAULT_WIDTH), color: createColors(wantsColor('auto', process.env, terminal !== undefined)) };
}

/** The words to call ktrace again, for a shell of another user: sudo looks for `ktrace` in its own path, and finds no file without its place. */
function howCalled(): string[] {
  const [node = 'node', script = ''] = process.argv;
  return basename(script) === 'ktrace' ? ['ktrace'] : [node, resolve(script)];
}
