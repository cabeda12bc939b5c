/** What the facts of an incident mean for who has to mend it. Pure. */
import { formatSize } from '../../render/format.js';
import { growthOf } from './growth.js';
import type { Candidate, Incident, IncidentRecord, Memory } from './model.js';
import { USUAL_PAGE } from './score.js';
import { otherText } from './stat.js';

const MOST_OF = 0.8;
const MUCH_OF = 0.3;
const CROWD = 20;

/** What oom_badness() counts, bytes. */
export const heldBy = ({ rss, swap, pageTables }: Memory): number => rss + (swap ?? 0) + pageTables;

/** What nobody else can be charged for, as far as it is known. */
const ownOf = ({ rss, anon, swap, pageTables }: Memory): number => (anon ?? rss) + (swap ?? 0) + pageTables;

const heldOf = ({ memory }: Candidate): number => (memory === null ? 0 : heldBy(memory));
const percent = (part: number, whole: number): string => (part >= 0.995 * whole ? 'all' : `${Math.round((100 * part) / whole)} %`);
const total = (candidates: readonly Candidate[]): number => candidates.reduce((sum, each) => sum + heldOf(each), 0);

/** sysrq asked for a kill, whatever memory there was: is_sysrq_oom() of mm/oom_kill.c. */
export const isRequest = ({ order }: Incident): boolean => order === -1;

/** Sentences, the most certain first; none where the facts say nothing. */
export function adviceOf(incident: IncidentRecord): string[] {
  if (isRequest(incident)) return [];
  const growth = growthOf(incident);
  return [...innocent(incident), ...growth, ...crowd(incident), ...(growth.length === 0 ? alone(incident) : []), ...elsewhere(incident), ...promised(incident)];
}

/** Somebody else held more, and was spared. */
function innocent({ candidates, victims }: Incident): string[] {
  const victim = candidates.find((each) => each.victim);
  const largest = [...candidates].sort((a, b) => heldOf(b) - heldOf(a))[0];
  if (!victim || !largest || largest.victim || victims.every(({ how }) => how === 'marked') || heldOf(largest) <= heldOf(victim)) return [];
  const why = largest.score === null ? `may not be killed (oom_score_adj ${largest.adj})` : `was spared by oom_score_adj ${largest.adj} against ${victim.adj}`;
  return [`${largest.process} (${largest.pid}) held more, ${formatSize(heldOf(largest))}, and ${why}.`];
}

/** Many of one name. */
function crowd({ candidates }: Incident): string[] {
  const names = new Map<string, Candidate[]>();
  for (const each of candidates) names.set(each.process, [...(names.get(each.process) ?? []), each]);
  const [name, group] = [...names].sort(([, a], [, b]) => b.length - a.length)[0] ?? ['', []];
  const whole = total(candidates);
  if (group.length < CROWD || whole === 0 || total(group) < MUCH_OF * whole) return [];
  return [`${group.length} processes called ${name} held ${percent(total(group), whole)} of what all candidates held: are so many meant to run?`];
}

/** One process against the limit. */
function alone({ candidates, victims, limit, totalPages, constraint }: Incident): string[] {
  const victim = candidates.find((each) => each.victim);
  const memory = victim?.memory ?? victims[0]?.memory;
  const whole = limit ?? (constraint === 'none' && totalPages !== null ? totalPages * USUAL_PAGE : null);
  if (!memory || whole === null || ownOf(memory) < MOST_OF * whole) return [];
  return [`The victim alone held ${percent(ownOf(memory), whole)} of ${limit === null ? 'the memory and swap of the machine' : 'the limit'}: either that is what it needs, and the limit is too low, or it leaks.`];
}

/** What no process holds. */
function elsewhere({ usage, limit, candidates, swapUsage, stat }: Incident): string[] {
  if (usage === null || limit === null || candidates.length === 0) return [];
  const held = candidates.reduce((sum, { memory }) => sum + (memory ? (memory.anon === null || memory.shmem === null ? memory.rss : memory.anon + memory.shmem) + memory.pageTables : 0), 0);
  const rest = usage - held;
  if (rest < MUCH_OF * limit || (swapUsage !== null && swapUsage > limit)) return [];
  const kinds = stat === null ? '' : otherText(stat);
  return [`${formatSize(rest)} of the usage is mapped by none of the candidates: ${kinds === '' ? 'page cache, files in tmpfs or /dev/shm, or memory of the kernel. df and memory.stat of the cgroup tell which' : `the cgroup has ${kinds}`}.`];
}

/** More was promised than there is. */
function promised({ constraint, machine }: IncidentRecord): string[] {
  const { promised: sum, total: ram, swapTotal, overcommit } = machine ?? {};
  if (constraint !== 'none' || !sum || !ram || sum <= ram + (swapTotal ?? 0)) return [];
  return [`Processes were promised ${formatSize(sum)} (Committed_AS), and there is ${formatSize(ram + (swapTotal ?? 0))} with swap: vm.overcommit_memory is ${overcommit ?? 'not known'}.`];
}
