/** The signals that end a run. */
import { EXIT } from './exit.js';

/** The part of `process` that is needed; a test passes another. */
interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): unknown;
}

export interface StopSignal {
  /** Resolves with the first SIGINT, SIGTERM or SIGHUP: time to drain and report. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Takes the handlers away; the promise stays pending if it was. */
  dispose(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens from now on. A second SIGINT, while the first signal is being obeyed, exits 130 at once. */
export function stopOnSignal(source: SignalSource = process): StopSignal {
  let resolve: (signal: NodeJS.Signals) => void = () => undefined;
  let interrupted = false;
  const stopped = new Promise<NodeJS.Signals>((done) => (resolve = done));
  const listener = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && interrupted) source.exit(EXIT.interrupted);
    interrupted ||= signal === 'SIGINT';
    resolve(signal);
  };
  for (const signal of SIGNALS) source.on(signal, listener);
  return {
    stopped,
    dispose() {
      for (const signal of SIGNALS) source.off(signal, listener);
    },
  };
}
