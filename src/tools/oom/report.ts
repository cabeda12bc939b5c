/** From incidents to the report. Pure. */
import type { Loss, Report, Row, Section } from '../../report/model.js';
import type { ReportOptions } from '../contract.js';
import { backlogFull, skipped } from '../losses.js';
import { adviceOf, heldBy, isRequest } from './advice.js';
import type { Aftermath } from './aftermath.js';
import { CANDIDATE_COLUMNS, INCIDENT_COLUMNS } from './columns.js';
import { placeOf, type Candidate, type IncidentRecord } from './model.js';
import { askedText, clockOf, victimsText, whatRanOut } from './records.js';

export const OOM_SORTS = ['time'] as const;

export interface OomSnapshot {
  /** The oldest first. */
  readonly incidents: readonly IncidentRecord[];
  /** The kernel log, now. */
  readonly logReadable: boolean;
  /** How long after its first victim was marked something came, ns; by number. */
  readonly after: Aftermath['after'];
  readonly durationNs: number;
  readonly counts: {
    /** Processes that were marked. */
    readonly hits: number;
    readonly aggregated: number;
    readonly inFlight: number;
    readonly victimsLost: number;
    readonly incidentsLost: number;
    readonly candidatesLost: number;
    readonly rowsFull: number;
    readonly endsFull: number;
    readonly restartsLost: number;
    /** Times that nobody was chosen. */
    readonly fruitless: number;
    /** Records of the kernel log. */
    readonly logLost: number;
  };
}

const UNREADABLE = 'The kernel log, where more of each incident would be: it is not there, may not be read (it takes CAP_SYSLOG), or knows processes by other ids than this pid namespace.';

export function oomReport(snapshot: OomSnapshot, options: ReportOptions, interval: boolean): Report {
  const { counts, durationNs, logReadable } = snapshot;
  const limits = [...options.header.limits, ...(logReadable ? [] : [UNREADABLE])];
  const { hits, aggregated, inFlight, victimsLost, rowsFull } = counts;
  return {
    schemaVersion: 1,
    header: { tool: 'oom', ...options.header, limits, ...(interval ? { intervalNs: durationNs } : {}), accounting: { hits, aggregated, inFlight, filtered: 0, dropped: victimsLost + rowsFull } },
    losses: lossesOf(snapshot, options),
    sections: sectionsOf(snapshot, options.rows),
    finding: findingOf(snapshot),
    next: [],
  };
}

export const sectionsOf = (snapshot: OomSnapshot, rows: number): Section[] => [incidentSection(snapshot, rows), candidateSection(snapshot.incidents.at(-1), rows)];

export function lossesOf({ counts }: Pick<OomSnapshot, 'counts'>, { backlogDropped, skippedRuns }: Pick<ReportOptions, 'backlogDropped' | 'skippedRuns'>): Loss[] {
  return [
    { reason: 'victims-lost', count: counts.victimsLost, meaning: 'victims in no row: the ring was full' },
    { reason: 'incidents-lost', count: counts.incidentsLost, meaning: 'incidents of which who asked, and what ran out, is missing: the ring was full' },
    { reason: 'ring-full', count: counts.candidatesLost, meaning: 'candidates that are missing in tables: the ring was full (raise --ring-size)' },
    { reason: 'rows-full', count: counts.rowsFull, meaning: 'victims in no row: older incidents were forgotten (raise --max-rows)' },
    { reason: 'ends-full', count: counts.endsFull, meaning: 'ends of victims, or moments when their memory was free, that are not told: too many were dying at once, or the ring was full' },
    { reason: 'restarts-lost', count: counts.restartsLost, meaning: 'programs of victims of which not each execution was looked at: a restart may not be told' },
    { reason: 'log-lost', count: counts.logLost, meaning: 'records of the kernel log that were overwritten before they were read' },
    backlogFull(backlogDropped, 'incidents'),
    skipped(skippedRuns, 'candidates or victims'),
  ];
}

function incidentSection({ incidents, after }: OomSnapshot, rows: number): Section {
  const shown = incidents.slice(-rows).map((incident): Row => {
    const [victim] = incident.victims;
    const means = adviceOf(incident);
    return {
      number: incident.number,
      at: clockOf(incident),
      when: incident.at,
      victims: victimsText(incident),
      held: victim?.memory ? heldBy(victim.memory) : null,
      adj: victim?.adj ?? null,
      score: victim?.score ?? null,
      ended: after(incident.number).end ?? null,
      freed: after(incident.number).freed ?? null,
      restarted: after(incident.number).restart ?? null,
      times: incident.times,
      where: whatRanOut(incident),
      asked: askedText(incident),
      means: means.length === 0 ? null : means.join(' '),
      candidates: incident.candidates.length,
      constraint: incident.constraint,
      cgroup: incident.cgroup,
      limit: incident.limit,
      usage: incident.usage,
      origin: incident.origin,
    };
  });
  const empty = incidents.length === 0 ? { empty: 'Memory did not run out.' } : {};
  return { id: 'incidents', title: 'Out of memory', columns: INCIDENT_COLUMNS, rows: shown, hiddenRows: incidents.length - shown.length, ...empty };
}

/** Of the last incident. */
function candidateSection(incident: IncidentRecord | undefined, rows: number): Section {
  const candidates = incident?.candidates ?? [];
  const shown = candidates.filter(({ victim }, i) => i < rows || victim);
  return { id: 'candidates', title: `Candidates of incident ${incident?.number ?? 0}`, columns: CANDIDATE_COLUMNS, rows: shown.map((each) => candidateRow(each, incident?.number ?? 0)), hiddenRows: candidates.length - shown.length };
}

export function candidateRow({ pid, process, uid, memory, adj, score, victim, before }: Candidate, number: number): Row {
  const { anon = null, file = null, shmem = null, swap = null, pageTables = null } = memory ?? {};
  return { number, pid, process, uid, held: memory ? heldBy(memory) : null, grew: memory && before ? memory.rss - before.rss : null, anon, file, shmem, swap, pageTables, adj, score, victim: victim ? 'yes' : 'no' };
}

export function findingOf({ incidents, counts }: OomSnapshot): string[] {
  const killed = incidents.flatMap(({ victims }) => victims.filter(({ how }) => how === 'killed'));
  const marked = incidents.reduce((sum, { victims }) => sum + victims.length, 0) - killed.length;
  const fruitless = counts.fruitless > 0 ? [`${counts.fruitless} times memory ran out and nobody was chosen: an earlier victim had not ended, or nobody may be killed.`] : [];
  if (incidents.length === 0) return fruitless;
  const places = new Map<string, number>();
  for (const { cgroup } of incidents) if (cgroup !== null) places.set(cgroup, (places.get(cgroup) ?? 0) + 1);
  const isAll = incidents.every((incident) => placeOf(incident) !== undefined);
  const [place, times = 0] = [...places].sort(([, a], [, b]) => b - a)[0] ?? [''];
  const processes = (n: number): string => `${n} process${n === 1 ? '' : 'es'}`;
  const often = (n: number): string => (n === 1 ? 'once' : `${n} times`);
  const asked = incidents.filter(isRequest).length;
  const ranOut = incidents.length === asked ? 'Memory did not run out' : `Memory ran out ${often(incidents.length - asked)}`;
  return [
    `${ranOut}${asked > 0 ? `, and sysrq asked for a kill ${often(asked)}` : ''}: ${processes(killed.length)} killed${marked > 0 ? `, ${marked} marked that were on their way out` : ''}${times > 1 ? `; ${isAll ? '' : 'at least '}${times} times at the limit of ${place}` : ''}.`,
    ...fruitless,
  ];
}
