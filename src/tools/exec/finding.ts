/** The sentences at the end of a report. */
import { formatDuration } from '../../render/format.js';
import type { Counts, ProgramTotals } from './programs.js';

const STORM_RATE = 10; // a second
const STORM_COUNT = 50;
const LOOP_COUNT = 5;
const LOOP_SHARE = 0.8;

const top = (counts: Counts): readonly [string, number] | undefined => [...counts].sort(([, a], [, b]) => b - a)[0];

const percent = (part: number, whole: number): string => {
  const ratio = (100 * part) / whole;
  return part === whole ? 'all' : `${ratio >= 99.5 ? '>99' : ratio.toFixed(0)} %`;
};

/** `/usr/bin/git 412 times a second from worker.js (4100), 96 % exit 128` */
function storm({ program, started, failed, ended, ends, errors, parents }: ProgramTotals, seconds: number): string {
  const rate = (started + failed) / seconds;
  const [parent, by] = top(parents) ?? ['', 0];
  const [end, times] = top(ends) ?? ['', 0];
  const [error, failures] = top(errors) ?? ['', 0];
  const from = by >= LOOP_SHARE * (started + failed) ? ` from ${parent}` : ` from ${parents.size} processes`;
  const how = failed > started ? `, ${percent(failures, failed)} failed with ${error}` : ended > 0 ? `, ${percent(times, ended)} ${end}` : '';
  return `${program} ${rate >= 1 ? `${rate.toFixed(rate < 9.95 ? 1 : 0)} times a second` : `${started + failed} times`}${from}${how}.`;
}

const isStorm = ({ started, failed }: ProgramTotals, seconds: number): boolean => started + failed >= STORM_COUNT && (started + failed) / seconds >= STORM_RATE;

/** It ends badly again and again, and is started again by the same process. */
function isLoop({ started, ended, unwell, parents }: ProgramTotals): boolean {
  return unwell >= LOOP_COUNT && unwell >= LOOP_SHARE * ended && (top(parents)?.[1] ?? 0) >= LOOP_SHARE * started;
}

function loop(totals: ProgramTotals, seconds: number): string {
  const { program, ended, unwell, ends, parents, longestNs } = totals;
  const [end, times] = [...ends].filter(([how]) => how !== 'exit 0' && how !== 'exec').sort(([, a], [, b]) => b - a)[0] ?? ['', 0];
  return `${program} is in a crash loop: ${unwell} of ${ended} ended badly (${end}${times < unwell ? ` ${times} times` : ''}) within ${formatDuration(seconds * 1e9)}, none lived longer than ${formatDuration(longestNs)}; ${top(parents)?.[0] ?? ''} starts it.`;
}

const isOom = ({ ends }: ProgramTotals): boolean => ends.has('OOM-killed');

/** What stands out most. */
export function findingOf(programs: readonly ProgramTotals[], durationNs: number, alerts: number): string[] {
  const seconds = Math.max(durationNs / 1e9, 1e-3);
  const byCount = [...programs].sort((a, b) => b.started + b.failed - (a.started + a.failed));
  const storms = byCount.filter((totals) => isStorm(totals, seconds));
  const loops = byCount.filter((totals) => isLoop(totals) && !storms.includes(totals));
  const oom = byCount.filter(isOom).map(({ program, ends }) => `${program} was killed ${ends.get('OOM-killed') ?? 0} times because memory had run out.`);
  return [
    ...(alerts > 0 ? [`${alerts} ${alerts === 1 ? 'alert' : 'alerts'}: see above.`] : []),
    ...oom.slice(0, 1),
    ...storms.slice(0, 2).map((totals) => storm(totals, seconds)),
    ...loops.slice(0, 2).map((totals) => loop(totals, seconds)),
  ];
}

/** Commands that look closer. */
export function nextOf(programs: readonly ProgramTotals[], durationNs: number): string[] {
  const seconds = Math.max(durationNs / 1e9, 1e-3);
  const hot = programs.find((totals) => isStorm(totals, seconds) || isLoop(totals));
  const pid = /\((\d+)\)$/.exec(top(hot?.parents ?? new Map())?.[0] ?? '')?.[1];
  return pid === undefined ? [] : [`sudo ktrace exec -f -p ${pid} --failed -d 10s`];
}
