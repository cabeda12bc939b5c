/** A histogram as lines of text. */
import { upperEdge } from '../report/buckets.js';
import type { Histogram } from '../report/model.js';
import { formatDuration } from './format.js';
import { pad } from './cell.js';
import { widthOf } from './width.js';

const MOST_LINES = 16;
const LONGEST_BAR = 40;

interface Range {
  readonly upTo: string;
  readonly count: number;
}

/** Neighbouring buckets together, 1, 2, 4, … of them per line until the lines are few; the groups lie alike in all histograms. */
function ranges(histogram: Histogram): Range[] {
  const first = histogram.offset;
  const last = first + histogram.counts.length - 1;
  let step = 1;
  while (Math.floor(last / step) - Math.floor(first / step) >= MOST_LINES) step *= 2;
  const groups = Math.floor(last / step) - Math.floor(first / step) + 1;
  return Array.from({ length: groups }, (_, i) => {
    const from = (Math.floor(first / step) + i) * step;
    const counts = histogram.counts.slice(Math.max(0, from - first), Math.max(0, from + step - first));
    return { upTo: `≤ ${formatDuration(Math.floor(upperEdge(from + step - 1)))}`, count: counts.reduce((a, b) => a + b, 0) };
  });
}

/** Halves of a column count, so that a few beside many still show. */
function bar(count: number, most: number, width: number): string {
  if (count === 0) return '';
  const halves = Math.max(1, Math.round((2 * width * count) / most));
  return '█'.repeat(halves >> 1) + (halves & 1 ? '▌' : '');
}

/** One line per range of durations: inclusive upper edge, count, bar. Nothing for an empty histogram. */
export function drawBars(histogram: Histogram, width: number): string[] {
  const lines = histogram.counts.length === 0 ? [] : ranges(histogram);
  const most = Math.max(0, ...lines.map((line) => line.count));
  if (most === 0) return [];
  const edgeWidth = Math.max(...lines.map((line) => widthOf(line.upTo)));
  const countWidth = String(most).length;
  const barWidth = Math.max(1, Math.min(LONGEST_BAR, width - edgeWidth - countWidth - 4));
  return lines.map(({ upTo, count }) =>
    `${pad(upTo, edgeWidth, 'right')}  ${pad(String(count), countWidth, 'right')}  ${bar(count, most, barWidth)}`.trimEnd(),
  );
}
