/** What the command line needs to know of a tool, as data: help, parsing and completion are made from it. */

/** How the text of an option becomes a value. */
export type OptionKind =
  | 'flag' // boolean
  | 'text'
  | 'texts' // repeated or with commas: string[]
  | 'rules' // repeated: string[]
  | 'ids' // repeated or with commas: process or thread ids
  | 'uids' // repeated or with commas: ids of users
  | 'ports' // repeated or with commas
  | 'count' // positive integer
  | 'duration' // ns
  | 'percent' // 0..100; alone 0
  | 'choice';

export interface OptionSpec {
  /** As commander has them: `-p, --pid <pid>`; the long name in camel case is the key of the value. */
  readonly flags: string;
  readonly kind: OptionKind;
  /** What it does, for --help: lower case, no full stop. */
  readonly summary: string;
  /** Heading in --help, e.g. `Filters:`. */
  readonly group?: string;
  /** The words of a `choice`. */
  readonly choices?: readonly string[];
  /** As typed; parsed like what the user types. */
  readonly fallback?: string;
}

/** One tool. */
export interface ToolCli {
  /** The word after `ktrace`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What only this tool has, beside the shared options. */
  readonly options: readonly OptionSpec[];
  /** What shared options mean here, by their long names, where that is something else; `null`: nothing, so that they are not offered. */
  readonly shared?: Readonly<Record<string, string | null>>;
  /** At least three command lines that work as they are, each at most 76 columns. */
  readonly examples: readonly string[];
  /** What `--sort` takes, the default first. */
  readonly columnsForSort: readonly string[];
}
