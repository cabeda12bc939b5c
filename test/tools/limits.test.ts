/** What a user may ask for, as the kernel takes it. */
import t from 'tap';
import { limits } from '../../src/tools/limits.js';

t.test('a ring is a power of two of at least a page, and as large as was asked for', (t) => {
  const sizes = [undefined, 1, 4096, 4097, 1 << 20, 3 << 20, 1 << 30, 2 ** 40];
  t.strictSame(sizes.map((size) => limits(undefined, size).ringBytes), [4 << 20, 4096, 4096, 8192, 1 << 20, 4 << 20, 1 << 30, 1 << 30]);
  t.end();
});

t.test('a table has the rows that were asked for, up to a million', (t) => {
  t.strictSame([undefined, 1, 5000, 2 ** 40].map((rows) => limits(rows).maxKeys), [4096, 1, 5000, 1 << 20]);
  t.end();
});
