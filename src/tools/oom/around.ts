/** What was around an incident, in sentences: what it was like before, and what came after. Pure. */
import { formatDuration, formatSize } from '../../render/format.js';
import type { AfterRecord, IncidentRecord, Victim } from './model.js';
import { statText } from './stat.js';
import type { CgroupState, Pressure } from './state.js';

const times = (n: number): string => `${n.toLocaleString('en-US')} time${n === 1 ? '' : 's'}`;
const percent = (n: number): string => `${n.toFixed(n < 10 ? 1 : 0)} %`;

/** Victims, the cgroup whose limit was hit, and the machine, as they were before; nothing of what is not known. */
export function beforeTexts({ victims, stat, cgroup, cgroupState, machine, times: nth }: IncidentRecord): string[] {
  return [
    ...victims.slice(0, 1).flatMap(heldBefore),
    ...(stat === null ? [] : [`${cgroup === null ? 'the machine' : 'its cgroup'} then: ${statText(stat)}`]),
    ...(cgroupState === null ? [] : stateTexts(cgroupState, victims.every((victim) => victim.cgroup === cgroup))),
    ...(machine ? [`the machine, ${formatDuration(machine.agoNs)} before: ${machineText(machine)}`] : []),
    ...(nth !== null && nth > 1 ? [`at least number ${nth} at this limit`] : []),
  ];
}

/** Some moments of it. */
function heldBefore({ before, memory }: Victim): string[] {
  const points = before.length > 4 ? before.filter((_, i) => i % 2 === 0 || i === before.length - 1) : before;
  if (points.length === 0 || memory === null) return [];
  return [`resident ${points.map(({ agoNs, rss }) => `${formatSize(rss)} ${formatDuration(agoNs)} before`).join(', ')}; ${formatSize(memory.rss)} when killed`];
}

/** `own`: the victims were in it, and not in one below it. */
function stateTexts({ high, highHits, maxHits, killed, killedBelow, pressure }: CgroupState, own: boolean): string[] {
  const counts = [
    ...(maxHits === null ? [] : [`limit hit ${times(maxHits)}`]),
    ...(high === null ? [] : [`memory.high (${formatSize(high)}) ${times(highHits ?? 0)}`]),
    ...(killed === null || !(own || killedBelow) ? [] : [`${killed.toLocaleString('en-US')} killed`]),
  ];
  return [...(counts.length === 0 ? [] : [`since it was made, up to now: ${counts.join(', ')}`]), ...pressureTexts(pressure).map((text) => `in it ${text}`)];
}

function machineText({ available, swapFree, swapTotal, pressure }: NonNullable<IncidentRecord['machine']>): string {
  return [
    ...(available === null ? [] : [`${formatSize(available)} available`]),
    ...(swapTotal === null ? [] : swapTotal === 0 ? ['no swap'] : [`${formatSize(swapFree ?? 0)} of ${formatSize(swapTotal)} of swap free`]),
    ...pressureTexts(pressure),
  ].join(', ');
}

/** Nothing where nobody had to wait. */
const pressureTexts = (pressure: Pressure | null): string[] => (pressure && pressure.some10 > 0 ? [`threads waited for memory ${percent(pressure.some10)} of the last 10s, all of them ${percent(pressure.full10)}`] : []);

/** What has come after. */
export function afterText({ type, process, pid, tookNs, successor }: AfterRecord): string {
  const who = `${process || '?'} (${pid})`;
  const took = `${formatDuration(tookNs)} after it was marked`;
  if (type === 'end') return `${who} has ended, ${took}.`;
  return type === 'freed' ? `The memory of ${who} is free, ${took}.` : `The program of ${who} is executed again in its cgroup or pod${successor === null ? '' : `, as ${successor}`}, ${took}.`;
}
