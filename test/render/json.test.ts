import t from 'tap';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { UNITS } from '../../src/report/units.js';
import { renderEvent } from '../../src/render/events.js';
import { renderJson, renderNdjson } from '../../src/render/json.js';
import type { Report, Unit, Value } from '../../src/report/model.js';
import { PAYLOADS, hostileReport } from './hostile.js';
import { golden } from './plain.js';
import { BUSY, QUIET } from './reports.js';

const schema = JSON.parse(readFileSync(new URL('../../schema/report.schema.json', import.meta.url), 'utf8')) as object;
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
const validate = ajv.compile(schema);

function withValue(unit: Unit, value: Value): Report {
  return { ...QUIET, sections: [{ id: 's', title: '', columns: [{ key: 'v', title: 'V', unit, description: '' }], rows: [{ v: value }], hiddenRows: 0 }] };
}

function roundTrip(unit: Unit, value: Value): unknown {
  return (JSON.parse(renderJson(withValue(unit, value))) as { sections: { s: { rows: [{ v: unknown }] } } }).sections.s.rows[0].v;
}

t.test('the documents are those that were reviewed, and they obey the published schema', (t) => {
  for (const [name, report] of Object.entries({ busy: BUSY, quiet: QUIET })) {
    t.equal(renderJson(report), golden(`${name}.json`, renderJson(report)));
    t.ok(validate(JSON.parse(renderJson(report))), JSON.stringify(validate.errors));
    t.ok(validate(JSON.parse(renderNdjson(report))), JSON.stringify(validate.errors));
  }
  t.end();
});

t.test('the schema also holds when names are hostile', (t) => {
  const timed = (text: string): Report => ({ ...hostileReport(text), header: { ...hostileReport(text).header, startedAt: BUSY.header.startedAt } });
  t.ok(PAYLOADS.every((payload) => validate(JSON.parse(renderJson(timed(payload))))), JSON.stringify(validate.errors));
  t.end();
});

t.test('the schema refuses what is no report', (t) => {
  const good = JSON.parse(renderJson(BUSY)) as { header: object; sections: { locks: { rows: object[] } } };
  t.notOk(validate({ ...good, schemaVersion: 2 }));
  t.notOk(validate({ ...good, header: { ...good.header, durationNs: '5s' } }));
  t.notOk(validate({ ...good, header: { ...good.header, startedAt: 'yesterday' } }));
  t.notOk(validate({ ...good, sections: { 'No Id': good.sections.locks } }));
  t.notOk(validate({ ...good, sections: { locks: { ...good.sections.locks, rows: [{ lock: { some: 'object' } }] } } }));
  t.notOk(validate({ ...good, losses: undefined }));
  t.ok(validate({ ...good, added: 'later' }), 'additions are allowed');
  t.end();
});

t.test('the schema and its page name every unit', (t) => {
  const page = readFileSync(new URL('../../docs/json-schema.md', import.meta.url), 'utf8');
  const units = (schema as { definitions: { column: { properties: { unit: { examples: string[] } } } } }).definitions.column.properties.unit.examples;
  t.same(units.toSorted(), Object.keys(UNITS).toSorted());
  for (const unit of Object.keys(UNITS)) t.match(page, `| \`${unit}\` |`);
  t.end();
});

t.test('64-bit values become strings that lose nothing: addresses hex, others decimal', (t) => {
  t.equal(roundTrip('address', 0xffff_ffff_8100_0000n), '0xffffffff81000000');
  t.equal(roundTrip('text', 2n ** 53n + 1n), '9007199254740993');
  t.equal(roundTrip('count', 2n ** 64n - 1n), '18446744073709551615');
  t.equal(roundTrip('ns', Number.MAX_SAFE_INTEGER), 9007199254740991);
  t.equal(roundTrip('ns', 2 ** 60), '1152921504606846976', 'of many threads');
  t.equal(roundTrip('ratio', 0.956), 0.956);
  t.equal(roundTrip('count', null), null);
  t.equal(roundTrip('text', true), true);
  t.end();
});

t.test('a number that is not exact is never printed', (t) => {
  const share = { name: 'a', pid: 1, tid: 1, count: 2 ** 53, ns: 1, share: 1 };
  const cases: [Unit, Value][] = [
    ['count', 2 ** 53], ['ns', 1.5], ['pid', NaN], ['bytes', Infinity], ['ratio', NaN], ['shares', [share]], ['tally', [{ name: 'a', count: 0.5 }]],
    ['histogram', { scale: 2, offset: 0.5, counts: [] }], ['histogram', { scale: 2, offset: 0, counts: [2 ** 60] }],
  ];
  for (const [unit, value] of cases) t.throws(() => renderJson(withValue(unit, value)), { name: 'RangeError' });
  t.throws(() => renderJson({ ...QUIET, header: { ...QUIET.header, durationNs: 0.1 } }), RangeError);
  t.throws(() => renderJson({ ...QUIET, losses: [{ reason: 'ring-full', count: 2 ** 53, meaning: '' }] }), /ring-full/);
  t.end();
});

t.test('two sections of one id are an error, since one would hide the other', (t) => {
  t.throws(() => renderJson({ ...BUSY, sections: [...BUSY.sections, ...BUSY.sections.slice(0, 1)] }), /one id/);
  t.end();
});

t.test('a report for a stream of lines is one line and says that it is a report', (t) => {
  const line = renderNdjson(BUSY);
  t.equal(line.indexOf('\n'), line.length - 1);
  t.match(line, /^\{"type":"report","schemaVersion":1,/);
  t.end();
});

t.test('an event is one line with raw values', (t) => {
  const event = { type: 'futex_wait', comm: 'a\nb', tid: 4245, ns: 31_204_884, at: 2n ** 60n, lock: 0x40a0n, stack: [0x1000n, 0x2000n], woken: true, name: null };
  t.equal(
    renderEvent(event, { lock: 'address', stack: 'address' }),
    '{"type":"futex_wait","comm":"a\\nb","tid":4245,"ns":31204884,"at":"1152921504606846976","lock":"0x40a0","stack":["0x1000","0x2000"],"woken":true,"name":null}\n',
  );
  t.equal(renderEvent({ type: 'x', end: 2 ** 53 }), '{"type":"x","end":"9007199254740992"}\n', 'after 104 days of uptime');
  t.throws(() => renderEvent({ type: 'x', n: NaN }), RangeError);
  t.end();
});
