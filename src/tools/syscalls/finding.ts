/** The finding, and the command to run next. */
import { formatDuration as duration } from '../../render/format.js';
import type { CallTotals, SyscallsSnapshot } from './model.js';
import type { CallNames } from './names.js';
import { nameOf, type Described } from './report.js';

const LONG_NS = 1e9;

export function findingOf(stuck: readonly Described[], work: readonly CallTotals[], { startedAt, takenAt }: SyscallsSnapshot, names: CallNames): string[] {
  const oldest = stuck.find(({ age, waits }) => age >= LONG_NS && waits === 0);
  if (oldest) return [`${oldest.comm} (${oldest.tid}) has been in ${oldest.name}${oldest.texts ? `(${oldest.texts.join(', ')})` : ''} for ${duration(oldest.age)}${oldest.state.preexisting ? ' or longer' : ''}.`];
  const [first] = [...work].sort((a, b) => b.totalNs - a.totalNs);
  if (!first) return [];
  const share = Math.round((100 * first.totalNs) / Math.max(1, takenAt - startedAt));
  const errors = first.errors > 0 ? `, of which ${first.errors} failed` : '';
  return [`Most time went into ${nameOf(names, first.nr, first.compat)}: ${first.calls} calls${errors}, ${duration(first.totalNs)} in all, ${share} % of the wall time.`];
}

export function nextOf(stuck: readonly Described[], work: readonly CallTotals[], names: CallNames): string[] {
  const oldest = stuck.find(({ age, waits }) => age >= LONG_NS && waits === 0);
  if (oldest) return [`sudo cat /proc/${oldest.tgid}/task/${oldest.tid}/stack`];
  const failing = [...work].sort((a, b) => b.errors - a.errors)[0];
  return failing && failing.errors > 0 ? [`sudo ktrace syscalls -e ${names.name(failing.nr, failing.compat)} --by process`] : [];
}
