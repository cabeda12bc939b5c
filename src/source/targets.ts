/** The processes that were asked for: there at the start, and known to be gone later, also when their id is used again. */
import { readdirSync, readFileSync } from 'node:fs';
import { KtraceError } from '../errors.js';
import { codeOf } from './doctor/text.js';
import { readRights } from './rights.js';

/** `process 4242`, `threads 17, 18`, `all processes`: for the report's header. */
export function targetWords({ pids, tids }: { readonly pids: readonly number[]; readonly tids: readonly number[] }): string {
  if (pids.length > 0) return `${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')}`;
  return tids.length > 0 ? `${tids.length === 1 ? 'thread' : 'threads'} ${tids.join(', ')}` : 'all processes';
}

/** Processes that are followed. */
export interface Children {
  /** How many there have been. */
  born(): number;
  /** Those that have not ended. */
  ids(): readonly number[];
}

/** Why a process does nothing, or seems to. */
export interface Note {
  readonly finding: string;
  /** A command line. */
  readonly next: string;
}

interface Stat {
  readonly state: string;
  readonly flags: number;
  /** Clock ticks since boot: tells two processes of one id apart. */
  readonly started: string;
}

const DEAD: Stat = { state: 'X', flags: 0, started: '' };
const PF_KTHREAD = 0x00200000; // include/linux/sched.h

export class Targets {
  readonly #started = new Map<number, string>();
  readonly #threads = new Map<number, string>();
  readonly #switches = new Map<number, string>();

  /** Throws KtraceError when one does not exist, has ended, or is a thread of the kernel. */
  constructor(pids: readonly number[], tids: readonly number[] = []) {
    for (const tid of tids) {
      const stat = readStat(tid);
      if (!stat) throw new KtraceError(`There is no thread ${tid}`, 'ESRCH', 'look for it with `ps -eLf`');
      this.#threads.set(tid, stat.started);
    }
    for (const pid of pids) {
      this.#started.set(pid, check(pid).started);
      this.#switches.set(pid, switchesOf(pid));
    }
  }

  /** What a report has to say of them; `hits`: how much it has of all of them. */
  notes(hits: number): Note[] {
    return [...this.#started].flatMap(([pid, started]) => {
      const stat = readStat(pid);
      if (stat?.started !== started) return []; // gone, and maybe its id another's
      return [...this.#stopped(pid, stat), ...(hits === 0 && isKept(pid) ? [kept(pid)] : [])];
    });
  }

  /** Somebody has stopped it, and it did nothing since the start if that is a debugger: strace(1) stops it for each call. */
  #stopped(pid: number, { state }: Stat): Note[] {
    const note = STOPPED[state]?.(pid);
    return note && (state !== 't' || switchesOf(pid) === this.#switches.get(pid)) ? [note] : [];
  }

  /** Whether there were targets and none of them lives any more, nor any of their children that are followed. */
  allGone(children?: Children): boolean {
    if (this.#started.size + this.#threads.size === 0) return false;
    if (![...this.#threads].every(([tid, started]) => isThreadGone(tid, started))) return false;
    return [...this.#started].every(([pid, started]) => isGone(pid, started)) && (children === undefined || noneLives(children));
  }
}

/** Of processes that do nothing now because somebody stopped them (proc(5), field 3): what to say, and what lets them go on. */
const STOPPED: Readonly<Record<string, (pid: number) => Note>> = {
  T: (pid) => ({ finding: `Process ${pid} is stopped by a signal: it does nothing until it is told to go on.`, next: `sudo kill -CONT ${pid}` }),
  t: (pid) => ({ finding: `Process ${pid} is held by a debugger: it does nothing until that lets it go on.`, next: `grep TracerPid /proc/${pid}/status` }),
};

const kept = (pid: number): Note => ({
  finding: `Nothing was seen of process ${pid}, which this kernel keeps from being traced: it refuses /proc/${pid}/syscall in spite of CAP_SYS_PTRACE. Whether it was idle is not known.`,
  next: `sudo cat /proc/${pid}/syscall`,
});

/** Kernels that protect a process from ptrace(2) may run no BPF programs while it is on the CPU, either. */
export function isKept(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/syscall`);
    return false;
  } catch (error) {
    return codeOf(error) === 'EPERM' && readRights()?.effective.includes('CAP_SYS_PTRACE') === true;
  }
}

/** `started`: of the process that is meant. */
function isGone(pid: number, started?: string): boolean {
  const stat = readStat(pid);
  return !stat || (started !== undefined && stat.started !== started) || (isDead(stat) && !hasLiveThread(pid));
}

/** A child that is born while we look may be in no list, and its parent gone already. */
function noneLives({ born, ids }: Children): boolean {
  const before = born();
  return ids().every((pid) => isGone(pid)) && born() === before;
}

function isThreadGone(tid: number, started: string): boolean {
  const stat = readStat(tid);
  return stat?.started !== started || isDead(stat);
}

function check(pid: number): Stat {
  const stat = readStat(pid);
  const hint = 'look for it with `pgrep -a NAME`';
  if (!stat) throw new KtraceError(`There is no process ${pid}`, 'ESRCH', hint);
  if (isDead(stat) && !hasLiveThread(pid)) throw new KtraceError(`Process ${pid} has ended already`, 'ESRCH', hint);
  if ((stat.flags & PF_KTHREAD) !== 0) throw new KtraceError(`Process ${pid} is a thread of the kernel, which makes no system calls`, 'KTHREAD', hint);
  const leader = leaderOf(pid);
  if (leader !== pid) throw new KtraceError(`${pid} is a thread of process ${leader}`, 'THREAD', `trace it with \`-t ${pid}\`, or all of it with \`-p ${leader}\``);
  return stat;
}

const isDead = ({ state }: Stat): boolean => state === 'Z' || state === 'X';

/** The first thread may end, or be dead already when the process is killed, while others live: it is a zombie until they are gone. */
function hasLiveThread(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((tid) => tid !== String(pid) && !isDead(readStat(`${pid}/task/${tid}`) ?? DEAD));
  } catch {
    return false;
  }
}

/** proc(5): fields after the name in parentheses, which may hold anything. */
function readStat(pid: number | string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', flags: Number(fields[6]), started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** How often its first thread went to sleep. */
const switchesOf = (pid: number): string => statusOf(pid, 'voluntary_ctxt_switches') ?? '';

const leaderOf = (pid: number): number => Number(statusOf(pid, 'Tgid') ?? pid);

/** A number of proc(5), `status`. */
function statusOf(pid: number, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\t(\\d+)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
