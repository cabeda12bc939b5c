/** Plain tables and their figures. */

export const ns = (value) => `${Math.round(value)} ns`;
export const ms = (value) => `${(value / 1e6).toFixed(1)} ms`;
export const mib = (value) => `${(value / 2 ** 20).toFixed(1)} MiB`;
export const times = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} x` : '-');

/** `median (min-max)` with one formatter. */
export function spread({ median, min, max }, format) {
  const bare = (value) => format(value).replace(/ .*$/, '');
  return `${format(median)} (${bare(min)}-${bare(max)})`;
}

/** First column to the left, the others to the right. */
export function renderTable({ title, columns, rows, notes = [] }) {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i].length)));
  const line = (cells) => `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`.trimEnd();
  return [title, line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), ...notes.map((note) => `  ${note}`), ''].join('\n');
}
