import t from 'tap';
import { count, less, tallyOf } from '../../src/report/counts.js';

t.test('names beyond the most are one, which comes last', (t) => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 25; i++) count(counts, `name ${String(i).padStart(2, '0')}`);
  count(counts, 'name 07', 2);
  t.strictSame([counts.size, counts.get('others'), counts.get('name 07')], [21, 5, 3]);
  const tally = tallyOf(counts);
  t.strictSame([tally[0], tally[1], tally.at(-1)], [{ name: 'name 07', count: 3 }, { name: 'name 00', count: 1 }, { name: 'others', count: 5 }]);
  t.end();
});

t.test('what came since has only what grew', (t) => {
  t.strictSame([...less(new Map([['a', 3], ['b', 2], ['c', 1]]), new Map([['a', 1], ['b', 2]]))], [['a', 2], ['c', 1]]);
  t.end();
});
