/** Reports without tracing: what the kernel log still has, and who would be killed now. Pure. */
import type { Answer, Asked, KernelRecord, World } from '../contract.js';
import { formatSize } from '../../render/format.js';
import { heldBy } from './advice.js';
import { CANDIDATE_COLUMNS } from './columns.js';
import { incidentsOf } from './log.js';
import { placeOf, type IncidentRecord } from './model.js';
import type { Outlook } from './now.js';
import { candidateRow, findingOf, lossesOf, sectionsOf, type OomSnapshot } from './report.js';
import { arithmetic, qosOf } from './score.js';

export function answer({ own, pids, cgroup, rows }: Asked, world: World): Answer<IncidentRecord> | undefined {
  if (own['list'] === true) return pastOf(world, rows);
  const [pid] = pids;
  return pid === undefined && cgroup === undefined ? undefined : presentOf(world.outlook({ cgroup, pid }), pid, rows);
}

function pastOf(world: World, rows: number): Answer<IncidentRecord> {
  const { records, lost } = world.wholeLog();
  const swapTotal = world.swapTotal();
  const found = incidentsOf(records, { at: (ns) => world.wallTime(ns), ...(swapTotal === undefined ? {} : { swapTotal }) });
  const nobody = found.filter(({ victims }) => victims.length === 0).length;
  const incidents = found.filter(({ victims }) => victims.length > 0).map((incident, i): IncidentRecord => ({ type: 'incident', number: i + 1, lostBefore: 0, ...incident, times: placeOf(incident) === undefined ? null : found.slice(0, found.indexOf(incident) + 1).filter((each) => placeOf(each) === placeOf(incident)).length, machine: null, cgroupState: null }));
  const victims = incidents.reduce((sum, each) => sum + each.victims.length, 0);
  const counts = { hits: victims, aggregated: victims, inFlight: 0, victimsLost: 0, incidentsLost: 0, candidatesLost: 0, rowsFull: 0, endsFull: 0, restartsLost: 0, fruitless: nobody, logLost: lost };
  const snapshot: OomSnapshot = { incidents, logReadable: true, after: () => ({}), durationNs: 0, counts };
  return {
    target: 'the kernel log, reconstructed',
    accounting: { hits: victims, aggregated: victims, inFlight: 0, filtered: 0, dropped: 0 },
    events: incidents,
    report: { losses: lossesOf(snapshot, { backlogDropped: 0, skippedRuns: 0 }), sections: sectionsOf(snapshot, rows), finding: [...findingOf(snapshot), ...beginning(records, world)], next: [] },
  };
}

/** What was before is gone. */
function beginning([first]: readonly KernelRecord[], world: World): string[] {
  return first ? [`The kernel log begins at ${world.wallTime(first.timeUs * 1000)}.`] : ['The kernel log is empty.'];
}

function presentOf(outlook: Outlook, pid: number | undefined, rows: number): Answer<IncidentRecord> {
  const { candidates, cgroup, missing } = outlook;
  const shown = candidates.filter(({ victim, pid: each }, i) => i < rows || victim || each === pid);
  const empty = candidates.length === 0 ? { empty: 'There are no processes.' } : {};
  return {
    target: cgroup === null ? 'the machine, now' : `cgroup ${cgroup}, now`,
    accounting: { hits: candidates.length, aggregated: candidates.length, inFlight: 0, filtered: 0, dropped: 0 },
    events: [],
    report: {
      losses: [],
      sections: [{ id: 'candidates', title: 'Who would be killed if memory ran out now', story: [...extent(outlook), ...missing], columns: CANDIDATE_COLUMNS, rows: shown.map((each) => candidateRow(each, 0)), hiddenRows: candidates.length - shown.length, ...empty }],
      finding: [...wouldBe(outlook), ...wherePid(outlook, pid)],
      next: [],
    },
  };
}

function extent({ cgroup, limit, usage, totalPages }: Outlook): string[] {
  const pages = totalPages === null ? '' : `${totalPages.toLocaleString('en-US')} pages with swap`;
  if (cgroup === null || limit === null) return pages === '' ? [] : [`Memory of the machine: ${pages}`];
  return [`Limit ${formatSize(limit)}${usage === null ? '' : `, used ${formatSize(usage)}`}${pages === '' ? '' : `; ${pages}`}`];
}

function wouldBe({ candidates, totalPages, group }: Outlook): string[] {
  const first = candidates.find(({ victim }) => victim);
  if (candidates.length === 0) return [];
  if (!first) return ['Nobody would be killed.'];
  const sum = arithmetic(first, { totalPages });
  const qos = qosOf(first.adj);
  const held = first.memory === null ? '' : `, which holds ${formatSize(heldBy(first.memory))}`;
  return [`${first.process} (${first.pid})${held}, would be killed${sum === null ? '' : `: ${sum}`}.`, ...(group === null ? [] : [`With it all of cgroup ${group} (memory.oom.group).`]), ...(qos === null ? [] : [qos])];
}

function wherePid({ candidates }: Outlook, pid: number | undefined): string[] {
  const at = candidates.findIndex((each) => each.pid === pid);
  const found = candidates[at];
  if (!found || found.victim) return [];
  return [found.score === null ? `${found.process} (${found.pid}) may not be killed.` : `${found.process} (${found.pid}) is number ${at + 1} of ${candidates.length}.`];
}
