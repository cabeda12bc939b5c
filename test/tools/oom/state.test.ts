import t from 'tap';
import { cgroupStateOf, machineMemoryOf } from '../../../src/tools/oom/state.js';
import { incidentsOf } from '../../../src/tools/oom/log.js';
import { statText } from '../../../src/tools/oom/stat.js';
import { recorded, recordings, recordingsOf, textOf, written } from './recordings.js';

const MIB = 2 ** 20;
const PSI = 'some avg10=12.31 avg60=3.00 avg300=1.00 total=5\nfull avg10=8.10 avg60=2.50 avg300=0.00 total=3\n';
const pressure = { some10: 12.31, some60: 3, full10: 8.1, full60: 2.5 };
const files = (all: Readonly<Record<string, string>>) => (name: string): string | undefined => all[name];

t.test('a cgroup, of each version', (t) => {
  t.strictSame(cgroupStateOf(2, files({ 'memory.events': 'low 0\nhigh 99\nmax 999\noom 3\noom_kill 2\noom_group_kill 0', 'memory.events.local': 'low 0\nhigh 12\nmax 345\noom 3\noom_kill 0', 'memory.high': '1048576', 'memory.pressure': PSI })), { high: MIB, maxHits: 345, highHits: 12, killed: 2, killedBelow: true, pressure });
  t.strictSame(cgroupStateOf(2, files({ 'memory.events': 'low 0\nhigh 0\nmax 1\noom 1', 'memory.high': 'max' })), { high: null, maxHits: null, highHits: null, killed: null, killedBelow: true, pressure: null }, 'without PSI');
  t.strictSame(cgroupStateOf(1, files({ 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4' })), { high: null, maxHits: null, highHits: null, killed: 4, killedBelow: false, pressure: null });
  t.equal(cgroupStateOf(2, files({})), undefined);
  t.end();
});

t.test('the machine', (t) => {
  const meminfo = 'MemTotal:       1000 kB\nMemAvailable:    100 kB\nSwapTotal:         8 kB\nSwapFree:          4 kB\nCommitted_AS:   3000 kB\n';
  t.strictSame(machineMemoryOf({ meminfo, pressure: PSI, overcommit: '1' }), { available: 102_400, swapFree: 4096, swapTotal: 8192, promised: 3_072_000, total: 1_024_000, overcommit: 1, pressure });
  t.strictSame(machineMemoryOf({ meminfo: '', pressure: 'some avg10=x', overcommit: undefined }), { available: null, swapFree: null, swapTotal: null, promised: null, total: null, overcommit: null, pressure: null });
  t.end();
});

t.test('memory.stat as kernels have logged it, figure for figure', (t) => {
  for (const name of recordingsOf('plain')) {
    const [{ stat } = { stat: null }] = incidentsOf(recorded(name));
    const lines = new Map([...textOf(name).matchAll(/(?:;|\\x0a)([a-z_]+) (\d+)(?=$|\\x0a)/gm)].map(([, key = '', value]) => [key, Number(value)]));
    const names = Object.keys(stat ?? {});
    t.ok(names.length >= 7, `${name}: ${names.length} of them`);
    for (const each of names) t.equal(stat?.[each], lines.get(each), `${name}: ${each}`);
    t.match(statText(stat ?? {}), /^anonymous 3[12](\.\d)? MiB/, name);
  }
  t.end();
});

t.test('of the machine what it holds of each kind, in bytes', (t) => {
  for (const name of recordings.filter((each) => each.endsWith('-global'))) {
    const [{ stat } = { stat: null }] = incidentsOf(recorded(name));
    const [, free, slab] = [/ free:(\d+) free_pcp/, / free:(\d+) free_pcp/, /slab_unreclaimable:(\d+)\\x0a mapped/].map((form) => Number(form.exec(textOf(name))?.[1]) * 4096);
    t.match(stat, { free, slab_unreclaimable: slab }, name);
    t.match(statText(stat ?? {}), /^anonymous and tmpfs 1\.\d\d GiB, .*free \d/, name);
  }
  t.end();
});

t.test('lines that look like figures, anywhere else, are none', (t) => {
  const begin = ['x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0', 'anon 7'];
  const [incident] = incidentsOf(written(...begin, 'Memory cgroup stats for /a:', 'anon 4096', 'pgfault 12', 'kernel x', 'nonsense 5', '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name', 'file 9'));
  t.strictSame(incident?.stat, { anon: 4096 });
  t.equal(incidentsOf(written(...begin))[0]?.stat, null);
  t.end();
});
