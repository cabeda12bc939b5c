/** The finding, and the command to run next. */
import { formatDuration as duration } from '../../render/format.js';
import type { CallTotals, SyscallsSnapshot } from './model.js';
import type { CallNames } from '../call-names.js';
import { nameOf, type Described, type Inside } from './report.js';

const LONG_NS = 1e9;
const LEAST_SHARE = 0.01;

/** In work, not waiting by design, for so long that it says something. */
export const isHanging = ({ age, waits }: Inside): boolean => age >= LONG_NS && waits === 0;
const isLong = ({ age }: Inside): boolean => age >= LONG_NS;

export function hangs({ comm, tid, name, texts, age, state }: Described): string {
  return `${comm} (${tid}) has been in ${name}${texts ? `(${texts.join(', ')})` : ''} for ${state.preexisting ? 'about ' : ''}${duration(age)}.`;
}

export function findingOf(stuck: readonly Described[], work: readonly CallTotals[], { startedAt, takenAt }: SyscallsSnapshot, names: CallNames): string[] {
  const oldest = stuck.find(isLong);
  if (oldest) return [hangs(oldest)];
  const first = leading(work, startedAt, takenAt);
  if (!first) return [];
  const errors = first.errors > 0 ? `, of which ${first.errors} failed` : '';
  const share = (100 * first.totalNs) / Math.max(1, takenAt - startedAt);
  const calls = first.calls === 1 ? '1 call' : `${first.calls} calls`;
  return [`Most time went into ${nameOf(names, first.nr, first.compat)}: ${calls}${errors}, ${duration(first.totalNs)} in all, ${share.toFixed(1)} % of the wall time.`];
}

/** The work that took most time, if it is worth a word. */
function leading(work: readonly CallTotals[], startedAt: number, takenAt: number): CallTotals | undefined {
  const [first] = [...work].sort((a, b) => b.totalNs - a.totalNs);
  return first && first.totalNs >= LEAST_SHARE * (takenAt - startedAt) ? first : undefined;
}

/** `target`: as the header has it. */
export function nextOf(stuck: readonly Described[], waiting: readonly Inside[], work: readonly CallTotals[], { startedAt, takenAt }: SyscallsSnapshot, names: CallNames, target: string): string[] {
  const oldest = stuck.find(isLong);
  if (oldest?.waits === 0) return [`sudo cat /proc/${oldest.tgid}/task/${oldest.tid}/stack`];
  const [, pid] = /^process (\d+)$/.exec(target) ?? [];
  const first = leading(work, startedAt, takenAt);
  if (first && first.errors > 0 && names.names.includes(names.name(first.nr, first.compat))) return [`sudo ktrace syscalls -e ${names.name(first.nr, first.compat)} --failed --strace -d 10s${pid === undefined ? '' : ` -p ${pid}`}`];
  return pid !== undefined && waiting.some(({ name }) => name === 'futex') && !first ? [`sudo ktrace futex -p ${pid} -d 10s`] : [];
}
