/** What ktrace exec knows of a process, and what it sends of it. */
import type { ToolEvent } from '../contract.js';

/** A process above another one. */
export interface Ancestor {
  readonly pid: number;
  /** Name of its program, or of the script that it runs; hostile. */
  readonly name: string;
}

/** A process that has become a program, or tried to. All texts are hostile. */
export interface Image {
  readonly pid: number;
  /** The thread that called execve. */
  readonly tid: number;
  /** CLOCK_MONOTONIC, ns: of the exec, and of the beginning of the process. */
  readonly time: number;
  readonly processBegan: number;
  readonly uid: number;
  readonly euid: number;
  /** Name of the thread, after the exec if it succeeded. */
  readonly comm: string;
  /** What was to be executed, absolute: of a script the script. */
  readonly program: string;
  /** As it was given. */
  readonly path: string;
  /** The executed file: of a script the interpreter's; null where nothing was executed. */
  readonly file: string | null;
  readonly interpreter: string | null;
  readonly directory: string;
  readonly argv: readonly string[];
  /** There was more of `argv`. */
  readonly argvCut: boolean;
  /** Some of `argv` could not be read. */
  readonly argvUnread: boolean;
  readonly cgroup: string;
  readonly container: string | null;
  readonly pod: string | null;
  /** The file has no name any more, or never had one. */
  readonly deleted: boolean;
  /** From the parent on. */
  readonly ancestors: readonly Ancestor[];
}

/** How a process ended. */
export interface End {
  readonly time: number;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  /** `SIGKILL`; null when it exited. */
  readonly signal: string | null;
  readonly dumped: boolean;
  /** The kernel had chosen it because memory had run out, and it was killed. */
  readonly oom: boolean;
  /** Since it became this program; since it began, if that was before tracing. */
  readonly lifetimeNs: number;
  /** Of the process, with what it did before it became this program. */
  readonly cpuNs: number;
  /** Else the kernel had not freed the process yet, and it may be too little by as much as a time slice. */
  readonly cpuIsWhole: boolean;
  /** Its parent has not waited for it for a while. */
  readonly isZombie: boolean;
  readonly peakBytes: number;
}

/** What each event has of the image that it is about: `processBegan` tells with `pid` which process it is, whoever else has had that id. */
interface Common extends ToolEvent, Omit<Image, 'uid' | 'euid' | 'ancestors'> {
  /** By the clock on the wall (RFC 3339, UTC). */
  readonly at: string;
  /** null: not known, of what was there before tracing. */
  readonly uid: number | null;
  readonly euid: number | null;
  readonly ancestorPids: readonly number[];
  readonly ancestors: readonly string[];
  /** Rules of --alert that hold of it. */
  readonly alerts: readonly string[];
}

/** A process has become a program. */
export interface StartedRecord extends Common {
  readonly type: 'exec';
}

/** It could not. */
export interface FailedRecord extends Common {
  readonly type: 'failed';
  /** `ENOENT` */
  readonly error: string;
}

/** It has ended. */
export interface EndedRecord extends Common, Omit<End, 'time'> {
  readonly type: 'exit';
  /** It had become this program before tracing: only what the kernel keeps is known of it. */
  readonly beforeTracing: boolean;
}

export type ExecEventRecord = StartedRecord | FailedRecord | EndedRecord;
