import fc from 'fast-check';
import t from 'tap';
import type { Memory } from '../../../src/tools/oom/model.js';
import { arithmetic, cgroupPages, machinePages, pointPages, procScore, qosOf, scoreOf } from '../../../src/tools/oom/score.js';

const PAGE = 4096;
const MIB = 1 << 20;
const memoryOf = (rss: number, swap: number | null = 0, tables = 0): Memory => ({ rss: rss * PAGE, anon: null, file: null, shmem: null, swap: swap === null ? null : swap * PAGE, pageTables: tables * PAGE });

t.test('a score is the sum of its parts, and a point of oom_score_adj a thousandth rounded down', (t) => {
  t.equal(scoreOf(memoryOf(12_345, 7, 40), 0, { totalPages: null }), 12_392, 'without oom_score_adj whatever ran out does not matter');
  t.equal(scoreOf(memoryOf(12_345, 0, 40), 500, { totalPages: 262_144 }), 12_385 + 500 * 262);
  t.equal(scoreOf(memoryOf(100), -999, { totalPages: 999 }), 100, 'a thousandth of less than a thousand is nothing');
  t.equal(scoreOf(memoryOf(100), -10, { totalPages: 100_000 }), -900);
  t.equal(scoreOf(memoryOf(100), -1000, { totalPages: 100_000 }), null);
  t.equal(scoreOf(memoryOf(100), 1, { totalPages: null }), null);
  t.equal(scoreOf(memoryOf(100, null), 0, { totalPages: 1 }), null);
  t.equal(scoreOf(null, 0, { totalPages: 1 }), null);
  t.equal(scoreOf({ ...memoryOf(0), rss: 3 * 65_536, pageTables: 65_535 }, 0, { totalPages: null, pageSize: 65_536 }), 3, 'page tables that fill no page');
  t.equal(pointPages(1999), 1);
  t.end();
});

t.test('what a cgroup may hold', (t) => {
  const pages = (limit: number | null, swapLimit: number | null, swapTotal: number | null, swappiness?: number): number | null => cgroupPages({ limit, swapLimit, swapTotal, ...(swappiness === undefined ? {} : { swappiness }) });
  t.equal(pages(32 * MIB, 0, 4 * MIB), 8192);
  t.equal(pages(32 * MIB, 0, null), 8192, 'no swap of its own: that of the machine does not matter');
  t.equal(pages(32 * MIB, null, 4 * MIB), 8192 + 1024, 'as much as there is');
  t.equal(pages(32 * MIB, MIB, 4 * MIB), 8192 + 256);
  t.equal(pages(32 * MIB, 8 * MIB, 4 * MIB), 8192 + 1024);
  t.equal(pages(32 * MIB, null, 4 * MIB, 0), 8192, 'it may not swap');
  t.equal(pages(32 * MIB, null, null), null);
  t.equal(pages(null, 0, 0), null);
  t.equal(pages(0, 0, 0), 1, 'as constrained_alloc() has it');
  t.equal(machinePages(2048 * MIB + 5, MIB), 524_288 + 256);
  t.end();
});

t.test('what /proc/PID/oom_score makes of it', (t) => {
  t.equal(procScore(null, 1000), 0);
  t.equal(procScore(0, 1_000_000), 666);
  t.equal(procScore(1_000_000, 1_000_000), 1333);
  t.equal(procScore(2_000_000, 1_000_000), 2000);
  t.equal(procScore(-999_999, 1_000_000), 0);
  t.equal(procScore(-1_500, 1_000_000), 666, '-1.5 is -1 in C: 999 × 2 / 3');
  t.end();
});

t.test('the sum in words', (t) => {
  const words = (memory: Memory, adj: number, totalPages: number | null): string | null => arithmetic({ memory, adj, score: scoreOf(memory, adj, { totalPages }) }, { totalPages });
  t.equal(words(memoryOf(12_345, 0, 40), 500, 262_144), '12,345 pages + 0 swap + 40 page tables + 500 × ⌊262,144 / 1000⌋ = 143,385');
  t.equal(words(memoryOf(12_345, 1_000, 40), -500, 262_144), '12,345 pages + 1,000 swap + 40 page tables − 500 × ⌊262,144 / 1000⌋ = -117,615');
  t.equal(words(memoryOf(1, 2, 3), 0, null), '1 pages + 2 swap + 3 page tables = 6');
  t.equal(words(memoryOf(1, 2, 3), -1000, 5), null);
  fc.assert(fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e4), fc.integer({ min: -999, max: 1000 }), fc.nat(1e8), (rss, swap, tables, adj, totalPages) => {
    const numbers = (words(memoryOf(rss, swap, tables), adj, totalPages) ?? '').replaceAll(',', '').match(/[-−]?\d+/g)?.map((text) => Number(text.replace('−', '-'))) ?? [];
    return numbers.at(-1) === rss + swap + tables + adj * Math.floor(totalPages / 1000) && numbers[0] === rss && numbers[1] === swap && numbers[2] === tables;
  }));
  t.end();
});

t.test('what an oom_score_adj means in Kubernetes', (t) => {
  t.match(qosOf(-999), /kubelet/);
  t.match(qosOf(-998), /sandbox.*Guaranteed/);
  t.match(qosOf(-997), /Guaranteed.*critical/);
  t.match(qosOf(1000), /BestEffort/);
  t.match(qosOf(872), /Burstable: a container that requests about 12\.8 % /);
  t.match(qosOf(2), /Burstable whose container requests nearly all/);
  t.match(qosOf(999), /next to none/);
  for (const adj of [0, 1, -1, -1000, -996, 1001]) t.equal(qosOf(adj), null, String(adj));
  t.end();
});
