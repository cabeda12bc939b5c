/** Names that somebody gave a thread, a file, a symbol or a cgroup to fool who reads the report. */
import type { Report, Section } from '../../src/report/model.js';
import { BUSY, HEADER, LOCK_COLUMNS } from './reports.js';

const cp = String.fromCodePoint;

/** At least one of everything that must not get out, alone and in the forms that have broken other tools. */
export const PAYLOADS: readonly string[] = [
  // C0 and what it does: rows hidden or forged, lines overwritten, the terminal asked to answer
  '\x1b[1A\x1b[2K', '\x1b[31mred', '\x1b]0;title\x07', '\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\', '\x1b[6n', '\x1bc', '\x1b[?1049h',
  '\x1bP$q"p\x1b\\', '\x1b]52;c;ZXZpbA==\x07', '\x1b', 'trailing\x1b', '\x00', 'a\x00b', '\x05', '\x07', '\b\b\b\broot', '\x0e', '\x0f',
  'line\nLOST: 0', 'line\r\nforged', '\rforged', 'tab\tbed', '\v', '\f', '\x7f', 'x\x7f\x7f',
  // C1: the same controls in one character, which a filter for C0 lets through
  '\x9b31m', '\x9d0;title\x9c', '\x85next', '\x90', '\x80', '\x9f',
  // direction
  'a\u202egnp.exe', '\u202a', '\u202b', '\u202c', '\u202d', '\u2066', '\u2067\u2069', '\u2068', '\u200e', '\u200f', '\u061c',
  // what shows as nothing, so that two names look alike
  'ro\u200bot', 'ro\u200cot', 'ro\u200dot', '\ufeffroot', 'ro\u00adot', '\u2060', '\u180e', '\u3164', '\u115f', '\uffa0', 'ro\ufe0fot', '\u034f',
  cp(0xe0001), `tag${cp(0xe0041, 0xe0042, 0xe007f)}`, cp(0xe0000), cp(0xe0100), cp(0x1d173),
  // separators, halves of characters, piles of accents
  'a\u2028b', 'a\u2029b', '\ud800', '\udc00', 'a\ud83d', '\udc00\ud800', '\ufff9\ufffb', `z${'\u0301'.repeat(200)}`,
  // for other readers than terminals: what must stay data
  '__proto__', 'constructor', '"},{"x":"', '</script><script>alert(1)</script>', "'; rm -rf /", '$(reboot)', '`reboot`', '%s%n', '=1+1', '\\u001b', '\\x1b[1A',
  // width
  '漢字'.repeat(40), 'x'.repeat(4096), ' '.repeat(300), '👩‍👩‍👧‍👦'.repeat(9), '', 'a b  c', '-', '--rows',
];

/** The rule once more, written out: nothing of it may be in any line, in any format. The line feed between lines is the exception. */
export const FORBIDDEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u00ad]|[\u{e0000}-\u{e0fff}]|\p{Cs}/u;

function hostileSection(id: string, text: string): Section {
  const share = { name: text, pid: 1, tid: 2, count: 3, ns: 4, share: 0.5 };
  return {
    id,
    title: text,
    columns: [...LOCK_COLUMNS.map((column) => ({ ...column, title: column.title + text, description: text })), { key: 'more', title: text, unit: 'text', show: 'detail', description: '' }],
    rows: [
      {
        lock: text, kind: text, waits: 1, waitedNs: 2, p50Ns: 3, p99Ns: 4, maxNs: 5,
        holders: [share, share, share, share], heldAt: `${text} < ${text}`, waiters: [share], outcomes: [{ name: text, count: 1 }],
        histogram: { scale: 2, offset: 0, counts: [1] }, address: 0xfeedn, more: text,
      },
    ],
    hiddenRows: 1,
    story: [text, `  ${text}`],
  };
}

/** A report with the text in every place that can hold one. */
export function hostileReport(text: string): Report {
  return {
    ...BUSY,
    header: { ...HEADER, tool: text, version: text, startedAt: text, target: text, filters: [text], variant: text, kernel: text, limits: [text], attempts: [{ variant: text, stage: 'load', errno: text }] },
    losses: [{ reason: text, count: 3, meaning: text }],
    sections: [hostileSection('deadlock', text), hostileSection('locks', text), { ...hostileSection('empty', text), rows: [], story: [], empty: text }],
    finding: [text, text],
    next: [text, `ktrace ${text} --pid 1`],
  };
}
