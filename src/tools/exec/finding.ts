/** The sentences at the end of a report. */
import { formatDuration } from '../../render/format.js';
import { OTHERS, type Counts } from '../../report/counts.js';
import { triedName, type ProgramTotals } from './programs.js';

const STORM_RATE = 10; // a second
const STORM_COUNT = 50;
const LOOP_COUNT = 5;
const LOOP_SHARE = 0.8;
const ANSWERS_COUNT = 20;

const top = (counts: Counts): readonly [string, number] | undefined => [...counts].sort(([, a], [, b]) => b - a)[0];

const percent = (part: number, whole: number): string => {
  const ratio = (100 * part) / whole;
  return part === whole ? 'all' : `${ratio >= 99.5 ? '>99' : ratio.toFixed(0)} %`;
};

const from = (counts: Counts, all: number): string => {
  const [parent = '', by = 0] = top(counts) ?? [];
  if (by >= LOOP_SHARE * all && parent !== OTHERS) return ` from ${parent}`;
  return counts.has(OTHERS) ? ` from more than ${counts.size - 1} processes` : ` from ${counts.size} processes`;
};

/** `/usr/bin/git 412 times a second from worker.js (4100), 96 % exit 128` */
function storm({ program, started, failed, ended, ends, errors, parents, triedBy }: ProgramTotals, seconds: number): string {
  const isTried = failed > started;
  const count = isTried ? failed : started;
  const rate = count / seconds;
  const [end = '', times = 0] = top(ends) ?? [];
  const [error = '', failures = 0] = top(errors) ?? [];
  const how = isTried ? `, ${percent(failures, failed)} failed with ${error}` : ended > 0 ? `, ${percent(times, ended)} ${end}` : '';
  return `${program} ${rate.toFixed(rate < 9.95 ? 1 : 0)} times a second${from(isTried ? triedBy : parents, count)}${how}.`;
}

/** Directories of PATH that a name is not in are no storm if it is found in the end. */
function isStorm({ program, started, failed }: ProgramTotals, seconds: number, all: readonly ProgramTotals[]): boolean {
  const name = triedName(program);
  const count = Math.max(started, failed);
  return count >= STORM_COUNT && count / seconds >= STORM_RATE && !(name !== undefined && all.some((other) => other.started > 0 && other.program.endsWith(`/${name}`)));
}

/** It ends badly again and again, and is started again by the same process. */
function isLoop({ started, ended, unwell, ends, parents }: ProgramTotals): boolean {
  const answers = ends.get('exit 1') ?? 0; // of grep, test, diff and others
  return unwell >= (answers >= LOOP_SHARE * unwell ? ANSWERS_COUNT : LOOP_COUNT) && unwell >= LOOP_SHARE * ended && (top(parents)?.[1] ?? 0) >= LOOP_SHARE * started;
}

function loop(totals: ProgramTotals, seconds: number): string {
  const { program, ended, unwell, ends, parents, longestNs } = totals;
  const [end, times] = [...ends].filter(([how]) => how !== 'exit 0' && how !== 'exec').sort(([, a], [, b]) => b - a)[0] ?? ['', 0];
  return `${program} is in a crash loop: ${unwell} of ${ended} ended badly (${end}${times < unwell ? ` ${times} times` : ''}) within ${formatDuration(seconds * 1e9)}${longestNs > 0 ? `, none lived longer than ${formatDuration(longestNs)}` : ''}; ${top(parents)?.[0] ?? ''} starts it.`;
}

const isOom = ({ ends }: ProgramTotals): boolean => ends.has('OOM-killed');

/** What stands out most. */
export function findingOf(programs: readonly ProgramTotals[], durationNs: number, alerts: number): string[] {
  const seconds = Math.max(durationNs / 1e9, 1e-3);
  const byCount = [...programs].sort((a, b) => b.started + b.failed - (a.started + a.failed));
  const storms = byCount.filter((totals) => isStorm(totals, seconds, programs));
  const loops = byCount.filter((totals) => isLoop(totals) && !storms.includes(totals));
  const oom = byCount.filter(isOom).map(({ program, ends }) => `${program} was killed ${ends.get('OOM-killed') === 1 ? 'once' : `${ends.get('OOM-killed') ?? 0} times`} because memory had run out.`);
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
  const hot = programs.find((totals) => isStorm(totals, seconds, programs) || isLoop(totals));
  const pid = /\((\d+)\)$/.exec(top((hot && hot.failed > hot.started ? hot.triedBy : hot?.parents) ?? new Map())?.[0] ?? '')?.[1];
  return pid === undefined ? [] : [`sudo ktrace exec -f -p ${pid} --failed -d 10s`];
}
