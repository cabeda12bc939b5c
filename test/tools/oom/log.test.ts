import fc from 'fast-check';
import t from 'tap';
import { incidentsOf } from '../../../src/tools/oom/log.js';
import type { KernelRecord } from '../../../src/tools/contract.js';
import type { Candidate, Incident } from '../../../src/tools/oom/model.js';
import { recorded, recordings, recordingsOf, recordsOf, textOf, written } from './recordings.js';

const MIB = 1 << 20;
const PAGE = 4096;
const versionOf = (name: string): string => name.split('-')[0] ?? '';
const hasParts = (name: string): boolean => !['5.10', '6.1'].includes(versionOf(name));
const isV1 = (name: string): boolean => name.includes('-v1-');
const only = (name: string): Incident => incidentsOf(recorded(name))[0] as Incident;
const byPid = (pids: readonly number[]): number[] => [...pids].sort((a, b) => a - b);

t.test('every kill, every row and every limit of every recording is in an incident, figure for figure', (t) => {
  t.ok(recordings.length >= 30);
  for (const name of recordings) {
    const text = textOf(name);
    const incidents = incidentsOf(recorded(name));
    t.equal(incidents.filter(({ trigger }) => trigger).length, [...text.matchAll(/ invoked oom-killer: /g)].length, `${name}: incidents that are told from the beginning`);
    const kills = [...text.matchAll(/Killed process (\d+) .* anon-rss:(\d+)kB, file-rss:(\d+)kB, shmem-rss:(\d+)kB, UID:(\d+) pgtables:(\d+)kB oom_score_adj:(-?\d+)$/gm)].map(([, ...figures]) => figures.map(Number));
    const victims = incidents.flatMap(({ victims }) => victims);
    const told = victims.map(({ pid, memory, uid, adj }) => [pid, ...[memory?.anon, memory?.file, memory?.shmem].map((bytes) => (bytes ?? 0) / 1024), uid, (memory?.pageTables ?? 0) / 1024, adj]);
    const once = [...new Map(kills.map((figures) => [figures[0], figures])).values()];
    t.strictSame(told, once, `${name}: kills`);
    const rows = [...text.matchAll(/;\[ *\d+\] +(-?\d+) +(\d+) +\d+ +(\d+) .*? +(\d+) +(\d+) +(-?\d+) \S*/g)];
    t.equal(incidents.flatMap(({ candidates }) => candidates).length, rows.length, `${name}: rows`);
    const limits = [...text.matchAll(/;memory: usage (\d+)kB, limit (\d+)kB/g)].map(([, usage, limit]) => [Number(usage) * 1024, Number(limit) * 1024]);
    t.strictSame(incidents.filter(({ usage }) => usage !== null).map(({ usage, limit }) => [usage, limit]), limits, `${name}: limits`);
  }
  t.end();
});

t.test('where the kernel had a choice, it chose the highest score', (t) => {
  for (const name of recordings) {
    for (const { candidates, victims, totalPages } of incidentsOf(recorded(name))) {
      if (candidates.length === 0 || victims.length === 0 || (totalPages === null && candidates.some(({ adj }) => adj !== 0))) continue;
      t.equal(candidates[0]?.pid, victims[0]?.pid, name);
      t.equal(candidates[0]?.score, victims[0]?.score);
    }
  }
  t.end();
});

t.test('one process in a cgroup that is too small', (t) => {
  t.ok(recordingsOf('plain').length >= 5);
  for (const name of recordingsOf('plain')) {
    const incident = only(name);
    t.match(incident, { constraint: 'memcg', gfp: ['GFP_KERNEL'], order: 0, cgroup: '/ktrace-oom/plain', container: null, limit: 32 * MIB, usage: 32 * MIB, swapUsage: 0, origin: 'log', at: null }, name);
    t.equal(incident.swapLimit, isV1(name) ? null : 0);
    t.equal(incident.totalPages, isV1(name) ? null : 8192, 'of v1 the swap of the machine is not told');
    t.match(incident.victims, [{ process: 'hog', uid: 0, adj: 0, cgroup: '/ktrace-oom/plain', how: 'killed' }]);
    t.match(incident.trigger, { pid: incident.victims[0]?.pid, tid: incident.victims[0]?.pid, thread: 'hog', process: 'hog' });
    const [candidate] = incident.candidates as readonly [Candidate];
    const { rss = 0, swap, pageTables = 0 } = candidate.memory ?? {};
    t.equal(candidate.score, (rss + pageTables) / PAGE, 'whatever ran out, without oom_score_adj');
    t.equal(swap, 0);
    t.equal(candidate.memory?.anon === null, !hasParts(name), 'what it consists of');
    t.equal(candidate.victim, true);
    t.ok(incident.time > 0 && (incident.victims[0]?.time ?? 0) > incident.time);
  }
  t.end();
});

t.test('the swap of the machine makes the size of what ran out known, and where scores depend on it, it is said that it is of now', (t) => {
  for (const name of recordingsOf('plain').filter(isV1)) t.match(incidentsOf(recordsOf(textOf(name).replace(/0 hog$/m, '7 hog')), { swapTotal: 4 * MIB })[0]?.missing.join(), /swap of the machine: 4194304 bytes/, name);
  for (const name of recordingsOf('plain').filter(isV1)) {
    const [incident] = incidentsOf(recorded(name), { swapTotal: 4 * MIB, at: (ns) => `at ${ns}` });
    t.equal(incident?.totalPages, 8192 + 1024);
    t.notMatch(incident?.missing.join(), /swap of the machine/, 'nobody has an oom_score_adj');
    t.equal(incident?.at, `at ${incident?.time}`);
  }
  t.end();
});

t.test('a thread of a small process asks, a big process is killed', (t) => {
  for (const name of recordingsOf('trigger')) {
    const incident = only(name);
    t.match(incident.trigger, { thread: 'asker 0?,pid=1', pid: null, process: null }, name);
    t.match(incident.missing.join('\n'), /not its process/);
    t.match(incident.victims, [{ process: 'big' }]);
    t.strictSame(incident.candidates.map(({ process, victim }) => [process, victim]), [['big', true], ['hog', false], ['hog', false]]);
    t.notOk(incident.candidates.some(({ pid }) => pid === incident.trigger?.tid));
    if (hasParts(name)) t.ok(incident.candidates.some(({ memory }) => (memory?.shmem ?? 0) >= 3 * MIB));
  }
  t.end();
});

t.test('the limit is that of a cgroup above, and the victim in another one below', (t) => {
  for (const name of recordingsOf('nested')) {
    const incident = only(name);
    t.match(incident, { cgroup: '/ktrace-oom/nested', limit: 40 * MIB, victims: [{ cgroup: '/ktrace-oom/nested/a', adj: 100 }] }, name);
    if (isV1(name)) continue;
    t.equal(incident.totalPages, 10240);
    const pages = ({ memory }: Candidate): number => ((memory?.rss ?? 0) + (memory?.pageTables ?? 0)) / PAGE;
    t.strictSame(incident.candidates.map(({ score }) => score), incident.candidates.map((each) => pages(each) + each.adj * 10));
  }
  t.end();
});

t.test('who may not be killed has no score, and is last', (t) => {
  for (const name of recordingsOf('protected')) t.match(only(name).candidates, [{ adj: 300, victim: true, score: Number }, { adj: -1000, victim: false, score: null }], name);
  for (const name of recordingsOf('nobody')) {
    const incidents = incidentsOf(recorded(name));
    t.ok(incidents.length > 1, 'again and again');
    for (const { victims, candidates, missing } of incidents) t.match({ victims, candidates, missing: missing.join() }, { victims: { length: 0 }, candidates: [{ adj: -1000, score: null, victim: false }], missing: /^((?!Who was killed).)*$/ }, name);
  }
  t.end();
});

t.test('a group is killed in one incident, each process once', (t) => {
  for (const name of recordingsOf('grouped')) {
    const incidents = incidentsOf(recorded(name));
    t.equal(incidents.length, 1, name);
    t.strictSame(incidents[0]?.victims.map(({ process, cgroup }) => [process, cgroup]), ['hog', 'one', 'two'].map((process) => [process, '/ktrace-oom/grouped']));
    t.strictSame(incidents[0]?.candidates.filter(({ victim }) => victim).map(({ process }) => process).sort(), ['hog', 'one', 'two']);
    t.match(incidents[0]?.candidates.at(-1), { process: 'safe ', victim: false, score: null });
  }
  for (const name of recordingsOf('groups')) t.strictSame(incidentsOf(recorded(name)).map(({ victims }) => victims.length), Array(13).fill(2), name);
  t.end();
});

t.test('of many in a short time the kernel tells the kills only, and that is said', (t) => {
  for (const name of recordingsOf('storm')) {
    const incidents = incidentsOf(recorded(name));
    t.equal(incidents.length, 14, name);
    t.equal(incidents.filter(({ missing }) => missing.some((sentence) => sentence.includes('ten incidents in five seconds'))).length, 4);
    for (const incident of incidents.slice(10)) t.match(incident, { constraint: 'memcg', trigger: null, cgroup: null, limit: null, candidates: { length: 0 }, victims: [{ process: 'hog', score: null, memory: { swap: null } }] });
  }
  t.end();
});

const NAMES = ['a,task=b,pid=9', ') total-vm:1kB', '\nKilled 1', ' 0 0 0 x )', '[', ' \u001b[31m', 'é\ufffd\ufffd\\x41', ',task=,uid=0', ' '];

t.test('names may hold whatever the lines are cut at', (t) => {
  t.ok(recordingsOf('names').length > 0);
  for (const name of recordingsOf('names')) {
    const incidents = incidentsOf(recorded(name));
    for (const of of [(each: Incident) => each.trigger?.thread, (each: Incident) => each.victims[0]?.process, (each: Incident) => each.candidates[0]?.process]) t.strictSame(incidents.map(of), NAMES, name);
    t.ok(incidents.every(({ victims, cgroup }) => cgroup === '/ktrace-oom/names' && victims[0]?.cgroup === cgroup));
  }
  t.end();
});

t.test('what others write between the lines, and between pieces of them, does not matter', (t) => {
  t.ok(recordingsOf('noise').some((name) => recorded(name).some(({ continues }) => continues)), 'there are pieces');
  for (const name of recordingsOf('noise')) {
    const records = recorded(name);
    t.ok(records.some(({ facility }) => facility !== 0), 'there is noise');
    const incidents = incidentsOf(records);
    t.ok(incidents.length >= 2, name);
    for (const incident of incidents) t.match(incident, { constraint: 'memcg', cgroup: '/ktrace-oom/noise', limit: 24 * MIB, totalPages: 6144, victims: [{ process: 'hog', cgroup: '/ktrace-oom/noise' }], candidates: [{ process: 'hog' }], missing: hasParts(name) ? { length: 0 } : [String] });
  }
  t.end();
});

t.test('the whole machine', (t) => {
  for (const name of recordingsOf('global')) {
    const [first, second] = incidentsOf(recorded(name));
    const text = textOf(name);
    const figure = (pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
    t.match(first, { constraint: 'none', cgroup: null, limit: null, swapLimit: null, totalPages: figure(/;(\d+) pages RAM/) - figure(/;(\d+) pages reserved/) + figure(/;Total swap = (\d+)kB/) / 4 }, name);
    t.match(first?.victims, [{ adj: 700, cgroup: '/ktrace-oom/global' }], 'innocent: its oom_score_adj is to blame');
    t.match(second?.victims, [{ adj: 0, cgroup: '/' }]);
    const killed = first?.candidates.find(({ victim }) => victim);
    t.equal(killed?.score, ((killed?.memory?.rss ?? 0) + (killed?.memory?.pageTables ?? 0)) / PAGE + 700 * Math.floor((first?.totalPages ?? 0) / 1000));
    t.ok((first?.candidates.length ?? 0) > 3);
  }
  t.end();
});

t.test('some nodes of the machine', (t) => {
  t.ok(recordingsOf('cpuset').length > 0 && recordingsOf('policy').length > 0);
  for (const name of recordingsOf('cpuset')) t.match(only(name), { constraint: 'cpuset', cgroup: null, totalPages: 1_048_448 / 4, victims: [{ adj: 0 }], candidates: [{ adj: 0, victim: true }, { adj: 300, victim: false }, {}, {}] }, name);
  for (const name of recordingsOf('policy')) t.match(only(name), { constraint: 'memoryPolicy', cgroup: null, totalPages: 1_048_448 / 4, victims: [{ adj: 10 }], missing: { length: 0 } }, name);
  t.end();
});

t.test('what has been written to swap counts', (t) => {
  t.ok(recordingsOf('swapped').length > 0);
  for (const name of recordingsOf('swapped')) {
    t.match(only(name), { limit: 32 * MIB, swapLimit: 16 * MIB, swapUsage: 16 * MIB, totalPages: null, victims: [{ memory: { swap: 16 * MIB }, score: null }], missing: [/oom_score_adj have no score here/] }, name);
    const [known] = incidentsOf(recorded(name), { swapTotal: 128 * MIB });
    t.match(known, { totalPages: 8192 + 4096, victims: [{ score: 2438 + 23 + 4096 + 200 * 12 }] }, 'of the swap of the machine it may have a part');
    t.equal(known?.candidates[0]?.victim, true);
  }
  t.end();
});

/** A log that begins later, as one does that has been overwritten. */
t.test('wherever the log begins, no kill is lost, and what is not known is said', (t) => {
  const records = recorded(recordingsOf('trigger').find((name) => name.startsWith('6.12')) ?? '');
  for (let first = 0; first < records.length; first++) {
    const incidents = incidentsOf(records.slice(first));
    t.match(incidents, [{ victims: [{ process: 'big', cgroup: first < records.length - 1 ? '/ktrace-oom/trigger' : null }] }]);
    if (first > 1) t.ok((incidents[0]?.missing.length ?? 0) > 0);
  }
  for (let last = 1; last < records.length; last++) t.strictSame(incidentsOf(records.slice(0, last)).map(({ victims, missing }) => [victims.length, missing.some((sentence) => sentence.startsWith('Who was killed'))]), [[0, true]].slice(0, records[0]?.text.includes('invoked') || last > 1 ? 1 : 0));
  t.strictSame(incidentsOf([]), []);
  t.end();
});

const HEAD = 'x invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0';
const COLUMNS = '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name';
const row = (pid: number, name: string, adj = 0): string => `[${String(pid).padStart(7)}]  1000 ${pid}     5000     3000     2000      900       100    81920        7         ${String(adj).padStart(5)} ${name}`;
const kill = (pid: number, name: string, adj = 0): string => `Memory cgroup out of memory: Killed process ${pid} (${name}) total-vm:20000kB, anon-rss:8000kB, file-rss:3600kB, shmem-rss:400kB, UID:1000 pgtables:80kB oom_score_adj:${adj}`;
const summary = (cgroup: string, of: string, pid: number, name: string): string => `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${cgroup},task_memcg=${of},task=${name},pid=${pid},uid=1000`;

t.test('any name of a process and of a cgroup comes out as it was', (t) => {
  const piece = fc.constantFrom(',task=', ',pid=1', ',uid=0', ' ', ')', '(', '[', ']', ':', '/', ',task_memcg=', ',oom_memcg=/', ',mems_allowed=0', ' invoked', ' 0', '\n', 'a', 'é');
  const text = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
  const comm = text.map((name) => name.slice(0, 15));
  const path = text.map((name) => `/${name.replaceAll('\n', '')}`);
  fc.assert(fc.property(comm, path, path, fc.integer({ min: -1000, max: 1000 }), (name, cgroup, below, adj) => {
    const of = cgroup + below;
    const lines = [HEAD.replace('x', () => name), `CPU: 1 UID: 0 PID: 77 Comm: ${name} Not tainted 6.12`, 'memory: usage 16384kB, limit 16384kB, failcnt 1', 'swap: usage 4kB, limit 0kB, failcnt 0', `Memory cgroup stats for ${cgroup}:`, COLUMNS, row(77, name, adj), summary(cgroup, of, 77, name), kill(77, name, adj)];
    const [incident, ...more] = incidentsOf(written(...lines));
    const victim = incident?.victims[0];
    return more.length === 0 && incident?.cgroup === cgroup && victim?.cgroup === of && victim.process === name && incident.trigger?.thread === name && incident.candidates[0]?.process === name && victim.adj === adj;
  }), { numRuns: 3000 });
  t.end();
});

t.test('without the table and the statistics a name is taken to be as long as it can be', (t) => {
  const victimOf = (of: string, name: string): unknown => incidentsOf(written(HEAD, summary('/a', of, 5, name), kill(5, name)))[0]?.victims[0];
  t.match(victimOf('/a/b', 'c,task=d'), { process: 'c,task=d', cgroup: '/a/b' });
  t.match(victimOf('/a,task=x,y=z0123456789', 'c'), { process: 'c', cgroup: '/a,task=x,y=z0123456789' });
  t.end();
});

t.test('kinds that were not recorded', (t) => {
  const first = (...lines: readonly string[]): Incident => incidentsOf(written(...lines))[0] as Incident;
  t.match(first('Memory cgroup out of memory: OOM victim 5 (x y) is already exiting. Skip killing the task'), { victims: [{ pid: 5, process: 'x y', how: 'marked', memory: null, uid: null, adj: null }] });
  t.match(first(kill(5, 'x').replace('Memory cgroup out of memory', 'Out of memory (oom_kill_allocating_task)')), { constraint: null, victims: [{ pid: 5, how: 'killed' }], missing: [/ten incidents/, /machine/] });
  t.match(first(HEAD.replace('0x0()', '0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)').replace('order=0', 'order=-1')), { gfp: ['GFP_HIGHUSER_MOVABLE', '__GFP_COMP'], order: -1 });
  t.strictSame(first(HEAD).gfp, []);
  const nodes = (constraint: string, nodemask: string): number | null =>
    first(HEAD, 'Node 0 DMA free:8kB boost:0kB min:4kB present:16kB managed:12kB mlocked:0kB', 'Node 0 DMA32 free:8kB min:4kB present:84kB managed:80kB mlocked:0kB', 'Node 2 Normal free:8kB min:4kB present:400kB managed:80kB mlocked:0kB', 'Total swap = 40kB', '999 pages RAM', '9 pages reserved', `oom-kill:constraint=CONSTRAINT_${constraint},nodemask=${nodemask},cpuset=/,mems_allowed=0,2-3,global_oom,task_memcg=/,task=x,pid=5,uid=-2`).totalPages;
  t.equal(nodes('NONE', '(null)'), 990 + 10);
  t.equal(nodes('MEMORY_POLICY', '2'), 100 + 10);
  t.equal(nodes('MEMORY_POLICY', '0,2'), 25 + 100 + 10);
  t.equal(nodes('CPUSET', '(null)'), null, 'node 3 is not told of');
  t.match(first(HEAD, COLUMNS, row(9, 'worker').replace(' 9     5000', ' 8     5000'), kill(9, 'worker')), { victims: [{ pid: 8 }], candidates: [{ pid: 8, victim: true }] }, 'of a process whose first thread has ended');
  t.end();
});

const at = (records: readonly KernelRecord[], timeUs: number): KernelRecord[] => records.map((record, i) => ({ ...record, timeUs: timeUs + i }));
const pidsOf = (records: readonly KernelRecord[]): number[][] => incidentsOf(records).map(({ victims }) => victims.map(({ pid }) => pid));
const group = (cgroup: string): string => `Tasks in ${cgroup} are going to be killed due to memory.oom.group set`;

t.test('which kills are of one incident where the kernel tells only them', (t) => {
  t.strictSame(pidsOf(written(kill(1, 'a'), kill(2, 'b'))), [[1], [2]]);
  t.strictSame(pidsOf(written(kill(1, 'a'), group('/a'), kill(2, 'b'), kill(1, 'a'), kill(3, 'c'), group('/b'), kill(4, 'd'))), [[1, 2], [3, 4]], 'the first of a group comes before its line');
  t.match(incidentsOf(written(kill(1, 'a'), group('/a'), kill(2, 'b'), kill(3, 'c'), group('/b'))), [{ victims: [{ cgroup: '/a' }, { cgroup: '/a' }] }, { victims: [{ cgroup: '/b' }] }]);
  t.strictSame(pidsOf([...at(written(kill(1, 'a'), group('/a'), kill(2, 'b')), 0), ...at(written(kill(3, 'c')), 300_000)]), [[1, 2], [3]], 'later');
  const told = [HEAD, COLUMNS, row(1, 'a'), row(2, 'b'), summary('/a', '/a', 1, 'a'), kill(1, 'a'), group('/a')];
  t.strictSame(pidsOf(written(...told, kill(2, 'b'), kill(3, 'c'))), [[1, 2], [3]], 'not in the table');
  t.strictSame(pidsOf(written(HEAD, COLUMNS, row(1, 'a'), kill(3, 'c'))), [[], [3]]);
  t.strictSame(pidsOf(written(group('/a'), kill(1, 'a'))), [[1]]);
  t.end();
});

t.test('a dump of another thread tells nothing, and uids have no sign', (t) => {
  const [incident] = incidentsOf(written(HEAD, 'CPU: 3 UID: 0 PID: 99 Comm: xy Tainted', 'CPU: 3 PID: 98 Comm: y x Tainted', 'CPU: 1 UID: 5 PID: 7 Comm: x Not tainted', 'CPU: 1 PID: 97 Comm: x Not tainted', COLUMNS, row(7, 'x').replace('  1000 ', '    -2 '), kill(7, 'x')));
  t.match(incident, { trigger: { tid: 7, pid: 7 }, candidates: [{ uid: 4294967294 }] });
  t.end();
});

t.test('sizes are those of the pages of the machine', (t) => {
  const [incident] = incidentsOf(written(HEAD, 'memory: usage 65536kB, limit 65536kB, failcnt 1', 'swap: usage 0kB, limit 0kB, failcnt 0', COLUMNS, row(5, 'x', 10), kill(5, 'x', 10)), { pageSize: 65536 });
  t.match(incident, { totalPages: 1024, candidates: [{ score: 3000 + 7 + 1 + 10, memory: { rss: 3000 * 65536, anon: 2000 * 65536 } }] });
  t.end();
});

t.test('programs cannot write incidents, nor pieces of them', (t) => {
  const forged = written(HEAD, kill(5, 'x')).map((record) => ({ ...record, facility: 1 }));
  t.strictSame(incidentsOf(forged), []);
  const pieces = ['oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)', ',cpuset=', '/', ',mems_allowed=0', ',oom_memcg=', '/a', ',task_memcg=', '/a/b', ',task=x,pid=5,uid=0'];
  const records = written(...pieces).flatMap((record, i): KernelRecord[] => [{ ...record, continues: i > 0, caller: 'T5' }, { ...record, text: 'noise', caller: 'T6' }, { ...record, facility: 1, text: ',pid=7,uid=1', continues: true }, { ...record, text: ',uid=9', caller: 'T6', continues: true }]);
  t.match(incidentsOf([...records, ...written(kill(5, 'x'))]), [{ cgroup: '/a', victims: [{ pid: 5, cgroup: '/a/b' }] }]);
  t.end();
});

t.test('any records make incidents without an error', (t) => {
  const lines = recordsOf(textOf(recordings[0] ?? '')).map(({ text }) => text);
  fc.assert(fc.property(fc.array(fc.oneof(fc.constantFrom(...lines), fc.string()), { maxLength: 60 }), (texts) => incidentsOf(written(...texts)).every(({ victims }) => new Set(byPid(victims.map(({ pid }) => pid))).size === victims.length)), { numRuns: 500 });
  t.end();
});
