import t from 'tap';
import { TYPEDEFS, UNITS } from '../../src/report/units.js';

t.test('every typedef names a unit that exists, or none', (t) => {
  for (const [name, typedef] of Object.entries(TYPEDEFS)) {
    t.match(name, /^ktrace_[a-z0-9]+$/);
    t.ok(typedef.unit === null || typedef.unit in UNITS, `${name} is shown as ${typedef.unit ?? 'nothing directly'}`);
  }
  t.end();
});

t.test('no two names share a meaning, apart from a unit and the typedef it is made from', (t) => {
  for (const table of [UNITS, TYPEDEFS]) {
    const meanings = Object.values(table).map((entry: { meaning: string }) => entry.meaning);
    t.equal(new Set(meanings).size, meanings.length);
    t.notOk(meanings.some((meaning) => meaning === ''));
  }
  t.end();
});
