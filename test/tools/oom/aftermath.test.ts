import t from 'tap';
import type { OomStart } from '../../../src/generated/oom.js';
import { Aftermath } from '../../../src/tools/oom/aftermath.js';
import type { IncidentRecord, Victim } from '../../../src/tools/oom/model.js';
import { place } from './events.js';

const S = 1e9;
const victim = (pid: number, changes: Partial<Victim> = {}): Victim => ({ time: 100 * S, pid, process: 'java', program: 'java', uid: 0, memory: null, adj: 0, score: null, cgroup: '/pods/app', container: null, how: 'killed', before: [], ...changes });
const incident = (number: number, ...victims: readonly Victim[]): IncidentRecord => ({
  type: 'incident', number, lostBefore: 0, times: 1, machine: null, cgroupState: null, time: 100 * S, at: null, constraint: 'memcg', trigger: null, gfp: [], order: 0, cgroup: '/pods/app', container: null,
  limit: null, usage: null, swapLimit: null, swapUsage: null, totalPages: null, stat: null, victims, candidates: [], origin: 'kernel', missing: [],
});
const start = (tgid: number, changes: Partial<OomStart> = {}): OomStart => ({ time: 102 * S, tgid, lost: 0, program: { name: 'java' }, place: place('app', 'pods'), ...changes });

t.test('a victim ends, its memory is free, its program is executed again: once each', (t) => {
  const after = new Aftermath();
  after.watch(incident(1, victim(7), victim(8)));
  const later = [{ type: 'end', pid: 7, time: 100.5 * S }, { type: 'freed', pid: 7, time: 101 * S }, { type: 'end', pid: 7, time: 102 * S }, { type: 'end', pid: 9, time: 102 * S }] as const;
  t.strictSame(after.take(later, [start(70)], 103 * S), [
    { type: 'end', time: 100.5 * S, number: 1, pid: 7, process: 'java', tookNs: 0.5 * S, successor: null },
    { type: 'freed', time: 101 * S, number: 1, pid: 7, process: 'java', tookNs: S, successor: null },
    { type: 'restart', time: 102 * S, number: 1, pid: 7, process: 'java', tookNs: 2 * S, successor: 70 },
  ]);
  t.strictSame(after.after(1), { end: 0.5 * S, freed: S, restart: 2 * S });
  t.match(after.take([], [start(71), start(72)], 104 * S), [{ type: 'restart', pid: 8, successor: 71 }], 'one for each victim');
  t.strictSame(after.after(1), { end: 0.5 * S, freed: S, restart: 2 * S }, 'of the first victim');
  t.strictSame(after.after(2), {});
  t.end();
});

t.test('what comes before its incident is whole is kept for a minute', (t) => {
  const after = new Aftermath();
  t.strictSame(after.take([{ type: 'end', pid: 7, time: 101 * S }], [start(70)], 101 * S), []);
  after.watch(incident(1, victim(7)));
  t.match(after.take([], [], 150 * S), [{ type: 'end', pid: 7 }, { type: 'restart', successor: 70 }]);
  t.strictSame(new Aftermath().take([{ type: 'end', pid: 7, time: 101 * S }], [], 101 * S), []);
  const late = new Aftermath();
  late.take([{ type: 'end', pid: 7, time: 101 * S }], [], 162 * S);
  late.watch(incident(1, victim(7)));
  t.strictSame(late.take([], [], 163 * S), []);
  t.end();
});

t.test('another program, another place, another time, or nobody killed: no restart', (t) => {
  const told = (of: Partial<Victim>, by: Partial<OomStart> = {}, now = 103 * S): number => {
    const after = new Aftermath();
    after.watch(incident(1, victim(7, of)));
    return after.take([], [start(70, by)], now).length;
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
  after.watch(incident(1, victim(7, { cgroup: `/kubepods.slice/${pod}/${container('a')}` })));
  t.strictSame(after.take([], [start(70, { place: place(container('b'), pod.replace('1111', '1119'), 'kubepods.slice') })], 103 * S), []);
  t.match(after.take([], [start(71, { place: place(container('c'), pod, 'kubepods.slice') })], 103 * S), [{ type: 'restart', successor: 71 }]);
  t.end();
});

t.test('what was forgotten is not told', (t) => {
  const after = new Aftermath();
  const old = incident(1, victim(7));
  after.watch(old);
  after.take([{ type: 'end', pid: 7, time: 101 * S }], [], 101 * S);
  after.forget(old);
  t.strictSame(after.take([{ type: 'freed', pid: 7, time: 101 * S }], [], 101 * S), []);
  t.strictSame(after.after(1), {});
  t.end();
});
