/** What the kernel log adds to what the hooks have seen. Pure. */
import { GROUP_NS, type Whole } from './incidents.js';
import type { Candidate, Incident, Memory, Victim } from './model.js';
import { ONLY_THREAD } from './reconstruct.js';
import { scoreOf } from './score.js';

/** The log has a clock of its own, which drifts from ours (20 ppm are this much in a year); beyond, an id is that of another process. */
const NEAR_NS = 600e9;

const has = (all: readonly { readonly pid: number }[], { pid }: { readonly pid: number }): boolean => all.some((each) => each.pid === pid);

/** The kernel names the thread that has the memory, which is not the first one where that has ended. */
const names = (all: readonly { readonly pid: number }[], { pid }: Victim, threads: Whole['threads']): boolean => all.some((each) => each.pid === pid || each.pid === threads.get(pid));

/** The incident of the log that is about one of these victims, the one nearest in time. */
function logOf({ incident: { time, victims }, threads }: Whole, log: readonly Incident[]): Incident | undefined {
  const distance = (each: Incident): number => Math.abs(each.time - time);
  const byTime = log.filter((each) => distance(each) < NEAR_NS).sort((a, b) => distance(a) - distance(b));
  return byTime.find((each) => victims.some((victim) => names(each.victims, victim, threads))) ?? byTime.find((each) => each.victims.length === 0 && victims.some((victim) => has(each.candidates, victim)));
}

/** Each incident once, with what the log says of it. `readable`: whether it may be read. */
export function told(whole: readonly Whole[], log: readonly Incident[], readable: boolean): Pick<Whole, 'incident' | 'lost' | 'began'>[] {
  const groups: { known: boolean; log: Incident | undefined; marks: Whole[] }[] = [];
  for (const mark of whole) {
    const found = logOf(mark, log);
    const group = groups.at(-1);
    if (!mark.known && group && !group.known && found !== undefined && found === group.log && isNear(group.marks, mark)) group.marks.push(mark);
    else groups.push({ known: mark.known, log: found, marks: [mark] });
  }
  return groups.map(({ known, log: found, marks }) => ({ incident: known ? withNames(marks, found) : withLog(marks, found, readable), lost: marks.reduce((sum, each) => sum + each.lost, 0), began: new Map(marks.flatMap((mark) => [...mark.began])) }));
}

const isNear = (marks: readonly Whole[], { incident }: Whole): boolean => incident.time - (marks.at(-1)?.incident.time ?? 0) < GROUP_NS;

/** Hooks have seen all of it: the log has the names of flags, and the candidates where the compiler has left nothing of oom_badness() to be hooked. */
function withNames([mark]: readonly Whole[], log: Incident | undefined): Incident {
  const { incident } = mark as Whole;
  const victims = incident.victims.map((victim) => asLogged(filled(victim, log), log));
  const named = { ...incident, allocation: log?.allocation ?? null, stat: log?.stat ?? null, ...(log && log.gfp.length > 0 ? { gfp: log.gfp } : {}), victims };
  if (incident.candidates.length > 0) return { ...named, candidates: incident.candidates.map((each) => asScored(each, log, incident.totalPages)) };
  if (!log || log.candidates.length === 0) return { ...named, missing: [...named.missing, UNSEEN] };
  const candidates = log.candidates.map((each): Candidate => ({ ...each, victim: has(incident.victims, each) }));
  return { ...named, candidates, victims: named.victims.map((victim) => ({ ...victim, score: scoreAmong(victim, candidates) })), origin: 'both' };
}

/**
 * Hooks see what CPUs have handed in to the counts of a process, before Linux 6.2 its threads; the kernel adds up what they still have, for the log at
 * least. Swap of a victim is in none of its lines.
 */
function asLogged(victim: Victim, log: Incident | undefined): Victim {
  const said = log?.victims.find(({ pid, memory }) => pid === victim.pid && memory !== null)?.memory;
  return said && victim.memory ? { ...victim, memory: { ...said, swap: victim.memory.swap } } : victim;
}

/** The sizes that make the score that the kernel has computed. */
function asScored(candidate: Candidate, log: Incident | undefined, totalPages: number | null): Candidate {
  const { pid, memory, adj, score } = candidate;
  const said = log?.candidates.find((each) => each.pid === pid)?.memory;
  const makes = (sizes: Memory | null): boolean => scoreOf(sizes, adj, { totalPages }) === score;
  return !said || score === null || makes(memory) || !makes(said) ? candidate : { ...candidate, memory: said };
}

/** A victim of which hooks have seen the id alone. */
function filled(victim: Victim, log: Incident | undefined): Victim {
  const said = victim.cgroup === null ? log?.victims.find(({ pid }) => pid === victim.pid) : undefined;
  return said ? { ...said, time: victim.time, how: victim.how, program: victim.program } : victim;
}

const UNSEEN = 'Who else was looked at: no hook has told it, and the kernel log does not say.';
const scoreAmong = ({ pid }: Victim, candidates: readonly Candidate[]): number | null => candidates.find((each) => each.pid === pid)?.score ?? null;

/** Hooks have seen that processes were marked, each by itself: the log says what it was about. */
function withLog(marks: readonly Whole[], log: Incident | undefined, readable: boolean): Incident {
  const marked = marks.flatMap(({ incident }) => incident.victims);
  const candidates = (log?.candidates ?? []).map((each): Candidate => ({ ...each, victim: has(marked, each) }));
  const threads = new Map(marks.flatMap((mark) => [...mark.threads]));
  const victims = marked.map((victim) => judged(asLogged(filled(victim, log), log), candidates, log, threads));
  const base = { ...(marks[0] as Whole).incident, victims, candidates };
  if (!log) return { ...base, missing: [`What ran out and who else was looked at: the kernel log ${readable ? 'does not say' : 'may not be read, or has other ids than this pid namespace'}.`] };
  const { constraint, allocation, gfp, order, cgroup, container, limit, usage, swapLimit, swapUsage, totalPages, stat } = log;
  const missing = log.missing.filter((sentence) => sentence !== ONLY_THREAD);
  return { ...base, constraint, allocation, gfp, order, cgroup, container, limit, usage, swapLimit, swapUsage, totalPages, stat, missing, origin: 'both' };
}

/** The kernel writes of each process that it kills. Where it has not, or not so that we have read it, what it had marked says more. */
function judged(victim: Victim, candidates: readonly Candidate[], log: Incident | undefined, threads: Whole['threads']): Victim {
  const score = scoreAmong(victim, candidates);
  return { ...victim, score, how: log && names(log.victims, victim, threads) ? 'killed' : victim.how };
}
