/** Where a run's text goes: data to stdout or to a file, messages to stderr. */
import { forTerminal } from '../render/sanitize.js';
import { openOutputFile, type OutputFile } from './output-file.js';

export interface Output {
  /** Data. Rejects when it cannot be written; with code EPIPE when the reader went away. */
  data(text: string): Promise<void>;
  /** The terminal that data goes to; undefined for a pipe or a file. 0 where it does not know its size: a serial line, script(1). */
  terminal(): { readonly rows: number; readonly columns: number } | undefined;
  /** All data is written: a file gets its name now, if it has none yet. */
  finish(): Promise<void>;
  /** The run failed: a file is removed, unless it has grown under its name. */
  discard(): void;
}

/** The part of `process` that is needed; a test passes another. */
interface Streams {
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'on' | 'isTTY' | 'rows' | 'columns'>;
}

function writeTo(stdout: Streams['stdout'], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.write(text, (error) => {
      if (error == null) resolve();
      else if ('code' in error && error.code === 'EPIPE') reject(error);
      else reject(Object.assign(new Error('write to stdout', { cause: error }), { hint: 'the output is not complete' }));
    });
  });
}

function toStdout({ stdout }: Streams): Output {
  // Every write has its own callback; without a listener the stream would throw the same error once more.
  stdout.on('error', () => undefined);
  return {
    data: (text) => writeTo(stdout, text),
    terminal: () => (stdout.isTTY ? { rows: stdout.rows, columns: stdout.columns } : undefined),
    finish: () => Promise.resolve(),
    discard: () => undefined,
  };
}

function toFile(file: OutputFile): Output {
  return {
    data: async (text) => file.write(text),
    terminal: () => undefined,
    finish: async () => file.commit(),
    discard: () => file.discard(),
  };
}

/** Opens the output of a run; throws when the file of --output-file cannot be written. `grows`: data comes bit by bit, and others may read along. */
export function openOutput(outputFile: string | undefined, { grows = false, streams = process }: { readonly grows?: boolean; readonly streams?: Streams } = {}): Output {
  return outputFile === undefined ? toStdout(streams) : toFile(openOutputFile(outputFile, { grows }));
}

/** What prints one line for people on stderr, sanitized; nothing with --quiet. */
export function messages({ quiet }: { readonly quiet: boolean }, stderr: { write(text: string): unknown } = process.stderr): (text: string) => void {
  return (text) => {
    if (!quiet) stderr.write(`${forTerminal(text)}\n`);
  };
}
