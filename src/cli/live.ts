/** The report that is drawn again and again on a terminal (`--interval`). */
import { stripVTControlCharacters } from 'node:util';
import { shorten } from '../render/cell.js';
import { widthOf } from '../render/width.js';

export interface Screen {
  readonly rows: number;
  readonly columns: number;
}

const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Reports are rendered for the width of the terminal; only one made smaller meanwhile has lines to clip, and they lose their colour. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return widthOf(plain) <= columns ? line : shorten(plain, columns);
}

/** What redraws the screen in place without flicker: never scrolls, leaves nothing of the last picture, says how much is below the edge. */
export function frame(text: string, { rows, columns }: Screen): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const hidden = lines.length - rows;
  const shown = hidden > 0 ? [...lines.slice(0, rows - 1), `… ${hidden + 1} more lines (--rows, --no-clear)`] : lines;
  return HOME + shown.map((line) => clip(line, columns) + CLEAR_LINE).join('\n') + CLEAR_BELOW;
}

/** A function that shows one report after the other: redrawn in place on a terminal, else (or with --no-clear) appended after an empty line. */
export function liveView(screen: () => Screen | undefined, clear: boolean): (report: string) => string {
  let first = true;
  return (report) => {
    const size = clear ? screen() : undefined;
    const start = first ? '\x1b[2J' : '';
    const gap = first ? '' : '\n';
    first = false;
    return size === undefined ? gap + report : start + frame(report, size);
  };
}
