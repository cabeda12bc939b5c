import t from 'tap';
import type { Candidate } from '../../../src/tools/oom/model.js';
import { candidateOf, extentOf, judged, limitsOf } from '../../../src/tools/oom/now.js';

const MIB = 1 << 20;
const KIB = 1024;

const status = (name: string, more = ''): string => `Name:\t${name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t5\nUid:\t1000\t0\t0\t0\nVmPTE:\t     160 kB\nRssAnon:\t    4000 kB\nRssFile:\t     800 kB\nRssShmem:\t      40 kB\nVmSwap:\t      20 kB\n${more}Threads:\t1\n`;
const scale = { totalPages: 100_000 };

t.test('a process is judged by what /proc says of it', (t) => {
  t.strictSame(candidateOf({ pid: 5, status: status('x'), adj: '10\n', score: '700\n' }, scale), {
    pid: 5,
    process: 'x',
    uid: 1000,
    memory: { rss: 4840 * KIB, anon: 4000 * KIB, file: 800 * KIB, shmem: 40 * KIB, swap: 20 * KIB, pageTables: 160 * KIB },
    adj: 10,
    score: 1210 + 5 + 40 + 1000,
    victim: false,
    before: null,
  });
  t.equal(candidateOf({ pid: 2, status: 'Name:\tkthreadd\nState:\tS (sleeping)\nUid:\t0\t0\t0\t0\n', adj: '0', score: '0' }, scale), undefined, 'no memory of its own');
  t.equal(candidateOf({ pid: 5, status: status('x'), adj: '-1000', score: '0' }, scale)?.score, null);
  t.equal(candidateOf({ pid: 5, status: status('x'), adj: '0', score: '0' }, scale)?.score, null, 'the kernel passes it over');
  t.equal(candidateOf({ pid: 5, status: status('x'), adj: '-999', score: '0' }, scale)?.score, 1255 - 99_900, 'nearly never killed is not never');
  t.equal(candidateOf({ pid: 5, status: status('x'), adj: '0', score: undefined }, scale)?.score, 1255);
  t.end();
});

t.test('names in /proc/PID/status are escaped, and may look like other lines', (t) => {
  const nameIn = (text: string): string | undefined => candidateOf({ pid: 5, status: status(text), adj: '0', score: undefined }, scale)?.process;
  t.equal(nameIn('a\\nRssAnon:\\t9'), 'a\nRssAnon:\\t9');
  t.equal(nameIn('\\\\n\\\\'), '\\n\\');
  t.equal(nameIn(''), '');
  t.end();
});

const candidate = (pid: number, score: number | null, adj = 0): Candidate => ({ pid, process: `p${pid}`, uid: 0, memory: null, adj, score, victim: false, before: null });
const victims = (candidates: readonly Candidate[]): number[] => candidates.filter(({ victim }) => victim).map(({ pid }) => pid);

t.test('the highest score is killed, and the group it is in', (t) => {
  t.strictSame(judged([candidate(1, 5), candidate(2, null, -1000), candidate(3, 9), candidate(4, -7)]).map(({ pid, victim }) => [pid, victim]), [[3, true], [1, false], [4, false], [2, false]]);
  t.strictSame(victims(judged([candidate(1, 5), candidate(3, 5), candidate(2, 5)])), [3], 'the youngest of the same');
  t.strictSame(victims(judged([candidate(1, 5), candidate(2, null, -1000), candidate(3, 9)], (pid) => (pid === 3 ? [1, 2, 3, 77] : []))), [3, 1], 'but for who is protected');
  t.strictSame(victims(judged([candidate(2, null, -1000)])), []);
  t.strictSame(judged([]), []);
  t.end();
});

t.test('the limits of a cgroup of either version', (t) => {
  const from = (files: Readonly<Record<string, string>>) => (name: string): string | undefined => files[name];
  t.strictSame(limitsOf(2, from({ 'memory.max': `${32 * MIB}\n`, 'memory.current': '4096', 'memory.swap.max': 'max', 'memory.swap.current': '0' })), { limit: 32 * MIB, usage: 4096, swapLimit: null, swapUsage: 0 });
  t.strictSame(limitsOf(2, from({ 'memory.max': 'max', 'memory.current': '1' })), { limit: null, usage: 1, swapLimit: null, swapUsage: null });
  const v1 = { 'memory.limit_in_bytes': String(32 * MIB), 'memory.usage_in_bytes': String(4 * MIB), 'memory.memsw.limit_in_bytes': String(40 * MIB), 'memory.memsw.usage_in_bytes': String(5 * MIB) };
  t.strictSame(limitsOf(1, from(v1)), { limit: 32 * MIB, usage: 4 * MIB, swapLimit: 8 * MIB, swapUsage: MIB });
  t.match(limitsOf(1, from({ ...v1, 'memory.memsw.limit_in_bytes': '9223372036854771712' })), { limit: 32 * MIB, swapLimit: null });
  t.match(limitsOf(1, from({ ...v1, 'memory.limit_in_bytes': '9223372036854771712', 'memory.memsw.limit_in_bytes': '9223372036854771712' })), { limit: null, swapLimit: null });
  t.strictSame(limitsOf(1, from({})), { limit: null, usage: null, swapLimit: null, swapUsage: null }, 'it is gone');
  t.end();
});

t.test('the size of the machine', (t) => {
  t.strictSame(extentOf('MemTotal:       24683936 kB\nMemFree: 5 kB\nSwapTotal:      1024 kB\n'), { memory: 24683936 * KIB, swap: MIB });
  t.strictSame(extentOf(''), { memory: 0, swap: 0 });
  t.end();
});
