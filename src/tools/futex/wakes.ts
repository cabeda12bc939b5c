/** Wake calls that have begun and not ended, where an end may go unseen: the states of their threads tell. */
import { FutexWake, type FutexTask } from '../../generated/futex.js';
import type { OpenWakes } from './model.js';
import { isInWake } from './waits.js';

/** Of the low byte of `waking`: 1 + the operation. */
const OPERATION = 0xff;

/**
 * `settled`: tracing is over. Then a wake is under way if it ended after that, or its thread still is in that call; else it had ended before,
 * and nobody saw it. Until then it may end while this is read, and is under way.
 */
export function openWakes(tasks: readonly FutexTask[], settled: boolean): OpenWakes {
  const open = tasks.filter(({ state }) => state.waking !== 0);
  const unseen = settled ? open.filter((task) => !isUnderWay(task)).length : 0;
  return { underWay: open.length - unseen, unseen };
}

function isUnderWay(task: FutexTask): boolean {
  const { waking } = task.state;
  if ((waking & FutexWake.FUTEX_WAKE_UNDER_WAY) !== 0) return true;
  return (waking & FutexWake.FUTEX_WAKE_UNSEEN) === 0 && isInWake(task, (waking & OPERATION) - 1);
}
