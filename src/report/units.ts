/** The vocabulary: what each unit of the report and each typedef of the BPF structs means. Named here once. */
import type { Unit } from './model.js';

interface UnitMeaning {
  readonly meaning: string;
  /** The shape of a value in JSON output. */
  readonly json: string;
}

/** Every `Unit` of the report model. */
export const UNITS: Readonly<Record<Unit, UnitMeaning>> = {
  count: { meaning: 'exact number of things', json: 'integer' },
  ns: { meaning: 'duration in nanoseconds', json: 'integer' },
  ratio: { meaning: 'part of a whole, 0..1, or a ratio above 1', json: 'number' },
  rate: { meaning: 'things per second', json: 'number' },
  bytes: { meaning: 'size in bytes', json: 'integer' },
  pid: { meaning: 'process or thread id in the pid namespace that ktrace runs in', json: 'integer' },
  address: { meaning: 'virtual address', json: 'lower-case hexadecimal string with 0x' },
  text: { meaning: 'words, or a name as the kernel or a file has it', json: 'string' },
  shares: { meaning: 'contributors, largest first', json: 'array of {name, pid, tid, count, ns, share}' },
  histogram: { meaning: 'durations by bucket (2^(i/4), 2^((i+1)/4)] ns', json: 'object {scale, offset, counts}' },
  tally: { meaning: 'counts by name', json: 'array of {name, count}' },
};

interface TypedefMeaning {
  readonly meaning: string;
  /** How a decoder hands the value over. */
  readonly value: 'number' | 'bigint' | 'string';
  /** The unit of a report column that shows the value as it is; null where it has to become something else first. */
  readonly unit: Unit | null;
}

/** Every typedef that the structs shared with BPF may use for their fields. */
export const TYPEDEFS = {
  ktrace_ns: { meaning: 'duration, or a sum of durations, in nanoseconds', value: 'number', unit: 'ns' },
  ktrace_ktime: { meaning: 'moment in nanoseconds of CLOCK_MONOTONIC', value: 'number', unit: null },
  ktrace_clock: { meaning: "moment in nanoseconds of the scheduler's clock; only differences mean anything", value: 'number', unit: null },
  ktrace_addr: { meaning: 'virtual address of the traced process or the kernel', value: 'bigint', unit: 'address' },
  ktrace_id64: { meaning: '64-bit identifier such as a cgroup id or an inode number', value: 'bigint', unit: null },
  ktrace_tid: { meaning: 'thread id in the pid namespace that ktrace runs in', value: 'number', unit: 'pid' },
  ktrace_pid: { meaning: 'process id (thread group) in the pid namespace that ktrace runs in', value: 'number', unit: 'pid' },
  ktrace_comm: { meaning: 'name of a thread, at most 15 bytes, chosen by the thread itself', value: 'string', unit: 'text' },
  ktrace_errno: { meaning: '0, or a positive error number', value: 'number', unit: null },
  ktrace_count: { meaning: 'exact number of things', value: 'number', unit: 'count' },
  ktrace_bytes: { meaning: 'size in bytes', value: 'number', unit: 'bytes' },
  ktrace_pages: { meaning: 'number of pages; a score in pages may be negative', value: 'number', unit: 'count' },
  ktrace_raw: { meaning: 'a byte as found in the traced process, for our own decoding only', value: 'number', unit: null },
} as const satisfies Readonly<Record<string, TypedefMeaning>>;

export type TypedefName = keyof typeof TYPEDEFS;
