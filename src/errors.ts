/** What ktrace throws: each error says the operation, its cause and the next step. */
import type { AttachAttempt } from './report/model.js';

export class KtraceError extends Error {
  override readonly name: string = 'KtraceError';

  /** `hint`: the next step, in the imperative; empty when there is none. */
  constructor(
    message: string,
    readonly code: string,
    readonly hint = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** This kernel, or the rights at hand, do not do. The command line exits with 77. */
export class UnsupportedError extends KtraceError {
  override readonly name: string = 'UnsupportedError';
}

/** No variant could be loaded and attached; `attempts` says where each failed. */
export class AttachError extends UnsupportedError {
  override readonly name = 'AttachError';

  constructor(
    message: string,
    hint: string,
    readonly attempts: readonly AttachAttempt[],
    options?: ErrorOptions,
  ) {
    super(message, 'ATTACH', hint, options);
  }
}

/** The verifier refused a program: `log` is the end of what it said. */
export class VerifierError extends KtraceError {
  override readonly name = 'VerifierError';

  constructor(
    readonly log: string,
    options?: ErrorOptions,
  ) {
    super('load: the verifier refused a program', 'VERIFIER', 'please report this with `uname -r` and the log (-v shows it)', options);
  }
}
