/** Text into lines. All input is sanitized already. */
import { split, widthOf } from './width.js';

/** Parts into as few lines as hold them, in order, each measured once. */
function pack(parts: readonly string[], room: number, gap: string): string[] {
  const lines: string[] = [];
  let used = Infinity;
  for (const part of parts) {
    const width = widthOf(part);
    const fits = used + gap.length + width <= room;
    if (fits) lines.push(lines.pop() + gap + part);
    else lines.push(part);
    used = fits ? used + gap.length + width : width;
  }
  return lines;
}

/** What is kept together where possible: parted at its blanks if it is wider than a line, and then within its words. */
function pieces(item: string, room: number): string[] {
  if (widthOf(item) <= room) return [item];
  return item.split(' ').flatMap((word) => (widthOf(word) > room ? pack(split(word), room, '') : [word]));
}

/** Items, single words or several, into lines of at most `width` columns. */
export function fill(items: readonly string[], width: number): string[] {
  const room = Math.max(2, width);
  return pack(items.flatMap((item) => pieces(item, room)), room, ' ');
}

/** One paragraph with `first` before its first line and as many blanks before the others; up to 8 leading blanks of its own stay, on all lines. */
export function wrap(text: string, width: number, first = ''): string[] {
  const indent = /^ {0,8}/.exec(text)?.[0] ?? '';
  const lead = first + indent;
  const blanks = ' '.repeat(widthOf(lead));
  return fill(text.split(' ').filter(Boolean), width - widthOf(lead)).map((line, i) => (i === 0 ? lead : blanks) + line);
}
