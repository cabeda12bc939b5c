/** How much room text takes on a terminal. */
import stringWidth from 'string-width';

/** Columns where no terminal says. */
export const DEFAULT_WIDTH = 80;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Columns that the text takes: wide characters two, combining marks none. */
export function widthOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  const runs = text.match(/[ -~]+|[^ -~]+/g) ?? [];
  return runs.reduce((sum, run) => sum + (PRINTABLE_ASCII.test(run) ? run.length : stringWidth(run)), 0);
}

/** The characters as people count them: an accent stays with its letter. */
export function split(text: string): string[] {
  return PRINTABLE_ASCII.test(text) ? [...text] : Array.from(graphemes.segment(text), (part) => part.segment);
}
