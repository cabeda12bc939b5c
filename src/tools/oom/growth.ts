/** What follows from how processes have grown before the kill. Pure. */
import { formatDuration, formatSize } from '../../render/format.js';
import type { Held } from './history.js';
import type { Candidate, IncidentRecord } from './model.js';

const SHORTEST_NS = 30e9;
const MINUTE_NS = 60e9;
/** Less than between two samples: the last one before the kill may be a moment before it. */
const SHORT_STEP_NS = 4e9;
const FEWEST = 4;
/** Of what it held at the kill. */
const GREW = 0.3;
const FLAT = 0.05;
/** Of the growth; and so many times as fast as before. */
const AT_ONCE = 0.7;
const FASTER = 5;
/** A step of steady growth is at most so many times, and at least that part of, what it would be if all were alike. */
const UNEVEN = 3;
/** Of the growth of the victim: what others may have grown where it alone is said to have filled the limit. */
const LITTLE = 0.1;
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
  if (points.length < FEWEST || first.agoNs < SHORTEST_NS) return []; // of a start, or of too little
  if (grew >= GREW * rss) return atOnce(points, grew) ?? steadily(points, grew, incident) ?? [];
  return points.every((point) => Math.abs(rss - point.rss) < FLAT * rss) ? flat(incident, first.agoNs) : [];
}

/** Most of it within the last step, and faster than before. */
function atOnce(points: readonly Held[], grew: number): string[] | undefined {
  const [first, last, end] = [points[0], points.at(-2), points.at(-1)] as [Held, Held, Held];
  const step = end.rss - last.rss;
  const before = (last.rss - first.rss) / (first.agoNs - last.agoNs);
  return step < AT_ONCE * grew || step / last.agoNs < FASTER * before ? undefined : [`${formatSize(step)} of what the victim held came within ${formatDuration(last.agoNs)} of the kill: one request or job, rather than a slow leak.`];
}

function steadily(points: readonly Held[], grew: number, { limit, candidates }: IncidentRecord): string[] | undefined {
  const { agoNs: ns } = points[0] as Held;
  const isSteady = points.slice(1).every(({ agoNs, rss }, i) => {
    const before = points[i] as Held;
    const even = (grew * (before.agoNs - agoNs)) / ns;
    return rss - before.rss <= UNEVEN * even && (rss - before.rss >= even / UNEVEN || before.agoNs - agoNs < SHORT_STEP_NS);
  });
  if (!isSteady) return undefined;
  const perSecond = usualRate(points);
  const isAlone = candidates.every((each) => each.victim || (each.before && Math.abs(grewBy(each)) < LITTLE * grew));
  const longer = limit === null || !isAlone ? '' : ` Twice the limit would have lasted ${formatDuration((limit / perSecond) * 1e9)} longer.`;
  return [`The victim had grown steadily for ${formatDuration(ns)}, by ${formatSize(perSecond)} a second: it leaks, or its load grows.${longer}`];
}

/** Bytes a second in most of the time: at the limit the kernel takes back pages of files, so that the last step is too small. */
function usualRate(points: readonly Held[]): number {
  const steps = points.slice(1).map(({ agoNs, rss }, i) => ({ ns: (points[i] as Held).agoNs - agoNs, rate: (rss - (points[i] as Held).rss) / (((points[i] as Held).agoNs - agoNs) / 1e9) }));
  const sorted = steps.sort((a, b) => a.rate - b.rate);
  const half = sorted.reduce((sum, { ns }) => sum + ns, 0) / 2;
  let sum = 0;
  return (sorted.find(({ ns }) => (sum += ns) >= half) as { readonly rate: number }).rate;
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
