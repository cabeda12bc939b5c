/** One piece of text made as wide as asked. All input is sanitized already. */
import { split, widthOf } from './width.js';

/** The text with blanks up to `width` columns. */
export function pad(text: string, width: number, side: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? text + blanks : blanks + text;
}

/** The longest beginning of `parts` that fits. */
function take(parts: readonly string[], width: number): string {
  let used = 0;
  const end = parts.findIndex((part) => (used += widthOf(part)) > width);
  return parts.slice(0, end < 0 ? parts.length : end).join('');
}

/** At most `width` columns: the middle gives way to `…`, since names differ at both ends. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return '';
  const parts = split(text);
  const tail = take(parts.toReversed(), Math.floor((width - 1) / 2));
  const end = split(tail).toReversed().join('');
  return `${take(parts, width - 1 - widthOf(end))}…${end}`;
}
