/** What follows from how processes have grown before the kill. Pure. */
import { formatDuration, formatSize } from '../../render/format.js';
import type { Held } from './history.js';
import type { Candidate, IncidentRecord } from './model.js';

const SHORTEST_NS = 30e9;
const MINUTE_NS = 60e9;
const FEWEST = 4;
/** Of what it held at the kill. */
const GREW = 0.3;
const FLAT = 0.05;
/** Of the growth. */
const AT_ONCE = 0.7;
/** A step of steady growth is at most so many times what it would be if all were alike. */
const UNEVEN = 3;
/** A sample that is a little less than the one before is no shrinking. */
const WOBBLE = 0.02;
const MUCH_OF = 0.8;

/** Sentences; none where the victim was not watched, or nothing can be said. */
export function growthOf(incident: IncidentRecord): string[] {
  const [victim] = incident.victims;
  if (!victim?.memory || victim.how === 'marked' || victim.before.length === 0) return [];
  const { rss, swap } = victim.memory;
  if (swap === null || swap > FLAT * rss) return []; // it may have grown into swap, which is not sampled
  const points: readonly Held[] = [...victim.before, { agoNs: 0, rss }];
  const [first] = points as [Held];
  const grew = rss - first.rss;
  if (grew >= GREW * rss) return atOnce(points, grew) ?? steadily(points, grew, incident.limit) ?? [];
  const isFlat = points.every((point) => Math.abs(rss - point.rss) < FLAT * rss);
  return first.agoNs >= SHORTEST_NS && isFlat ? flat(incident, first.agoNs) : [];
}

/** Most of it within the last step. */
function atOnce(points: readonly Held[], grew: number): string[] | undefined {
  const last = points.at(-2) as Held;
  const step = (points.at(-1) as Held).rss - last.rss;
  return step < AT_ONCE * grew ? undefined : [`${formatSize(step)} of what the victim held came within ${formatDuration(last.agoNs)} of the kill: one request or job, rather than a slow leak.`];
}

function steadily(points: readonly Held[], grew: number, limit: number | null): string[] | undefined {
  const { agoNs: ns } = points[0] as Held;
  if (points.length < FEWEST || ns < SHORTEST_NS) return undefined;
  const isSteady = points.slice(1).every(({ agoNs, rss }, i) => {
    const before = points[i] as Held;
    return rss - before.rss >= -WOBBLE * before.rss && rss - before.rss <= (UNEVEN * grew * (before.agoNs - agoNs)) / ns;
  });
  if (!isSteady) return undefined;
  const perSecond = grew / (ns / 1e9);
  const longer = limit === null ? '' : ` Twice the limit would have lasted ${formatDuration((limit / perSecond) * 1e9)} longer.`;
  return [`The victim had grown steadily for ${formatDuration(ns)}, by ${formatSize(perSecond)} a second: it leaks, or its load grows.${longer}`];
}

/** The victim had not grown: somebody else had, or nobody. */
function flat({ candidates, limit }: IncidentRecord, ns: number): string[] {
  const others = candidates.filter(({ victim }) => !victim).sort((a, b) => grewBy(b) - grewBy(a));
  const [most] = others;
  const since = (each: Candidate): string => (each.before ? formatDuration(each.before.agoNs) : '');
  const held = candidates.reduce((sum, candidate) => sum + heldThen(candidate), 0);
  const base = `The victim had not grown for ${formatDuration(ns)}`;
  if (most?.before && grewBy(most) > GREW * (most.memory?.rss ?? 0)) return [`${base}: ${most.process} (${most.pid}) had, by ${formatSize(grewBy(most))} in ${since(most)}.`];
  if (limit !== null && held >= MUCH_OF * limit) return [`${base}, and a minute before the candidates held ${Math.floor((100 * held) / limit)} % of the limit and more, without what is shared: it is too low for what runs here.`];
  return [];
}

/** A minute before at least, of its own. */
function heldThen({ memory, before }: Candidate): number {
  if (memory?.file == null || memory.shmem === null || !before || before.agoNs < MINUTE_NS) return 0;
  return Math.max(0, before.rss - memory.file - memory.shmem);
}

const grewBy = ({ memory, before }: Candidate): number => (memory && before ? memory.rss - before.rss : 0);
