/** The report: plain data between the tools (which compute) and the renderers (which only format). */

/**
 * A string that came from the kernel, /proc, an ELF file or a cgroup: hostile until a renderer's sanitizer has seen it.
 * The brand keeps it out of plain `string` positions by review and lint; every sink sanitizes all it prints all the same.
 */
export type Untrusted = string & { readonly __untrusted?: true };

/** What a number or string means. Only renderers convert; values are raw (nanoseconds, bytes, 0..1). */
export type Unit =
  | 'count' // exact number of things
  | 'ns' // duration in nanoseconds
  | 'ratio' // 0..1 and above, shown as per cent
  | 'rate' // things per second
  | 'bytes'
  | 'pid' // process or thread id as ktrace's own pid namespace sees it
  | 'address' // bigint; hex string in JSON
  | 'text' // words of ours or Untrusted names
  | 'shares' // Share[]
  | 'histogram' // Histogram
  | 'tally'; // Tally[]: named counts, zeros left out by renderers

/** One contributor among several: a thread and its part of the whole. */
export interface Share {
  readonly name: Untrusted;
  readonly pid: number;
  readonly tid: number;
  readonly count: number;
  readonly ns: number;
  /** Part of the row's whole by count, 0..1. */
  readonly share: number;
}

export interface Tally {
  readonly name: string;
  readonly count: number;
}

/** Exponential histogram of durations: bucket i holds (2^(i/4), 2^((i+1)/4)] ns; `counts[0]` is bucket `offset`. */
export interface Histogram {
  readonly scale: 2;
  readonly offset: number;
  readonly counts: readonly number[];
}

export type Value = number | string | bigint | boolean | null | readonly Share[] | readonly Tally[] | Histogram;

export interface Column {
  readonly key: string;
  /** Heading in tables, upper case, short. */
  readonly title: string;
  readonly unit: Unit;
  /**
   * `cell` (default): a column of the table. `wide`: one only where all fit unshortened beside it, else with -v a detail. `detail`: a line of its own below the row, "title value", wrapped.
   * `verbose`: a detail shown with -v only. `data`: in JSON only.
   */
  readonly show?: 'cell' | 'wide' | 'detail' | 'verbose' | 'data';
  /** What the column says, for docs and the JSON schema. */
  readonly description: string;
}

export type Row = { readonly [key: string]: Value };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Rows that --rows cut off. */
  readonly hiddenRows: number;
  /** Free lines above the rows (a deadlock told thread by thread). */
  readonly story?: readonly string[];
  /** Why there are no rows; printed instead of them. A section with neither rows nor `empty` is not printed. */
  readonly empty?: string;
}

/** Something counted that is not in the rows. All losses are shown, zeros too in JSON. */
export interface Loss {
  /** Stable word, e.g. `ring-full`, `locks-map-full`. */
  readonly reason: string;
  readonly count: number;
  /** What it means for the figures and the remedy, to be read after the count: "waits are not in the totals: the map is full (raise --max-locks)". */
  readonly meaning: string;
}

export interface AttachAttempt {
  readonly variant: string;
  readonly stage: 'load' | 'attach';
  readonly errno: string;
}

export interface Header {
  readonly tool: string;
  readonly version: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationNs: number;
  readonly target: Untrusted;
  readonly filters: readonly string[];
  readonly variant: string;
  readonly attempts: readonly AttachAttempt[];
  /** What this variant or kernel cannot see, one sentence each. */
  readonly limits: readonly string[];
  readonly kernel: string;
  /** Of a report on an interval: its length. `durationNs` and `accounting` are since the start. */
  readonly intervalNs?: number;
  /** Tracing was over when this was made. Before, calls go on while they are counted, so that `accounting` may be off by those under way. */
  readonly settled: boolean;
  /** Conservation: hits = aggregated + inFlight + filtered + Σ losses that are drops. */
  readonly accounting: {
    readonly hits: number;
    readonly aggregated: number;
    readonly inFlight: number;
    readonly filtered: number;
    readonly dropped: number;
  };
}

export interface Report {
  readonly schemaVersion: 1;
  readonly header: Header;
  readonly losses: readonly Loss[];
  readonly sections: readonly Section[];
  /** One or two plain sentences: what was found. */
  readonly finding: readonly string[];
  /** The next command to run, if any. */
  readonly next: readonly string[];
}
