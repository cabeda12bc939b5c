import t from 'tap';
import type { OomStart } from '../../../src/generated/oom.js';
import { Aftermath } from '../../../src/tools/oom/aftermath.js';
import type { Later } from '../../../src/tools/oom/incidents.js';
import type { IncidentRecord, Victim } from '../../../src/tools/oom/model.js';
import { place } from './events.js';

const S = 1e9;
const victim = (pid: number, changes: Partial<Victim> = {}): Victim => ({ time: 100 * S, pid, process: 'java', program: 'java', uid: 0, memory: null, adj: 0, score: null, cgroup: '/pods/app', container: null, how: 'killed', before: [], ...changes });
const incident = (number: number, ...victims: readonly Victim[]): IncidentRecord => ({
  type: 'incident', number, lostBefore: 0, times: 1, machine: null, cgroupState: null, time: 100 * S, at: null, constraint: 'memcg', trigger: null, allocation: null, gfp: [], order: 0, cgroup: '/pods/app', container: null,
  limit: null, usage: null, swapLimit: null, swapUsage: null, totalPages: null, stat: null, victims, candidates: [], origin: 'kernel', missing: [],
});
const BEGAN = new Map([[7, 5], [8, 6]]);
const later = (type: Later['type'], pid: number, time: number, began = pid - 2): Later => ({ type, pid, began, time, lost: 0 });
const start = (tgid: number, changes: Partial<OomStart> = {}): OomStart => ({ time: 102 * S, tgid, lost: 0, program: { name: 'java' }, place: place('app', 'pods'), ...changes });

t.test('a victim ends, its memory is free, its program is executed again: once each', (t) => {
  const after = new Aftermath();
  after.watch(incident(1, victim(7), victim(8)), BEGAN);
  const all = [later('end', 7, 100.5 * S), { ...later('freed', 7, 101 * S), lost: 4 }, later('end', 7, 102 * S), later('end', 9, 102 * S)];
  t.strictSame(after.take(all, [start(70)], 103 * S, false), [
    { type: 'end', time: 100.5 * S, number: 1, pid: 7, process: 'java', tookNs: 0.5 * S, successor: null, lostBefore: 0 },
    { type: 'freed', time: 101 * S, number: 1, pid: 7, process: 'java', tookNs: S, successor: null, lostBefore: 4 },
    { type: 'restart', time: 102 * S, number: 1, pid: 7, process: 'java', tookNs: 2 * S, successor: 70, lostBefore: 0 },
  ]);
  t.strictSame(after.after(1), { end: 0.5 * S, freed: S, restart: 2 * S });
  t.match(after.take([], [start(71), start(72)], 104 * S, false), [{ type: 'restart', pid: 8, successor: 71 }], 'one for each victim');
  t.strictSame(after.after(1), { end: 0.5 * S, freed: S, restart: 2 * S }, 'of the first victim');
  t.strictSame(after.after(2), {});
  t.end();
});

t.test('what comes before its incident is whole is kept for a minute', (t) => {
  const after = new Aftermath();
  t.strictSame(after.take([later('end', 7, 101 * S)], [start(70)], 101 * S, true), []);
  after.watch(incident(1, victim(7)), BEGAN);
  t.match(after.take([], [], 150 * S, false), [{ type: 'end', pid: 7 }, { type: 'restart', successor: 70 }]);
  t.strictSame(new Aftermath().take([later('end', 7, 101 * S)], [], 101 * S, false), []);
  const late = new Aftermath();
  late.take([later('end', 7, 101 * S)], [], 162 * S, false);
  late.watch(incident(1, victim(7)), BEGAN);
  t.strictSame(late.take([], [], 163 * S, false), []);
  t.end();
});

t.test('another program, another place, another time, or nobody killed: no restart', (t) => {
  const told = (of: Partial<Victim>, by: Partial<OomStart> = {}, now = 103 * S): number => {
    const after = new Aftermath();
    after.watch(incident(1, victim(7, of)), BEGAN);
    return after.take([], [start(70, by)], now, false).length;
  };
  t.equal(told({}), 1);
  t.equal(told({ program: 'ruby' }), 0);
  t.equal(told({ program: null }), 0);
  t.equal(told({ cgroup: null }), 0);
  t.equal(told({ cgroup: '/pods' }), 0);
  t.equal(told({ how: 'marked' }), 0);
  t.equal(told({}, { time: 99 * S }), 0);
  t.equal(told({}, { time: 701 * S }, 702 * S), 0);
  t.equal(told({}, { time: 699 * S }, 699.5 * S), 1);
  t.end();
});

t.test('a pod has another cgroup for each container that it starts', (t) => {
  const after = new Aftermath();
  const pod = 'kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice';
  const container = (digit: string): string => `cri-containerd-${digit.repeat(64)}.scope`;
  after.watch(incident(1, victim(7, { cgroup: `/kubepods.slice/${pod}/${container('a')}` })), BEGAN);
  t.strictSame(after.take([], [start(70, { place: place(container('b'), pod.replace('1111', '1119'), 'kubepods.slice') })], 103 * S, false), []);
  t.match(after.take([], [start(71, { place: place(container('c'), pod, 'kubepods.slice') })], 103 * S, false), [{ type: 'restart', successor: 71 }]);
  t.end();
});

t.test('an incident that is in no row any more', (t) => {
  const after = new Aftermath();
  const old = incident(1, victim(7));
  after.watch(old, BEGAN);
  after.take([later('end', 7, 101 * S)], [], 101 * S, false);
  after.forget(old);
  t.match(after.take([later('freed', 7, 101 * S)], [], 101 * S, false), [{ type: 'freed', number: 1 }], 'who reads lines is told all the same');
  t.strictSame(after.after(1), {}, 'but the report has no row for it');
  t.end();
});

t.test('an id that is used again is another process; one that was marked twice ends for each time', (t) => {
  const after = new Aftermath();
  after.watch(incident(1, victim(7)), BEGAN);
  after.watch(incident(2, victim(7)), new Map([[7, 90]]));
  t.match(after.take([later('end', 7, 102 * S, 90)], [], 103 * S, false), [{ number: 2 }]);
  const twice = new Aftermath();
  twice.watch(incident(1, victim(7)), BEGAN);
  twice.watch(incident(2, victim(7)), BEGAN);
  t.strictSame(twice.take([later('end', 7, 102 * S)], [], 103 * S, false).map(({ number }) => number), [1, 2]);
  t.end();
});

t.test('a flood of the same program elsewhere neither grows nor hides what belongs to a victim', (t) => {
  const after = new Aftermath();
  after.watch(incident(1, victim(7)), BEGAN);
  const elsewhere = Array.from({ length: 5000 }, (_, i) => start(1000 + i, { place: place('other') }));
  after.take([], elsewhere, 103 * S, false);
  t.equal(after.dropped, 0, 'no incident is under way: nothing is kept');
  after.take([later('end', 9, 103 * S)], [], 103 * S, true);
  after.take([], elsewhere, 102 * S, true);
  t.equal(after.dropped, 905);
  t.match(after.take([later('end', 7, 104 * S)], [start(70)], 105 * S, false), [{ type: 'end' }, { type: 'restart', successor: 70 }]);
  t.end();
});
