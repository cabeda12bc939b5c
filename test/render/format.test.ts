import t from 'tap';
import { formatDuration, formatValue } from '../../src/render/format.js';
import type { Unit, Value } from '../../src/report/model.js';

function check(t: { equal(found: unknown, wanted: unknown): boolean }, unit: Unit, cases: readonly (readonly [Value, string])[]): void {
  for (const [value, text] of cases) t.equal(formatValue(value, unit), text);
}

t.test('durations have three significant digits and the unit they reach after rounding', (t) => {
  check(t, 'ns', [
    [0, '0'], [1, '1ns'], [431, '431ns'], [999, '999ns'], [1000, '1.00µs'], [1_234, '1.23µs'], [9_994, '9.99µs'], [9_995, '10.0µs'], [99_949, '99.9µs'],
    [99_950, '100µs'], [999_499, '999µs'], [999_500, '1.00ms'], [1_234_567, '1.23ms'], [24_930_000, '24.9ms'], [999_500_000, '1.00s'], [14_280_551_002, '14.3s'],
    [59_949_999_999, '59.9s'], [59_950_000_000, '1m00s'], [83_400_000_000, '1m23s'], [3599.4e9, '59m59s'], [3599.5e9, '1h00m'], [7_500e9, '2h05m'], [86_399e9, '1d00h'], [273_600e9, '3d04h'],
  ]);
  t.equal(formatDuration(5_002_000_000), '5.00s');
  t.end();
});

t.test('per cent never says none for a few nor all for nearly all', (t) => {
  check(t, 'ratio', [[0, '0 %'], [0.781, '78.1 %'], [1, '100 %'], [0.0001, '<0.1 %'], [0.0005, '0.1 %'], [0.99949, '99.9 %'], [0.9999, '>99.9 %'], [3.456, '346 %'], [NaN, '-']]);
  t.end();
});

t.test('sizes, ids, addresses and counts', (t) => {
  check(t, 'bytes', [[0, '0 B'], [1023, '1023 B'], [1024, '1.00 KiB'], [1_572_864, '1.50 MiB'], [1_048_575, '1.00 MiB'], [5 * 2 ** 40, '5.00 TiB']]);
  check(t, 'count', [[0, '0'], [1_234_567, '1234567'], [12n, '12']]);
  check(t, 'pid', [[4242, '4242']]);
  check(t, 'address', [[0x7f3a_91c0_2818n, '0x7f3a91c02818'], [255, '0xff']]);
  check(t, 'text', [['server+0x40a0', 'server+0x40a0'], ['', '-'], [null, '-'], [true, 'yes'], [false, 'no'], ['a\x1b', 'a\\x1b']]);
  t.end();
});

t.test('of the shares the three largest are named, and the others counted', (t) => {
  const share = (name: string, tid: number, part: number) => ({ name, pid: 1, tid, count: 1, ns: 1, share: part });
  const four = [share('worker-3', 4245, 0.956), share('', 7, 0.03), share('a\nb', 8, 0.01), share('d', 9, 0.004)];
  check(t, 'shares', [[four, 'worker-3 (4245) 95.6 %, ? (7) 3.0 %, a\\x0ab (8) 1.0 %, 1 more'], [four.slice(0, 1), 'worker-3 (4245) 95.6 %'], [[], '-']]);
  t.end();
});

t.test('of the tallies zeros are left out', (t) => {
  const tally = (name: string, count: number) => ({ name, count });
  check(t, 'tally', [[[tally('woken', 412), tally('timed out', 3), tally('signal', 0)], 'woken 412, timed out 3'], [[tally('woken', 0)], '-'], [[], '-']]);
  check(t, 'histogram', [[{ scale: 2, offset: 3, counts: [1, 0, 2] }, '3']]);
  t.end();
});
