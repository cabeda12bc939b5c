import t from 'tap';
import { growthOf } from '../../../src/tools/oom/growth.js';
import type { Candidate, IncidentRecord, Memory, Victim } from '../../../src/tools/oom/model.js';

const MIB = 2 ** 20;
const memory = (mib: number, changes: Partial<Memory> = {}): Memory => ({ rss: mib * MIB, anon: mib * MIB, file: 0, shmem: 0, swap: 0, pageTables: 0, ...changes });
/** [seconds before, MiB]… */
type Points = readonly (readonly [number, number])[];
const points = (before: Points): Victim['before'] => before.map(([ago, mib]) => ({ agoNs: ago * 1e9, rss: mib * MIB }));
const other = (pid: number, mib: number, before: Points): Candidate => ({ pid, process: 'other', uid: 0, memory: memory(mib), adj: 0, score: 1, victim: false, before: points(before)[0] ?? null });

function said(mib: number, before: Points, { how = 'killed', limit = 1000, others = [], changes = {} }: { how?: Victim['how']; limit?: number | null; others?: readonly Candidate[]; changes?: Partial<Memory> } = {}): string[] {
  const victim: Victim = { time: 0, pid: 7, process: 'java', program: 'java', uid: 0, memory: memory(mib, changes), adj: 0, score: 1, cgroup: '/a', container: null, how, before: points(before) };
  const own: Candidate = { pid: 7, process: 'java', uid: 0, memory: memory(mib), adj: 0, score: 1, victim: true, before: points(before)[0] ?? null };
  const incident: IncidentRecord = {
    type: 'incident', number: 1, lostBefore: 0, times: 1, machine: null, cgroupState: null, time: 0, at: null, constraint: 'memcg', trigger: null, allocation: null, gfp: [], order: 0, cgroup: '/a', container: null,
    limit: limit === null ? null : limit * MIB, usage: null, swapLimit: null, swapUsage: null, totalPages: null, stat: null, victims: [victim], candidates: [own, ...others], origin: 'kernel', missing: [],
  };
  return growthOf(incident);
}

t.test('steady growth has a rate, and how much longer twice the limit would have lasted', (t) => {
  t.strictSame(said(900, [[100, 100], [60, 420], [20, 740]]), ['The victim had grown steadily for 1m40s, by 8.00 MiB a second: it leaks, or its load grows. Twice the limit would have lasted 2m05s longer.']);
  t.match(said(67, [[36, 28], [26, 40], [16, 52], [6, 64], [1, 67]]), [/by 1\.20 MiB a second: /], 'at the limit the kernel takes back pages of files');
  t.strictSame(said(900, [[100, 100], [60, 420], [20, 740]], { limit: null }), ['The victim had grown steadily for 1m40s, by 8.00 MiB a second: it leaks, or its load grows.']);
  t.notMatch(said(900, [[100, 100], [60, 420], [20, 740]], { others: [other(8, 500, [[60, 100]])] })[0], 'Twice', 'somebody else fills it, too');
  t.match(said(900, [[100, 100], [60, 420], [20, 740]], { others: [other(8, 50, [[60, 49]])] })[0], 'Twice');
  t.end();
});

t.test('what came at the end came at once', (t) => {
  t.strictSame(said(900, [[100, 100], [60, 110], [5, 120]]), ['780 MiB of what the victim held came within 5.00s of the kill: one request or job, rather than a slow leak.']);
  t.strictSame(said(900, [[3, 100]]), [], 'of a start nothing follows');
  t.strictSame(said(900, [[60, 100], [59, 117], [55, 183]]), ['The victim had grown steadily for 1m00s, by 13.0 MiB a second: it leaks, or its load grows. Twice the limit would have lasted 1m17s longer.'], 'the last look was long ago, and it had grown as fast before');
  t.end();
});

t.test('growth in fits and starts, or seen for too short, is not called anything', (t) => {
  t.strictSame(said(900, [[100, 100], [60, 700], [20, 650]]), [], 'it shrank meanwhile');
  t.strictSame(said(61, [[34, 18], [27, 32], [22, 46], [17, 46], [12, 46], [7, 61]]), [], 'jumps');
  t.strictSame(said(900, [[100, 100], [95, 600], [20, 700]]), [], 'most of it in five seconds long ago');
  t.strictSame(said(900, [[20, 100], [10, 500]]), [], 'twenty seconds are no trend');
  t.strictSame(said(900, []), [], 'not watched');
  t.strictSame(said(900, [[100, 100], [60, 420], [20, 740]], { how: 'marked' }), []);
  t.end();
});

t.test('who had not grown is innocent, or the limit is too low', (t) => {
  t.strictSame(said(400, [[100, 395], [50, 400], [5, 400]], { others: [other(8, 500, [[60, 100]])] }), ['The victim had not grown for 1m40s: other (8) had, by 400 MiB in 1m00s.']);
  t.strictSame(said(600, [[100, 595], [50, 600], [5, 600]], { others: [other(8, 300, [[60, 299]])] }), ['The victim had not grown for 1m40s, and a minute before the candidates held 89 % of the limit and more, without what is shared: it is too low for what runs here.']);
  t.strictSame(said(600, [[100, 595], [50, 600], [5, 600]], { others: [{ ...other(8, 300, [[60, 299]]), memory: memory(300, { anon: 0, shmem: 300 * MIB }) }] }), [], 'what is shared counts once, and for nobody here');
  t.strictSame(said(600, [[100, 595], [50, 600], [5, 600]], { others: [other(8, 300, [[5, 299]])] }), [], 'five seconds before is not always');
  t.strictSame(said(900, [[100, 890], [80, 40], [60, 880], [5, 895]]), [], 'it had shrunk and grown meanwhile');
  t.strictSame(said(980, [[600, 975], [300, 977], [5, 979]], { changes: { swap: 8000 * MIB } }), [], 'it may have grown into swap');
  t.strictSame(said(900, [[100, 100], [60, 420], [20, 740]], { changes: { swap: null } }), []);
  t.strictSame(said(400, [[100, 395], [50, 400], [5, 400]]), [], 'something else took it');
  t.strictSame(said(400, [[20, 400], [15, 400], [10, 400]]), [], 'for too short');
  t.end();
});
