/** Incidents as lines for people. */
import { formatSize } from '../../render/format.js';
import { forTerminal } from '../../render/sanitize.js';
import { wrap } from '../../render/wrap.js';
import { adviceOf, heldBy, isRequest } from './advice.js';
import { inText } from './allocation.js';
import { afterText, beforeTexts } from './around.js';
import type { AfterRecord, Candidate, Incident, IncidentRecord, Memory, OomRecord, Victim } from './model.js';
import { arithmetic, qosOf } from './score.js';

const SHOWN_CANDIDATES = 5;
const TITLE_WIDTH = 9;
const WIDTH = 80;

const number = (n: number): string => n.toLocaleString('en-US');
const lead = (title: string, i: number): string => `  ${(i === 0 ? title : '').padEnd(TITLE_WIDTH)}`;
const titled = (title: string, texts: readonly string[]): string[] => texts.flatMap((text, i) => wrap(forTerminal(text), WIDTH, lead(title, i)));

/** `480 MiB: 470 MiB anonymous, 10 MiB file …` */
export function memoryText(memory: Memory): string {
  const { rss, anon, file, shmem, swap, pageTables } = memory;
  const parts: readonly (readonly [number | null, string])[] = [[anon === null ? rss : null, 'resident'], [anon, 'anonymous'], [file, 'file'], [shmem, 'shared'], [swap, 'swapped'], [pageTables, 'page tables']];
  return `${formatSize(heldBy(memory))}: ${parts.flatMap(([bytes, name]) => (bytes === null || bytes === 0 ? [] : [`${formatSize(bytes)} ${name}`])).join(', ')}`;
}

/** What ran out, in a line. */
export function whatRanOut(incident: Incident): string {
  const { constraint, cgroup, limit, usage, totalPages, victims } = incident;
  if (isRequest(incident)) return 'by request: sysrq (f) had somebody killed, whatever there was';
  if (cgroup !== null) return `the limit of cgroup ${cgroup}${limit === null ? '' : `: ${formatSize(limit)}`}${usage === null ? '' : `, used ${formatSize(usage)}`}`;
  if (constraint === 'memcg') return `the limit of cgroup ${victims[0]?.cgroup ?? '(not known)'}, or of one above it`;
  if (constraint === 'cpuset') return 'the memory of a cpuset';
  if (constraint === 'memoryPolicy') return 'the memory nodes of a memory policy';
  return constraint === 'none' ? `the memory of the machine${totalPages === null ? '' : ` (${number(totalPages)} pages, with swap)`}` : 'memory: where is not known';
}

/** Who asked for memory, and for how much. */
export function askedText({ trigger, gfp, order }: Incident): string {
  if (!trigger) return 'not known';
  const thread = trigger.tid === trigger.pid ? '' : `, thread ${trigger.thread} ${trigger.tid}`;
  const pages = order === null || order < 0 ? '' : `, for ${2 ** order} page${order === 0 ? '' : 's'}`;
  return `${named(trigger.process ?? trigger.thread, trigger.pid ?? trigger.tid)}${thread}${pages}${gfp.length === 0 ? '' : `, ${gfp.join('|')}`}`;
}

/** 0: it has no id in ktrace's pid namespace. */
const named = (process: string | null, pid: number): string => `${process || '?'} (${pid === 0 ? 'of another pid namespace' : pid})`;

const whoIs = ({ process, pid, uid, container }: Victim): string => `${named(process, pid)}${uid === null ? '' : `, uid ${uid}`}${container === null ? '' : `, container ${container.slice(0, 12)}`}`;

function killed(victim: Victim): string[] {
  const held = victim.memory === null ? 'what it held is not known' : memoryText(victim.memory);
  return [`${whoIs(victim)}`, `held ${held}`, ...(victim.cgroup === null ? [] : [`charged to ${victim.cgroup}`])];
}

/** Why it was this one. */
function why({ candidates, totalPages }: Incident): string[] {
  const victim = candidates.find((each) => each.victim);
  if (!victim || victim.score === null) return [];
  const rank = candidates.filter(({ score }) => score !== null && score > (victim.score ?? 0)).length;
  const most = candidates.length === 1 ? 'the only candidate' : `${rank === 0 ? 'the highest' : `number ${rank + 1}`} of ${candidates.length} candidates`;
  const sum = arithmetic(victim, { totalPages });
  const qos = qosOf(victim.adj);
  return [`score ${number(victim.score)}, ${most}`, ...(sum === null ? [] : [sum]), ...(qos === null ? [] : [qos])];
}

function candidateLine({ pid, process, memory, adj, score, victim }: Candidate): string {
  const held = memory === null ? '-' : formatSize(heldBy(memory));
  return `${victim ? '>' : ' '} ${String(pid).padStart(7)}  ${process.slice(0, 15).padEnd(15)}  ${held.padStart(9)}  ${String(adj).padStart(5)}  ${score === null ? 'not to be killed' : number(score)}`;
}

/** The highest scores, and every victim. */
function candidatesOf({ candidates }: Incident): string[] {
  const shown = candidates.filter((each, i) => i < SHOWN_CANDIDATES || each.victim);
  const more = candidates.length - shown.length;
  return [`  ${'PID'.padStart(7)}  ${'PROCESS'.padEnd(15)}  ${'MEMORY'.padStart(9)}  ${'ADJ'.padStart(5)}  SCORE`, ...shown.map(candidateLine), ...(more > 0 ? [`${more} more`] : [])];
}

/** With its date where it may be long ago: from the log alone. */
export const clockOf = ({ at, origin }: { readonly at: string | null; readonly origin?: Incident['origin'] }): string => (at === null ? '' : origin === 'log' ? at.slice(0, -1).replace('T', ' ') : at.slice(at.indexOf('T') + 1, -1));
const clockLead = (what: Parameters<typeof clockOf>[0]): string => (what.at === null ? '' : `${clockOf(what)}  `);

/** Names in it are hostile. */
export function blockOf(incident: IncidentRecord): string[] {
  const { victims, candidates, missing } = incident;
  const dead = victims.filter(({ how }) => how === 'killed');
  const marked = victims.filter(({ how }) => how === 'marked');
  return [
    ...wrap(forTerminal(`Out of memory: ${whatRanOut(incident)}`), WIDTH, clockLead(incident)),
    ...titled('asked', [askedText(incident), ...(incident.allocation ? [inText(incident.allocation)] : [])]),
    ...dead.flatMap((victim) => titled('killed', killed(victim))),
    ...marked.flatMap((victim) => titled('marked', [`${whoIs(victim)}: it was on its way out, and nothing was killed`])),
    ...titled('why', why(incident)),
    ...(candidates.length > 1 ? candidatesOf(incident).map((line, i) => `${lead('of', i)}${line}`) : []),
    ...titled('before', beforeTexts(incident)),
    ...titled('means', adviceOf(incident)),
    ...titled('missing', missing),
  ];
}

const afterLines = (record: AfterRecord): string[] => wrap(forTerminal(afterText(record)), WIDTH, clockLead(record));

export const linesOf = (record: OomRecord): string[] => (record.type === 'incident' ? blockOf(record) : afterLines(record));

/** `java (4243)`, or more of them. */
export const victimsText = ({ victims }: IncidentRecord): string => victims.map(({ process, pid, how }) => `${named(process, pid)}${how === 'marked' ? ', marked only' : ''}`).join(', ');
