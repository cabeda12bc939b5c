/** The report as a page for people: what was lost, what was found, and what to do next, at one look. */
import type { Header, Loss, Report, Section } from '../report/model.js';
import { drawRows } from './columns.js';
import { formatDuration } from './format.js';
import { forTerminal } from './sanitize.js';
import { widthOf } from './width.js';
import { fill, wrap } from './wrap.js';

/** Colours as `picocolors.createColors()` makes them; with colour off each returns its text unchanged. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
}

export interface TableOptions {
  /** Columns of the terminal; no line is wider. At least 40 are taken. */
  readonly width: number;
  readonly color: Paint;
  /** Also `verbose` details, histograms as bars, and how the figures came about. */
  readonly verbose: boolean;
}

const NARROWEST = 40;
/** Variant of a report that was made without tracing. */
export const UNTRACED = 'none';

function headerLines(header: Header, width: number, color: Paint): string[] {
  const { tool, target, durationNs, intervalNs, variant, filters } = header;
  const time = intervalNs === undefined ? formatDuration(durationNs) : `last ${formatDuration(intervalNs)} of ${formatDuration(durationNs)}`;
  const what = `ktrace ${tool}: ${target}${variant === UNTRACED ? '' : `, ${time}, variant ${variant}`}`;
  const title = wrap(forTerminal(what), width).map((line) => color.bold(line));
  return filters.length === 0 ? title : [...title, ...wrap(filters.map(forTerminal).join(', '), width, 'Filters: ')];
}

/** Provenance, for -v. */
function originLines({ version, startedAt, kernel, settled, accounting, attempts }: Header, width: number): string[] {
  const { hits, aggregated, inFlight, filtered, dropped } = accounting;
  return [
    `ktrace ${version} on Linux ${kernel}, started ${startedAt}`,
    `Hits ${hits} ${settled ? '=' : '(they go on) ~'} aggregated ${aggregated} + in flight ${inFlight} + filtered ${filtered} + dropped ${dropped}`,
  ].flatMap((text) => wrap(forTerminal(text), width)).concat(attemptLines(attempts, width));
}

/** What the kernel refused before it took the variant that is in force. */
export function attemptLines(attempts: Header['attempts'], width: number): string[] {
  return attempts.flatMap(({ variant, stage, errno }) => wrap(forTerminal(`Variant ${variant} did not ${stage}: ${errno}`), width));
}

export function limitLines(limits: Header['limits'], width: number): string[] {
  return limits.flatMap((text) => wrap(forTerminal(text), width, 'Not seen: '));
}

function lossLines(losses: readonly Loss[], width: number, color: Paint): string[] {
  return losses
    .filter((loss) => loss.count !== 0)
    .flatMap(({ count, meaning }) => wrap(forTerminal(`${count} ${meaning}`), width, 'LOST: '))
    .map((line) => color.bold(color.red(line)));
}

function isAlarm(section: Section): boolean {
  return (section.id.startsWith('deadlock') && section.empty === undefined) || (section.id === 'alerts' && section.rows.length > 0);
}

function sectionLines(section: Section, { width, color, verbose }: TableOptions): string[] {
  const { rows, story = [], empty, hiddenRows } = section;
  if (rows.length === 0 && story.length === 0 && empty === undefined) return [];
  const loud = isAlarm(section) ? color.red : (text: string): string => text;
  const title = wrap(forTerminal(section.title), width).map((line) => color.bold(loud(line)));
  const told = story.flatMap((line) => wrap(forTerminal(line), width, '  ')).map(loud);
  const visible = section.columns.some(({ show = 'cell' }) => show === 'cell');
  const table = rows.length > 0 ? (visible ? drawRows(section, width, verbose, color) : []) : wrap(forTerminal(empty ?? ''), width, '  ');
  const more = hiddenRows > 0 ? [color.dim(`  ${hiddenRows} more ${hiddenRows === 1 ? 'row' : 'rows'} (--rows)`)] : [];
  return ['', ...title, ...told, ...(told.length > 0 && rows.length > 0 ? [''] : []), ...table, ...more];
}

/**
 * A command over several lines stays one to paste: broken between its words only, each line but the last ending in a backslash. What follows
 * ` # ` may hold names of the traced program: each of its lines is a comment of its own, so that pasting never runs them.
 */
function commandLines(text: string, width: number, first: string): string[] {
  const [, command = '', comment = ''] = /^(.*?)(?:\s+# (.*))?$/.exec(forTerminal(text)) ?? [];
  const blanks = ' '.repeat(first.length);
  const together = `${first}${command}${comment && `   # ${comment}`}`;
  if (widthOf(together) <= width) return [together.trimEnd()];
  const words = command.match(/(?:[^\s"']|"[^"]*"|'[^']*'|["'])+/g) ?? [];
  const lines = fill(words, width - first.length - 2);
  return [
    ...lines.map((line, i) => (i === 0 ? first : blanks) + line + (i < lines.length - 1 ? ' \\' : '')),
    ...fill(comment.split(' ').filter(Boolean), width - first.length - 2).map((line) => `${blanks}# ${line}`),
  ];
}

function conclusionLines({ finding, next, header }: Report, { width, color }: TableOptions): string[] {
  const found = finding.flatMap((text) => wrap(forTerminal(text), width)).map((line) => color.bold(line));
  const commands = next.flatMap((text, i) => commandLines(text, width, i === 0 ? 'Next: ' : '      '));
  return [limitLines(header.limits, width), [...found, ...commands]].flatMap((block) => (block.length > 0 ? ['', ...block] : []));
}

/** The whole report as lines of text, ending in a line feed. Pure: same report, same options, same text. */
export function renderTable(report: Report, options: TableOptions): string {
  const fitted = { ...options, width: Math.max(NARROWEST, options.width) };
  const { width, color, verbose } = fitted;
  const lines = [
    ...headerLines(report.header, width, color),
    ...(verbose ? originLines(report.header, width) : []),
    ...lossLines(report.losses, width, color),
    ...report.sections.flatMap((section) => sectionLines(section, fitted)),
    ...conclusionLines(report, fitted),
  ];
  return `${lines.join('\n')}\n`;
}
