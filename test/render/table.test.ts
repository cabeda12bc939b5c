import t from 'tap';
import fc from 'fast-check';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { drawBars } from '../../src/render/bars.js';
import { renderTable } from '../../src/render/table.js';
import { shorten } from '../../src/render/cell.js';
import { widthOf } from '../../src/render/width.js';
import { fill, wrap } from '../../src/render/wrap.js';
import type { Report, Section } from '../../src/report/model.js';
import { PAYLOADS, hostileReport } from './hostile.js';
import { golden, plainTable } from './plain.js';
import { BUSY, QUIET } from './reports.js';

/** Enough of the corpus for a page that people can review. */
const HOSTILE = hostileReport(PAYLOADS.slice(0, 3).join('') + '\n\u202eroot\u200b');

t.test('the pages are those that were reviewed', (t) => {
  t.matchOnly(plainTable(BUSY), golden('busy.txt', plainTable(BUSY)));
  t.matchOnly(plainTable(BUSY, 80, true), golden('busy-verbose.txt', plainTable(BUSY, 80, true)));
  t.matchOnly(plainTable(BUSY, 50), golden('busy-narrow.txt', plainTable(BUSY, 50)));
  t.matchOnly(plainTable(QUIET), golden('quiet.txt', plainTable(QUIET)));
  t.matchOnly(plainTable(HOSTILE), golden('hostile.txt', plainTable(HOSTILE)));
  t.end();
});

t.test('no line is wider than the terminal, nor ends in blanks', (t) => {
  for (const report of [BUSY, QUIET, HOSTILE]) {
    for (let width = 40; width <= 200; width += 7) {
      for (const verbose of [false, true]) {
        const wrong = plainTable(report, width, verbose).split('\n').filter((line) => stringWidth(line) > width || / $/.test(line));
        t.same(wrong, [], `${width} columns`);
      }
    }
  }
  t.end();
});

t.test('without colour there is no escape byte, and colour changes nothing else', (t) => {
  const colored = renderTable(BUSY, { width: 80, color: pc.createColors(true), verbose: true });
  const plain = plainTable(BUSY, 80, true);
  t.notMatch(plain, '\x1b');
  t.match(colored, '\x1b[31m');
  t.equal(colored.replace(/\x1b\[\d+m/g, ''), plain);
  t.end();
});

t.test('losses stand above everything found, and only those that happened', (t) => {
  const lines = plainTable(BUSY).split('\n');
  const lost = lines.findIndex((line) => line.startsWith('LOST: 12 waits'));
  t.ok(lost > 0 && lost < lines.findIndex((line) => line.startsWith('DEADLOCK')));
  t.notMatch(plainTable(QUIET), 'LOST');
  t.match(plainTable({ ...QUIET, losses: [{ reason: 'x', count: 7, meaning: 'waits are missing' }] }), 'LOST: 7 waits are missing');
  t.end();
});

t.test('an empty section says why, and one with nothing to say is not there', (t) => {
  const page = plainTable(QUIET);
  t.match(page, 'No wait of pid 4242 in 10.0s');
  t.notMatch(page, 'Still waiting');
  t.end();
});

function withSection(section: Partial<Section>): Report {
  const base: Section = { id: 's', title: 'Some', columns: [], rows: [], hiddenRows: 0 };
  return { ...QUIET, sections: [{ ...base, ...section }] };
}

t.test('rows cut off are counted in good English', (t) => {
  const columns = [{ key: 'n', title: 'N', unit: 'count', description: '' }] as const;
  t.match(plainTable(withSection({ columns, rows: [{ n: 1 }], hiddenRows: 1 })), '\n  1 more row (--rows)\n');
  t.match(plainTable(withSection({ columns, rows: [{ n: 1 }], hiddenRows: 2 })), '\n  2 more rows (--rows)\n');
  t.end();
});

t.test('numbers stand right and keep all digits, text stands left and gives way', (t) => {
  const columns = [
    { key: 'name', title: 'NAME', unit: 'text', description: '' },
    { key: 'n', title: 'N', unit: 'count', description: '' },
  ] as const;
  const page = plainTable(withSection({ columns, rows: [{ name: 'ab'.repeat(60), n: 9_007_199_254_740_991 }, { name: '漢字', n: 5 }] }), 50);
  t.match(page, /^ {2}NAME +N$/m);
  t.match(page, /^ {2}ababa.*…[ab]+ {2}9007199254740991$/m);
  t.match(page, /^ {2}漢字 +5$/m);
  t.end();
});

t.test('what does not fit beside the other columns is told below the row, and -v tells in full what was shortened', (t) => {
  const keys = ['first', 'second', 'third', 'fourth', 'fifth'];
  const columns = keys.map((key) => ({ key, title: key.toUpperCase(), unit: 'count' as const, description: '' }));
  const row = Object.fromEntries(keys.map((key, i) => [key, 10 ** 12 + i]));
  const page = plainTable(withSection({ columns, rows: [row] }), 40);
  for (const i of keys.keys()) t.match(page, String(10 ** 12 + i));
  t.match(page, /^ {6}fifth +1000000000004$/m);
  const name = 'Namespace::Klass::'.repeat(5);
  const text = { columns: [{ key: 'lock', title: 'LOCK', unit: 'text', description: '' }], rows: [{ lock: name }] } as const;
  t.notMatch(plainTable(withSection(text)), name);
  t.match(plainTable(withSection(text), 80, true).replace(/\n +/g, ''), `lock  ${name}`);
  t.end();
});

t.test('a command to run next can be pasted, however long it is', (t) => {
  const command = "gdb -p 4242 -batch -ex 'thread apply all bt full' --args 'a b c' " + 'x'.repeat(10);
  for (const width of [40, 60, 80]) {
    const page = plainTable({ ...QUIET, next: [command] }, width);
    const pasted = page.slice(page.indexOf('Next: ') + 6).replace(/ \\\n */g, ' ').trim();
    t.equal(pasted, command);
  }
  t.end();
});

t.test('a comment after a command stays a comment on every line, whatever names are in it', (t) => {
  const next = ["strace -r -p 4245   # what it does while it holds libx.so'; reboot; x+0x40 of somebody's program"];
  t.match(plainTable({ ...QUIET, next }, 120), `\nNext: ${next[0]}\n`);
  for (const width of [40, 60, 80]) {
    const [command, ...rest] = plainTable({ ...QUIET, next }, width).split('Next: ')[1]?.trimEnd().split('\n') ?? [];
    t.equal(command, 'strace -r -p 4245');
    t.ok(rest.length > 0 && rest.every((line) => line.startsWith('      # ')), rest.join('|'));
  }
  t.end();
});

t.test('bars are few, cover the whole histogram, and show even one wait beside very many', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: -1, max: 160 }), fc.array(fc.nat(1e9), { minLength: 1, maxLength: 120 }), (offset, counts) => {
      const lines = drawBars({ scale: 2, offset, counts }, 60);
      const total = lines.reduce((sum, line) => sum + Number(/ (\d+)( |$)/.exec(line.slice(line.indexOf('≤') + 2))?.[1]), 0);
      const expected = counts.reduce((a, b) => a + b, 0);
      return lines.length <= 16 && total === expected && lines.every((line) => stringWidth(line) <= 60);
    }),
  );
  t.match(drawBars({ scale: 2, offset: 40, counts: [1, 1_000_000] }, 60)[0], /1 {2}▌$/);
  t.same(drawBars({ scale: 2, offset: 0, counts: [] }, 60), []);
  t.same(drawBars({ scale: 2, offset: 0, counts: [0, 0] }, 60), []);
  t.end();
});

t.test('laying out never makes a line wider than asked, and loses no word', (t) => {
  const words = fc.array(fc.oneof(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), fc.constantFrom('漢字', '👩‍👩‍👧', 'e\u0301', 'worker-3')), { maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 90 }), (list, width) => {
      const text = list.join(' ').trim();
      const lines = wrap(text, width, 'ab ');
      return lines.every((line) => widthOf(line) <= width) && lines.map((line) => line.slice(3)).join('').replace(/ /g, '') === text.replace(/ /g, '');
    }),
  );
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => widthOf(shorten(text, width)) <= width));
  t.equal(shorten('abcdefghij', 5), 'ab…ij');
  t.equal(shorten('漢字漢字', 5), '漢…字');
  t.equal(shorten('abc', 0), '');
  t.same(fill(['a b', 'c'], 5), ['a b c']);
  t.same(fill(['a b', 'cd'], 5), ['a b', 'cd']);
  t.end();
});
