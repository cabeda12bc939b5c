import t from 'tap';
import { parseDuration } from '../../src/report/duration.js';

t.test('durations are read in every unit, and a bare number is seconds', (t) => {
  const cases: [string, number][] = [
    ['500ms', 500e6], ['5s', 5e9], ['1m', 60e9], ['2h', 7200e9], ['10us', 10e3], ['10µs', 10e3], ['100ns', 100],
    ['3', 3e9], ['1.5s', 1.5e9], ['0.1', 1e8], ['0', 0], ['1.001ms', 1_001_000], ['596h', 596 * 3600e9], [' 5s ', 5e9],
  ];
  for (const [text, ns] of cases) t.equal(parseDuration(text, '--duration'), ns, text);
  t.end();
});

t.test('what is no duration is refused with a sentence that names the option', (t) => {
  for (const text of ['abc', '', '-1s', '5 s', '1e3', '5sec', '.5s', '5.', '1m30s', 'Infinity', '0x10', '5S']) {
    t.throws(() => parseDuration(text, '--interval'), {
      name: 'RangeError',
      message: `Expected --interval to be a duration such as 500ms, 5s or 1m, not ${JSON.stringify(text)}`,
    });
  }
  t.end();
});

t.test('a duration that no timer can wait, or below a nanosecond, is refused', (t) => {
  t.throws(() => parseDuration('597h', '--duration'), { message: 'Expected --duration to be at most 596h, not "597h"' });
  t.throws(() => parseDuration('9'.repeat(400), '--duration'), /at most 596h/);
  t.throws(() => parseDuration('0.5ns', '--min-wait'), { message: 'Expected --min-wait to be whole nanoseconds, not "0.5ns"' });
  t.end();
});
