/** What the kernel log adds to what the hooks have seen. Pure. */
import type { Whole } from './incidents.js';
import type { Candidate, Incident, Victim } from './model.js';

/** A mark and its line in the log are written by the same thread, one after the other; but the log has a clock of its own. */
const NEAR_NS = 1e9;
/** Nobody else runs out of memory while a group is killed. */
const GROUP_NS = 20e6;

const has = (victims: readonly { readonly pid: number }[], { pid }: { readonly pid: number }): boolean => victims.some((each) => each.pid === pid);

/** The incident of the log that is about one of these victims. */
function logOf({ time, victims }: Incident, log: readonly Incident[]): Incident | undefined {
  const near = log.filter((each) => Math.abs(each.time - time) < NEAR_NS);
  return near.find((each) => victims.some((victim) => has(each.victims, victim))) ?? near.find((each) => each.victims.length === 0 && victims.some((victim) => has(each.candidates, victim)));
}

/** Each incident once, with what the log says of it. `readable`: the log would say that a process was killed. */
export function told(whole: readonly Whole[], log: readonly Incident[], readable: boolean): Pick<Whole, 'incident' | 'lost'>[] {
  const groups: { known: boolean; log: Incident | undefined; marks: Whole[] }[] = [];
  for (const mark of whole) {
    const found = logOf(mark.incident, log);
    const group = groups.at(-1);
    if (!mark.known && group && !group.known && found !== undefined && found === group.log && isNear(group.marks, mark)) group.marks.push(mark);
    else groups.push({ known: mark.known, log: found, marks: [mark] });
  }
  return groups.map(({ known, log: found, marks }) => ({ incident: known ? withNames(marks, found) : withLog(marks, found, readable), lost: marks.reduce((sum, each) => sum + each.lost, 0) }));
}

const isNear = (marks: readonly Whole[], { incident }: Whole): boolean => incident.time - (marks.at(-1)?.incident.time ?? 0) < GROUP_NS;

/** Hooks have seen all of it: the log has the names of flags, and the candidates where the compiler has left nothing of oom_badness() to be hooked. */
function withNames([mark]: readonly Whole[], log: Incident | undefined): Incident {
  const { incident } = mark as Whole;
  const named = log && log.gfp.length > 0 ? { ...incident, gfp: log.gfp } : incident;
  if (incident.candidates.length > 0) return named;
  if (!log || log.candidates.length === 0) return { ...named, missing: [...named.missing, UNSEEN] };
  const candidates = log.candidates.map((each): Candidate => ({ ...each, victim: has(incident.victims, each) }));
  return { ...named, candidates, victims: incident.victims.map((victim) => ({ ...victim, score: scoreOf(victim, candidates) })), origin: 'both' };
}

const UNSEEN = 'Who else was looked at: this kernel gives no hook for that, and its log does not say.';
const scoreOf = ({ pid }: Victim, candidates: readonly Candidate[]): number | null => candidates.find((each) => each.pid === pid)?.score ?? null;

/** Hooks have seen that processes were marked, each by itself: the log says what it was about. */
function withLog(marks: readonly Whole[], log: Incident | undefined, readable: boolean): Incident {
  const marked = marks.flatMap(({ incident }) => incident.victims);
  const candidates = (log?.candidates ?? []).map((each): Candidate => ({ ...each, victim: has(marked, each) }));
  const victims = marked.map((victim) => judged(victim, candidates, log, readable));
  const base = { ...(marks[0] as Whole).incident, victims, candidates };
  if (!log) return { ...base, missing: [`What ran out and who else was looked at: the kernel log ${readable ? 'does not say' : 'may not be read'}.`] };
  const { constraint, gfp, order, cgroup, container, limit, usage, swapLimit, swapUsage, totalPages, missing } = log;
  return { ...base, constraint, gfp, order, cgroup, container, limit, usage, swapLimit, swapUsage, totalPages, missing, origin: 'both' };
}

/** The kernel writes of each process that it kills, and of none that was on its way out. */
function judged(victim: Victim, candidates: readonly Candidate[], log: Incident | undefined, readable: boolean): Victim {
  const score = scoreOf(victim, candidates);
  if (!readable) return { ...victim, score };
  return { ...victim, score, how: log && has(log.victims, victim) ? 'killed' : 'marked' };
}
