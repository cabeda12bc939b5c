import type { Filters, Own } from '../tools/contract.js';
import type { Limits } from '../tools/limits.js';

/** A session's options, complete and checked. */
export interface SessionOptions {
  readonly filters: Filters;
  readonly limits: Limits;
  readonly own: Own;
  /** Send events, one for each thing that happens, and not totals alone. */
  readonly events: boolean;
  /** Events kept for a slow reader. */
  readonly backlog: number;
  readonly includeSelf: boolean;
  readonly variant: string | undefined;
  readonly durationNs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Is given what cannot wait for the report, such as a deadlock just found: lines of text, hostile names in them. */
  readonly tell?: (lines: readonly string[]) => void;
  /** For the report. */
  readonly rows: number;
  readonly sort: string | undefined;
  readonly all: boolean;
  readonly verbose: boolean;
  /** What is traced, and the filters, in words. */
  readonly target: string;
  readonly filterWords: readonly string[];
}
