/** How reports and events become text on the output; loaded when tracing has begun. */
import { createColors } from 'picocolors';
import { renderEvent } from '../render/events.js';
import { renderJson, renderNdjson } from '../render/json.js';
import { forTerminal } from '../render/sanitize.js';
import { renderTable } from '../render/table.js';
import { DEFAULT_WIDTH } from '../render/width.js';
import type { Report } from '../report/model.js';
import type { Session } from '../source/session.js';
import type { Tool, ToolEvent } from '../tools/contract.js';
import { wantsColor } from './color.js';
import { liveView, type Screen } from './live.js';
import type { CliOptions } from './options.js';
import type { Output } from './output.js';
import { wantsEvents, wantsLines } from './session-options.js';

const UNITS = { address: 'address' } as const;

const gap = ({ lostBefore }: ToolEvent): string => (lostBefore === 0 ? '' : `LOST: ${lostBefore} here, which came faster than they could be shown\n`);

/** How each event is shown as it comes, with the end of its line; undefined where none is asked for. */
export function eventRenderer(tool: Tool, options: CliOptions): ((event: ToolEvent) => string) | undefined {
  const { line } = tool;
  if (!wantsEvents(tool, options)) return undefined;
  return wantsLines(tool, options) && line && options.output === 'table' && !options.events ? (event) => `${gap(event)}${[line(event)].flat().map((each) => `${forTerminal(each)}\n`).join('')}` : (event) => renderEvent(event as unknown as Parameters<typeof renderEvent>[0], UNITS);
}

/** `render`: gives the line with its end. */
export async function printEvents(session: Session, output: Output, render: (event: ToolEvent) => string): Promise<void> {
  let lines = '';
  for await (const event of session.events()) {
    lines += render(event);
    if (session.stats().backlog > 0 && lines.length < 65_536) continue;
    await output.data(lines);
    lines = '';
  }
  if (lines !== '') await output.data(lines);
}

/** Prints one report; the last one stays on the screen whole. */
export type Print = (report: Report, last?: boolean) => Promise<void>;

export function printer(options: CliOptions, output: Output): Print {
  if (options.output === 'json') return (report) => output.data(renderJson(report));
  if (options.output === 'ndjson') return (report) => output.data(renderNdjson(report));
  const screen = (): Screen | undefined => {
    const size = options.intervalNs === undefined ? undefined : output.terminal();
    return size && size.rows > 0 && size.columns > 0 ? size : undefined;
  };
  const show = liveView(screen, options.clear && process.env['TERM'] !== 'dumb');
  const color = createColors(wantsColor(options.color, process.env, output.terminal() !== undefined));
  const table = (report: Report): string => renderTable(report, { width: output.terminal()?.columns || DEFAULT_WIDTH, color, verbose: options.verbose });
  return (report, last = false) => output.data(last ? `\n${table(report)}` : show(table(report)));
}
