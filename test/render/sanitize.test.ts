import t from 'tap';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { renderEvent } from '../../src/render/events.js';
import { renderJson, renderNdjson } from '../../src/render/json.js';
import { forJson, forTerminal } from '../../src/render/sanitize.js';
import { FORBIDDEN, PAYLOADS, hostileReport } from './hostile.js';
import { plainTable } from './plain.js';

t.test('the corpus is large, and most of it is forbidden as it stands', (t) => {
  t.ok(PAYLOADS.length >= 40, `${PAYLOADS.length} payloads`);
  t.equal(new Set(PAYLOADS).size, PAYLOADS.length);
  t.ok(PAYLOADS.filter((payload) => FORBIDDEN.test(payload)).length >= 40);
  t.end();
});

t.test('a payload shows as what it is', (t) => {
  const cases: [string, string][] = [
    ['\x1b[1A', '\\x1b[1A'], ['a\nb\tc', 'a\\x0ab\\x09c'], ['\x7f\x9b', '\\x7f\\x9b'], ['a\u202eb', 'a\\u{202e}b'], ['\ud800', '\\u{d800}'],
    ['\u{e0041}', '\\u{e0041}'], ['\u200b', '\\u{200b}'], ['worker-3', 'worker-3'], ['漢字 é ñ', '漢字 é ñ'], ['e\u0301', 'e\u0301'], ['🙂', '🙂'], ['C:\\x', 'C:\\x'],
    [`z${'\u0301'.repeat(5)}`, `z${'\u0301'.repeat(3)}${'\\u{0301}'.repeat(2)}`],
  ];
  for (const [text, shown] of cases) t.equal(forTerminal(text), shown);
  t.end();
});

t.test('no code point that moves, hides or reverses text reaches the terminal, JSON or an event', (t) => {
  let wrong = 0;
  for (let code = 0; code <= 0xe1fff; code++) {
    if (code === 0x20000) code = 0xe0000; // ideographs, and nothing assigned
    const character = String.fromCodePoint(code);
    const json = forJson(character);
    if (FORBIDDEN.test(forTerminal(character)) || FORBIDDEN.test(json) || /\n/.test(forTerminal(character) + json)) wrong++;
    else if (JSON.parse(json) !== character) wrong++;
  }
  t.equal(wrong, 0);
  t.end();
});

t.test('nothing of the corpus gets out of a table, wherever it stands and at any width', (t) => {
  for (const payload of PAYLOADS) {
    for (const [width, verbose] of [[80, false], [40, true], [200, true]] as const) {
      for (const line of plainTable(hostileReport(payload), width, verbose).split('\n')) {
        if (FORBIDDEN.test(line)) t.fail(forTerminal(`${payload}: ${line}`));
        if (stringWidth(line) > width) t.fail(forTerminal(`${payload} is ${stringWidth(line)} wide at ${width}: ${line}`));
      }
    }
  }
  t.pass(`${PAYLOADS.length} payloads`);
  t.end();
});

t.test('a payload cannot add a line to a table', (t) => {
  const lines = (text: string): number => plainTable(hostileReport(text), 100_000).split('\n').length;
  const harmless = lines('root');
  const adding = PAYLOADS.filter((text) => text !== '' && text !== '-' && !/ /.test(text)).filter((text) => lines(text) !== harmless);
  t.same(adding.map((text) => JSON.stringify(forTerminal(text))), []);
  t.end();
});

t.test('nothing of the corpus gets out of JSON, and a reader gets it back as it was', (t) => {
  for (const payload of PAYLOADS) {
    const report = hostileReport(payload);
    for (const text of [renderJson(report), renderNdjson(report), renderEvent({ type: 'wait', comm: payload })]) {
      if (text.split('\n').some((line) => FORBIDDEN.test(line))) t.fail(forTerminal(payload));
      if (!text.endsWith('\n')) t.fail('no line feed at the end');
    }
    const back = JSON.parse(renderJson(report)) as { header: { target: string }; sections: { locks: { rows: { lock: string }[] } } };
    if (back.header.target !== payload || back.sections.locks.rows[0]?.lock !== payload) t.fail(forTerminal(payload));
  }
  t.pass(`${PAYLOADS.length} payloads`);
  t.end();
});

t.test('any text at all keeps its line in a table and its value in JSON', (t) => {
  const unit = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.uint16Array().map((units) => String.fromCharCode(...units)));
  fc.assert(
    fc.property(unit, (text) => {
      const lines = plainTable(hostileReport(text)).split('\n');
      return lines.every((line) => !FORBIDDEN.test(line) && stringWidth(line) <= 80) && JSON.parse(forJson(text)) === text;
    }),
    { numRuns: 50 },
  );
  t.end();
});
