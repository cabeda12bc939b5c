import t from 'tap';
import { OomKind, type OomCandidate, type OomIncident, type OomStart, type OomVictim } from '../../../src/generated/oom.js';
import type { Processes, Tables } from '../../../src/tools/contract.js';
import { OomLook } from '../../../src/tools/oom/look.js';
import type { AfterRecord, IncidentRecord } from '../../../src/tools/oom/model.js';
import { processes } from '../exec/events.js';
import { head, looked, mark, MIB, MS, over, place } from './events.js';

interface Rings {
  victims?: readonly OomVictim[];
  incidents?: readonly OomIncident[];
  candidates?: readonly OomCandidate[];
  starts?: readonly OomStart[];
}

/** The rings of the kernel side, which are filled by hand; counters too. */
class Kernel implements Tables {
  rings: Rings = {};
  full: readonly string[] = [];
  counts: Readonly<Record<string, number>> = {};
  onDrain: (() => void) | undefined;

  rows(): [] {
    return [];
  }

  iterate(): [] {
    return [];
  }

  counters(map: string): number[] {
    return [this.counts[map] ?? 0];
  }

  drain<T>(ring: string): { events: T[]; full: boolean } {
    const events = (this.rings[ring as keyof Rings] ?? []) as unknown as T[];
    this.rings = { ...this.rings, [ring]: [] };
    this.onDrain?.();
    return { events: [...events], full: this.full.includes(ring) };
  }
}

/** A session's eyes at work: what comes out of one drain of these rings at a moment (ms). */
function watching(changes: Partial<Processes> = {}, mostRows = 10) {
  const kernel = new Kernel();
  let now = 0;
  const look = new OomLook(kernel, { ...processes(), ...changes, now: () => now }, mostRows);
  look.begin();
  return {
    kernel,
    look,
    /** Each ring takes so long to read. */
    slow: (ms: number) => {
      kernel.onDrain = () => (now += ms * MS);
    },
    at: (ms: number, rings: Rings = {}, last = false) => {
      now = ms * MS;
      kernel.rings = rings;
      look.tick();
      return look.events(last).events;
    },
  };
}

const USUAL: Rings = { incidents: [head()], victims: [mark(), over()], candidates: [looked(100, 'java', 300)] };
const incidentsIn = (events: readonly object[]): IncidentRecord[] => events.filter((each): each is IncidentRecord => 'type' in each && each.type === 'incident');

t.test('where the kernel side knows the id of a victim alone, what it held before is told although it is gone by then', (t) => {
  let isThere = true;
  const second = 1000;
  const { at } = watching({ residentMemory: () => new Map([[100, 100 * MIB]]), began: (pid) => (isThere && pid === 100 ? 1 : undefined) });
  at(20 * second);
  const time = 31 * second * MS;
  t.strictSame(at(31.1 * second, { victims: [mark({ time, began: 0, tgid: 0, known: 0 })] }), [], 'others of its group may follow');
  isThere = false;
  t.match(incidentsIn(at(33 * second)), [{ victims: [{ pid: 100, before: [{ rss: 100 * MIB, agoNs: 11 * second * MS }] }] }]);
  t.match(incidentsIn(at(41 * second, { victims: [mark({ incident: 2, time: 40 * second * MS, began: 0, tgid: 0, known: 0 })] })), { length: 0 }, 'another one of that id');
  t.match(incidentsIn(at(43 * second)), [{ victims: [{ pid: 100, before: { length: 0 } }] }], 'of which nothing is known');
  t.end();
});

t.test('an incident comes with what was before, and what comes after follows', (t) => {
  let resident = 100;
  const { at } = watching({ residentMemory: () => new Map([[100, resident * MIB]]), cgroupState: (path) => ({ high: null, maxHits: 3, highHits: 0, killed: path === '/pods/app' ? 1 : 9, killedBelow: true, pressure: null }) });
  const second = 1000;
  at(20 * second);
  resident = 200;
  at(30 * second);
  const time = 31 * second * MS;
  const [incident, ...more] = at(31.3 * second, { incidents: [head({ time })], victims: [mark({ time: time + MS }), over(), mark({ kind: OomKind.OOM_ENDED, time: time + 5 * MS })], candidates: [looked(100, 'java', 300)], starts: [{ time: time + 90 * MS, tgid: 300, lost: 0, program: { name: 'java' }, place: place('app', 'pods') }] });
  t.match(incident, { type: 'incident', number: 1, times: 1, cgroupState: { killed: 1 }, machine: { agoNs: second * MS }, victims: [{ before: [{ rss: 100 * MIB, agoNs: 11 * second * MS }, { rss: 200 * MIB, agoNs: second * MS }] }], candidates: [{ before: { rss: 100 * MIB } }] });
  t.match(more as AfterRecord[], [{ type: 'end', number: 1, pid: 100, tookNs: 4 * MS }, { type: 'restart', successor: 300, tookNs: 89 * MS }]);
  t.end();
});

t.test('nothing is whole while a ring has more than was read', (t) => {
  const { at, kernel } = watching();
  kernel.full = ['candidates'];
  t.strictSame(at(1002, USUAL), []);
  kernel.full = [];
  t.match(incidentsIn(at(1003, { candidates: [looked(101, 'redis', 10)] })), [{ candidates: [{ pid: 100 }, { pid: 101 }] }]);
  t.end();
});

t.test('a mark that comes while the rings are read belongs to its incident', (t) => {
  const { at, slow } = watching();
  slow(300);
  t.strictSame(at(900, { incidents: [head({ known: 0 })] }), [], 'its mark was not there yet when reading began');
  t.strictSame(at(2190, { victims: [mark()] }), []);
  t.match(incidentsIn(at(2500)), [{ victims: [{ pid: 100 }] }]);
  t.end();
});

t.test('older incidents are forgotten and counted; what comes after them is told all the same', (t) => {
  const { at, look, kernel } = watching({}, 1);
  const two: Rings = { incidents: [head(), head({ incident: 2 })], victims: [mark(), over(), mark({ incident: 2, tgid: 101, tid: 101 }), over(2)] };
  t.match(incidentsIn(at(1300, two)), [{ number: 1, times: 1 }, { number: 2, times: 2 }]);
  kernel.counts = { hits: 2, dying_full: 1, leaving_full: 2, later_lost: 4, starts_lost: 8 };
  t.match(at(1400, { victims: [mark({ kind: OomKind.OOM_FREED, time: 1350 * MS, lost: 2 })] }), [{ type: 'freed', number: 1, lostBefore: 2 }]);
  const options = { rows: 10, sort: 'time', all: false, verbose: false, until: 2000 * MS, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0, header: { version: '1', startedAt: '', durationNs: 0, target: '', filters: [], variant: 'fentry', attempts: [], limits: [], kernel: '', settled: true } };
  const report = look.report(options, false);
  t.match(report.header.accounting, { hits: 2, aggregated: 1, inFlight: 0, dropped: 1 });
  t.match(Object.fromEntries(report.losses.map(({ reason, count }) => [reason, count])), { 'rows-full': 1, 'ends-full': 7, 'restarts-lost': 8 });
  t.equal(report.sections[0]?.rows.length, 1);
  t.end();
});

t.test('at the end what was held back comes, too', (t) => {
  const { at } = watching();
  t.strictSame(at(1002, { incidents: [head()], victims: [mark()] }), []);
  t.equal(incidentsIn(at(1003, {}, true)).length, 1);
  t.end();
});
