/** The rows of one section: aligned columns, and below each row what has a line of its own. */
import type { Column, Histogram, Row, Section, Unit, Value } from '../report/model.js';
import { drawBars } from './bars.js';
import { formatValue } from './format.js';
import { forTerminal } from './sanitize.js';
import { pad, shorten } from './cell.js';
import { widthOf } from './width.js';
import { fill } from './wrap.js';

const NUMERIC: ReadonlySet<Unit> = new Set<Unit>(['count', 'ns', 'ratio', 'rate', 'bytes', 'pid']);
const INDENT = '  ';
const DETAIL_INDENT = '      ';
const GAP = '  ';
/** What a text column keeps of its width at least. */
const SHORTEST_TEXT = 12;
/** Of a detail's title. */
const LONGEST_TITLE = 14;

interface Cells {
  readonly column: Column;
  readonly heading: string;
  readonly texts: readonly string[];
  readonly side: 'left' | 'right';
  readonly width: number;
}

/** How the parts are set off; the same text when colour is off. */
interface RowPaint {
  dim(text: string): string;
  bold(text: string): string;
}

function valueOf(row: Row, column: Column): Value {
  return row[column.key] ?? null;
}

function cellsOf(column: Column, rows: readonly Row[]): Cells {
  const heading = forTerminal(column.title.toUpperCase());
  const texts = rows.map((row) => formatValue(valueOf(row, column), column.unit));
  const side = NUMERIC.has(column.unit) ? 'right' : 'left';
  return { column, heading, texts, side, width: Math.max(widthOf(heading), ...texts.map(widthOf)) };
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

/** Takes columns off the widest text columns until the line fits; numbers keep theirs. */
function fitted(cells: readonly Cells[], room: number): Cells[] {
  const widths = cells.map((cell) => cell.width);
  const least = cells.map((cell) => (cell.side === 'right' ? cell.width : Math.min(cell.width, SHORTEST_TEXT)));
  for (let excess = total(widths) - room; excess > 0; excess--) {
    const slack = widths.map((width, i) => (width > (least[i] ?? 0) ? width : 0));
    const widest = slack.indexOf(Math.max(...slack));
    if (slack[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return cells.map((cell, i) => ({ ...cell, width: widths[i] ?? cell.width }));
}

/** The columns that fit beside each other; the rightmost become details where the terminal is too narrow. */
function fit(cells: readonly Cells[], room: number): Cells[] {
  const result = fitted(cells, room);
  const narrow = total(result.map((cell) => cell.width)) <= room;
  if (narrow || cells.length === 1) return narrow ? result : result.map((cell) => ({ ...cell, width: Math.min(cell.width, room) }));
  return fit(cells.slice(0, -1), room);
}

function line(parts: readonly { readonly text: string; readonly cells: Cells }[]): string {
  return (INDENT + parts.map(({ text, cells }) => pad(shorten(text, cells.width), cells.width, cells.side)).join(GAP)).trimEnd();
}

function cellsIn(columns: readonly Column[], rows: readonly Row[], shows: readonly Column['show'][]): Cells[] {
  return columns.filter(({ show = 'cell', unit }) => shows.includes(show) && unit !== 'histogram').map((column) => cellsOf(column, rows));
}

function isDetail(column: Column, verbose: boolean, wide: boolean): boolean {
  if (column.unit === 'histogram') return verbose && column.show !== 'data';
  return column.show === 'detail' || (verbose && (column.show === 'verbose' || (column.show === 'wide' && !wide)));
}

function isNothing(value: Value, text: string): boolean {
  return value === null || text === '' || text === '-';
}

/** Where a detail may break: between contributors, between the frames of a stack (`inner < outer`), else between words. */
function items(text: string, unit: Unit): string[] {
  if (unit === 'shares' || unit === 'tally') return text.split(/(?<=,) /);
  return text.split(text.includes(' < ') ? / (?=< )/ : ' ');
}

function detailLines(column: Column, value: Value, titleWidth: number, width: number, paint: RowPaint): string[] {
  const title = pad(shorten(forTerminal(column.title.toLowerCase()), titleWidth), titleWidth, 'left') + GAP;
  const blank = DETAIL_INDENT + ' '.repeat(widthOf(title));
  const room = width - widthOf(blank);
  if (value === null) return [];
  if (column.unit === 'histogram') return titled(drawBars(value as Histogram, room), DETAIL_INDENT + paint.dim(title), blank);
  const text = formatValue(value, column.unit);
  return isNothing(value, text) ? [] : titled(fill(items(text, column.unit), room), DETAIL_INDENT + paint.dim(title), blank);
}

function titled(lines: readonly string[], first: string, blank: string): string[] {
  return lines.map((text, i) => (i === 0 ? first : blank) + text);
}

function isCut(cells: Cells, row: number): boolean {
  return widthOf(cells.texts[row] ?? '') > cells.width;
}

/** Heading, rows and details; no line is wider than `width`. What was shortened is told in full below its row. */
export function drawRows({ columns, rows }: Section, width: number, verbose: boolean, paint: RowPaint): string[] {
  const room = width - INDENT.length;
  const all = cellsIn(columns, rows, ['cell', 'wide']);
  const wide = total(all.map((cell) => cell.width)) <= room;
  const wanted = wide ? all : cellsIn(columns, rows, ['cell']);
  const shown = wanted.length === 0 ? [] : fit(wanted, room);
  const details = [...wanted.slice(shown.length).map(({ column }) => column), ...columns.filter((column) => isDetail(column, verbose, wide))];
  const cut = shown.filter((cells) => rows.some((_, i) => isCut(cells, i)));
  const titles = [...cut.map(({ column }) => column), ...details].map((column) => widthOf(forTerminal(column.title)));
  const titleWidth = Math.min(LONGEST_TITLE, Math.max(0, ...titles));
  const below = (column: Column, row: Row): string[] => detailLines(column, valueOf(row, column), titleWidth, width, paint);
  const heading = paint.bold(line(shown.map((cells) => ({ text: cells.heading, cells }))));
  return [heading, ...rows.flatMap((row, i) => [
    line(shown.map((cells) => ({ text: cells.texts[i] ?? '', cells }))),
    ...cut.filter((cells) => isCut(cells, i)).flatMap(({ column }) => below(column, row)),
    ...details.flatMap((column) => below(column, row)),
  ])];
}
