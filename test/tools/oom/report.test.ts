import t from 'tap';
import { golden, plainTable } from '../../render/plain.js';
import { OomConstraint, OomKind } from '../../../src/generated/oom.js';
import { forTerminal } from '../../../src/render/sanitize.js';
import type { ReportOptions } from '../../../src/tools/contract.js';
import { adviceOf } from '../../../src/tools/oom/advice.js';
import { Incidents, type Raw, type Whole } from '../../../src/tools/oom/incidents.js';
import { told } from '../../../src/tools/oom/merge.js';
import type { Incident, IncidentRecord } from '../../../src/tools/oom/model.js';
import { blockOf } from '../../../src/tools/oom/records.js';
import { oomReport, type OomSnapshot } from '../../../src/tools/oom/report.js';
import { head, looked, mark, MIB, MS, over, place } from './events.js';

const OPTIONS: ReportOptions = {
  rows: 10, sort: 'time', all: false, verbose: false, until: 1e9, backlogDropped: 0, skippedRuns: 0, skippedInAll: 0,
  header: { version: '1', startedAt: '2026-01-01T00:00:00Z', durationNs: 1e9, target: 'all processes', filters: [], variant: 'fentry', attempts: [], limits: [], kernel: '6.12', settled: true },
};
const COUNTS = { hits: 1, aggregated: 1, inFlight: 0, victimsLost: 0, incidentsLost: 0, candidatesLost: 0, rowsFull: 0, endsFull: 0, restartsLost: 0, fruitless: 0, logLost: 0 };

const NONE: Raw = { incidents: [], victims: [], candidates: [] };
const take = (raw: Partial<Raw>, now = 1002 * MS): Whole[] => new Incidents().take({ ...NONE, ...raw }, now).whole;
const one = (raw: Partial<Raw>): Incident => (new Incidents().take({ ...NONE, ...raw }, 0, { all: true }).whole[0] as Whole).incident;
const USUAL: Raw = { incidents: [head()], victims: [mark(), over()], candidates: [looked(100, 'java', 300), looked(101, 'redis', 120, { adj: -997, score: -100_000 }), looked(102, 'agent', 4, { adj: -1000, score: -(2 ** 63) })] };
const record = (incident: Incident, changes: Partial<IncidentRecord> = {}): IncidentRecord => ({ type: 'incident', number: 1, lostBefore: 0, times: 1, machine: null, cgroupState: null, ...incident, at: '2026-01-01T02:31:19.745Z', ...changes });
const recorded = (raw: Partial<Raw>, changes: Partial<IncidentRecord> = {}): IncidentRecord => record(one(raw), changes);
const snapshot = (incidents: readonly IncidentRecord[], changes: Partial<OomSnapshot> = {}): OomSnapshot => ({ incidents, logReadable: true, after: (number) => (number === 1 ? { end: 12 * MS, freed: 31 * MS, restart: 2000 * MS } : {}), durationNs: 1e9, counts: COUNTS, ...changes });

t.test('three rings become one incident, when it is over', (t) => {
  const incidents = new Incidents();
  t.strictSame(incidents.take({ ...NONE, incidents: USUAL.incidents, victims: [mark()] }, 1002 * MS).whole, [], 'its end has not come');
  const [{ incident, known } = {}] = incidents.take({ ...NONE, victims: [over()], candidates: USUAL.candidates }, 1003 * MS).whole;
  t.match(incident, { constraint: 'memcg', cgroup: '/pods/app', limit: 512 * MIB, usage: 512 * MIB, totalPages: 131_072, trigger: { pid: 200, tid: 201, thread: 'worker', process: 'node' }, victims: [{ pid: 100, process: 'java', how: 'killed', cgroup: '/pods/app', score: 301 * 256 + 40 }] });
  t.strictSame(incident?.candidates.map(({ pid, score, victim }) => [pid, score, victim]), [[100, 301 * 256 + 40, true], [101, -100_000, false], [102, null, false]]);
  t.equal(known, true);
  t.strictSame(take({ victims: [over()] }), [], 'of an end alone nothing comes');
  t.end();
});

t.test('an incident without its end is whole after a while, and one without its head says so', (t) => {
  t.strictSame(take({ incidents: [head()], victims: [mark()] }, 1100 * MS), []);
  t.strictSame(take({ incidents: [head()] }, 9e9 * MS), [], 'the console is slow');
  t.strictSame(take({ incidents: [head()], victims: [mark()] }, 61_000 * MS), []);
  t.equal(take({ incidents: [head()], victims: [mark()] }, 61_002 * MS).length, 1, 'its end has been lost');
  const cut = new Incidents();
  t.strictSame(cut.take(USUAL, 1002 * MS, { more: true }).whole, [], 'the rings have more of it');
  t.equal(cut.take(NONE, 1003 * MS).whole.length, 1);
  t.equal(take({ incidents: [head({ known: 0 })], victims: [mark()] }, 2300 * MS).length, 1, 'none will come');
  t.equal(take({ incidents: [head(), head({ incident: 2 })], victims: [mark()] }, 1300 * MS).length, 1, 'the next one has begun');
  t.match(one({ victims: [mark(), over()] }), { trigger: null, constraint: null, missing: ['Who asked for memory, and where: its event was lost.'] });
  t.end();
});

t.test('what only an id is known of is taken from the candidates; who was on its way out is marked only', (t) => {
  t.match(one({ ...USUAL, victims: [mark({ tgid: 0, tid: 101, began: 0, known: 0, comm: '' }), over()] }).victims, [{ pid: 101, process: 'redis', adj: -997, score: -100_000, cgroup: null }]);
  t.match(one({ ...USUAL, victims: [mark({ dying: 1 }), over()] }).victims, [{ pid: 100, how: 'marked' }]);
  t.match(blockOf(recorded({ ...USUAL, victims: [mark({ dying: 1 }), over()] })).join('\n'), /\n {2}marked {3}java \(100\), uid 1000: it was on its way out, and nothing was killed\n/);
  t.end();
});

t.test('sysrq is not want of memory', (t) => {
  t.match(blockOf(recorded({ ...USUAL, incidents: [head({ order: -1, inCgroup: 0, constraint: OomConstraint.CONSTRAINT_NONE })] })).slice(0, 2).join('\n'), /^02:31:19\.745 {2}Out of memory: by request: sysrq \(f\) had/);
  const asked = recorded({ ...USUAL, incidents: [head({ order: -1, inCgroup: 0, constraint: OomConstraint.CONSTRAINT_NONE })] });
  t.strictSame(adviceOf(asked), []);
  t.strictSame(oomReport(snapshot([asked]), OPTIONS, false).finding, ['Memory did not run out, and sysrq asked for a kill once: 1 process killed.']);
  t.strictSame(oomReport(snapshot([recorded(USUAL), asked]), OPTIONS, false).finding, ['Memory ran out once, and sysrq asked for a kill once: 2 processes killed.']);
  t.end();
});

t.test('processes of other pid namespaces have no id, and are told apart all the same', (t) => {
  const { candidates, victims } = one({ ...USUAL, victims: [mark({ tgid: 0, tid: 0, began: 7 }), over()], candidates: [looked(0, 'java', 300, { began: 7 }), looked(0, 'redis', 120, { began: 6 })] });
  t.strictSame(candidates.map(({ process, victim }) => [process, victim]), [['java', true], ['redis', false]]);
  t.match(victims, [{ pid: 0, process: 'java', score: 301 * 256 + 40 }]);
  t.match(one({ ...USUAL, victims: [mark({ tgid: 0, tid: 0, began: 0, known: 0, comm: '' }), over()], candidates: [looked(0, 'java', 300)] }).candidates, [{ victim: false }], 'of which only an id was known');
  t.end();
});

t.test('no limit is none, deep cgroups say that they are, and cgroup v1 counts swap with memory', (t) => {
  t.match(one({ incidents: [head({ limit: 2 ** 52, place: { ...place('a', 'b'), deeper: 1 } })] }), { limit: null, cgroup: '…/b/a' });
  t.match(one({ incidents: [head({ place: { ...place('a'), unified: 0 }, limit: 1000, usage: 900, swapLimit: 1500, swapUsage: 1200 })] }), { swapLimit: 500 * 4096, swapUsage: 300 * 4096 });
  t.match(one({ incidents: [head({ inCgroup: 0, constraint: OomConstraint.CONSTRAINT_NONE })] }), { constraint: 'none', cgroup: null, limit: null, usage: null });
  t.end();
});

t.test('many at once are all told', (t) => {
  t.equal(take({ victims: Array.from({ length: 300 }, (_, i) => mark({ incident: i + 1, tgid: 1000 + i, tid: 1000 + i })) }, 2300 * MS).length, 300);
  t.match(one({ incidents: [head({ place: place('x'.repeat(95)) })] }), { cgroup: `/${'x'.repeat(95)}…` }, 'a name that was cut says so');
  t.end();
});

t.test('what comes after comes by itself', (t) => {
  t.strictSame(new Incidents().take({ ...NONE, victims: [mark({ kind: OomKind.OOM_ENDED, time: 1013 * MS, lost: 3 })] }, 1014 * MS).later, [{ type: 'end', pid: 100, began: 5, time: 1013 * MS, lost: 3 }]);
  t.end();
});

t.test('the kernel log adds what hooks have not seen', (t) => {
  const seen = take({ incidents: [head({ known: 0 }), head({ known: 0, incident: 2 })], victims: [mark(), mark({ incident: 2, tgid: 101, tid: 101, comm: 'redis', time: 1001.1 * MS })] }, 2300 * MS);
  const logged: Incident = { ...one(USUAL), gfp: ['GFP_KERNEL'], origin: 'log', victims: [{ ...(one(USUAL).victims[0] as Incident['victims'][number]) }] };
  const [both, ...more] = told(seen, [logged], true);
  t.equal(more.length, 1, 'of the second one the log says nothing as a victim');
  t.match(both?.incident, { origin: 'both', constraint: 'memcg', cgroup: '/pods/app', gfp: ['GFP_KERNEL'], victims: [{ pid: 100, how: 'killed', score: 301 * 256 + 40 }] });
  t.match(more[0]?.incident.victims, [{ pid: 101, how: 'killed' }], 'what the log says nothing of it does not deny');
  t.match(told(take({ incidents: [head({ known: 0 })], victims: [mark({ tid: 177 })] }, 2300 * MS), [{ ...logged, time: logged.time + 599e9, victims: [{ ...(logged.victims[0] as Incident['victims'][number]), pid: 177 }] }], true)[0]?.incident, { origin: 'both', victims: [{ pid: 100, how: 'killed' }] }, 'by its thread, though the clock of the log is off');
  t.match(told(seen, [{ ...logged, time: logged.time + 601e9 }], true)[0]?.incident, { origin: 'kernel', constraint: null, candidates: { length: 0 } }, 'an old line is of another process with that id');
  const group = { ...logged, victims: [...logged.victims, { ...(logged.victims[0] as Incident['victims'][number]), pid: 101 }] };
  t.strictSame(told(seen, [group], true).map(({ incident }) => incident.victims.map(({ pid, how }) => [pid, how])), [[[100, 'killed'], [101, 'killed']]], 'a group is one incident');
  const later = (ms: number): ReturnType<typeof take> => take({ incidents: [head({ known: 0 }), head({ known: 0, incident: 2, time: ms * MS })], victims: [mark(), mark({ incident: 2, tgid: 101, tid: 101, time: ms * MS })] }, 2210 * MS);
  t.equal(told(later(1990), [group], true).length, 1, 'one whose second victim comes late: the console is slow');
  t.equal(told(later(2001), [group], true).length, 2, 'but not as late as that');
  t.match(told(seen, [], false).map(({ incident }) => [incident.victims[0]?.how, incident.missing[0]]), [['killed', /^What ran out and who else was looked at: the kernel log may not be read, /], ['killed', /may not be read/]]);
  const bare = take({ incidents: [head({ known: 0 })], victims: [mark({ tgid: 0, began: 0, known: 0, comm: '' })] }, 2300 * MS);
  t.match(told(bare, [logged], true)[0]?.incident.victims, [{ pid: 100, process: 'java', cgroup: '/pods/app', memory: { anon: 300 * MIB } }], 'of which hooks know the id alone');
  t.match(told(take(USUAL), [{ ...logged, constraint: 'none', cgroup: null }], true)[0]?.incident, { gfp: ['GFP_KERNEL'], constraint: 'memcg', cgroup: '/pods/app', origin: 'kernel' }, 'of what they have seen the log gives names alone');
  t.end();
});

t.test('what follows from the facts, and nothing where they say nothing', (t) => {
  t.strictSame(adviceOf(recorded(USUAL)), [], 'a victim with the most, and half of the limit');
  t.strictSame(adviceOf(recorded({ ...USUAL, candidates: [looked(100, 'java', 30), looked(101, 'redis', 420, { adj: -997 })] })), ['redis (101) held more, 421 MiB, and was spared by oom_score_adj -997 against 0.']);
  t.strictSame(adviceOf(recorded({ ...USUAL, candidates: [looked(100, 'java', 30), looked(102, 'agent', 420, { adj: -1000, score: -(2 ** 63) })] })), ['agent (102) held more, 421 MiB, and may not be killed (oom_score_adj -1000).']);
  t.strictSame(adviceOf(recorded({ ...USUAL, candidates: [looked(100, 'java', 500)] })), ['The victim alone held 98 % of the limit: either that is what it needs, and the limit is too low, or it leaks.']);
  const crowd = [looked(100, 'java', 200), ...Array.from({ length: 40 }, (_, i) => looked(300 + i, 'worker', 5))];
  t.strictSame(adviceOf(recorded({ ...USUAL, candidates: crowd })), ['40 processes called worker held 55 % of what all candidates held: are so many meant to run?']);
  const machine = { agoNs: 3e9, available: 0, swapFree: 0, swapTotal: 1024 * MIB, promised: 9000 * MIB, total: 4096 * MIB, overcommit: 1, pressure: null };
  t.strictSame(adviceOf(recorded({ ...USUAL, incidents: [head({ inCgroup: 0, constraint: OomConstraint.CONSTRAINT_NONE, totalPages: 1_310_720 })] }, { machine })), ['Processes were promised 8.79 GiB (Committed_AS), and there is 5.00 GiB with swap: vm.overcommit_memory is 1.']);
  t.strictSame(adviceOf(recorded({ ...USUAL, incidents: [head({ inCgroup: 0, constraint: OomConstraint.CONSTRAINT_NONE, totalPages: 1_310_720 })] }, { machine: { ...machine, promised: 5000 * MIB } })), []);
  t.match(adviceOf(recorded({ ...USUAL, candidates: [looked(100, 'java', 100)] }, { stat: { anon: 100 * MIB, file: 402 * MIB, shmem: 400 * MIB, kernel: 10 * MIB } })), ['412 MiB of the usage is mapped by none of the candidates: the cgroup has tmpfs and shared 400 MiB, kernel 10.0 MiB.']);
  t.match(adviceOf(recorded({ ...USUAL, candidates: [looked(100, 'java', 100)] })), [/^412 MiB of the usage is mapped by none of the candidates: page cache, files in tmpfs/]);
  t.end();
});

t.test('what is not known of a cgroup is not said', (t) => {
  const state = { high: null, highHits: null, maxHits: null, killed: 0, killedBelow: false, pressure: null };
  const said = (changes: Partial<IncidentRecord>): string => blockOf(recorded(USUAL, changes)).join('\n');
  t.notMatch(said({ cgroup: '/pods', cgroupState: state }), 'since it was made', 'cgroup v1 counts kills where the victim was');
  t.match(said({ cgroupState: { ...state, killed: 1 } }), /since it was made, up to now: 1 killed$/m);
  t.match(said({ times: 3 }), /at least number 3 at this limit$/m);
  t.notMatch(said({ times: null }), 'number');
  const unknown = recorded({ victims: [mark(), over()] });
  t.match(oomReport(snapshot([recorded(USUAL), recorded(USUAL), unknown]), OPTIONS, false).finding, [/; at least 2 times at the limit of \/pods\/app\.$/]);
  t.match(oomReport(snapshot([recorded(USUAL), recorded(USUAL)]), OPTIONS, false).finding, [/; 2 times at the limit of \/pods\/app\.$/]);
  t.end();
});

t.test('the report of one incident, and of none', (t) => {
  const before = [[125, 180], [65, 320], [5, 470]].map(([ago = 0, mib = 0]) => ({ agoNs: ago * 1e9, rss: mib * MIB }));
  const incident = one({ ...USUAL, candidates: [looked(100, 'java', 480, { adj: 900, score: 481 * 256 + 40 + 900 * 131 }), looked(101, 're\u001b[31mdis', 20, { adj: -997, score: -125_000 }), looked(102, 'agent', 4, { adj: -1000, score: -(2 ** 63) })] });
  const pressure = { some10: 12.31, some60: 3, full10: 8.1, full60: 2 };
  const found = record({ ...incident, stat: { anon: 480 * MIB, file: 22 * MIB, shmem: 2 * MIB, kernel: 9 * MIB, sock: 0 }, victims: incident.victims.map((victim) => ({ ...victim, memory: { rss: 481 * MIB, anon: 480 * MIB, file: MIB, shmem: 0, swap: 0, pageTables: 40 * 4096 }, before })) }, {
    times: 3,
    cgroupState: { high: 400 * MIB, highHits: 1204, maxHits: 31, killed: 3, killedBelow: true, pressure },
    machine: { agoNs: 5e9, available: 12_000 * MIB, swapFree: 0, swapTotal: 0, promised: 9000 * MIB, total: 16_384 * MIB, overcommit: 0, pressure: { ...pressure, some10: 0, full10: 0 } },
  });
  const text = `${blockOf(found).map(forTerminal).join('\n')}\n\n${plainTable(oomReport(snapshot([found]), OPTIONS, false))}`;
  t.equal(text, golden('oom.txt', text));
  t.strictSame(plainTable(oomReport(snapshot([found]), OPTIONS, false)).split('\n').filter((line) => line.length > 80 || line.includes('\u001b')), []);
  const nothing = plainTable(oomReport(snapshot([], { counts: { ...COUNTS, hits: 0, aggregated: 0, fruitless: 3 } }), OPTIONS, false));
  t.equal(nothing, golden('oom-nothing.txt', nothing));
  t.strictSame(oomReport(snapshot([]), OPTIONS, false).header.limits, OPTIONS.header.limits);
  t.match(oomReport(snapshot([], { logReadable: false }), OPTIONS, false).header.limits.at(-1), /^The kernel log, .*CAP_SYSLOG/, 'without an incident, too');
  t.end();
});
