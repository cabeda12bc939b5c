/** What `ktrace doctor` found, for people and for programs. Every string may come from the kernel or from a file. */
import type { Diagnosis, Finding, State, ToolFinding } from '../report/doctor/model.js';
import { forJson, forTerminal } from './sanitize.js';
import { wrap } from './wrap.js';

/** As `picocolors.createColors()` makes them. */
interface Paint {
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
}

export interface DoctorView {
  readonly width: number;
  readonly color: Paint;
}

const STATE_WIDTH = 9;

export function renderDoctor({ version, groups, tools, runs }: Diagnosis, options: DoctorView): string {
  const titles = [...groups.flatMap(({ findings }) => findings.map(({ title }) => title)), ...tools.map(({ tool }) => tool)];
  const room = Math.max(...titles.map((title) => forTerminal(title).length)) + 2;
  const lines = [
    `ktrace doctor ${forTerminal(version)}`,
    ...groups.flatMap(({ title, findings }) => ['', title, ...findings.flatMap((finding) => lineOf(finding, room, options))]),
    '',
    'Tools',
    ...tools.flatMap((tool) => lineOf({ ...tool, title: tool.tool }, room, options)),
    '',
    ...wrap(forTerminal(summary(tools, runs)), options.width),
  ];
  return `${lines.join('\n')}\n`;
}

function lineOf({ title, state, text, remedy }: Omit<Finding, 'key'>, room: number, { width, color }: DoctorView): string[] {
  const lead = `  ${forTerminal(title).padEnd(room)}${state.padEnd(STATE_WIDTH)}`;
  const [first = '', ...more] = wrap(forTerminal(text), width, lead);
  const painted = first.replace(new RegExp(`(?<=^.{${room + 2}})${state}`), (word) => paint(color, state)(word));
  return [painted, ...more, ...(remedy === '' ? [] : wrap(forTerminal(remedy), width, `${' '.repeat(lead.length - 2)}> `))];
}

function paint(color: Paint, state: State): (text: string) => string {
  if (state === 'works') return color.green;
  return state === 'limited' ? color.yellow : color.red;
}

function summary(tools: readonly ToolFinding[], runs: boolean): string {
  if (!runs) return 'No tool runs here.';
  const list = tools.flatMap(({ tool, variant }) => (variant === undefined ? [] : [`${tool} by ${variant}`]));
  const others = tools.filter(({ variant }) => variant === undefined).map(({ tool }) => tool);
  return `Will run: ${list.join(', ')}.${others.length > 0 ? ` Will not: ${others.join(', ')}.` : ''}`;
}

/** One document, indented; schema/doctor.schema.json describes it. */
export function renderDoctorJson({ version, groups, hooks, tools, runs }: Diagnosis): string {
  const document = {
    schemaVersion: 1,
    version,
    runs,
    findings: groups.flatMap(({ title, findings }) => findings.map((finding) => ({ group: title, ...finding }))),
    hooks: hooks.map(({ refusal, ...hook }) => ({ ...hook, stage: refusal?.stage ?? null, errno: refusal?.code ?? null })),
    tools: tools.map(({ variant, ...tool }) => ({ ...tool, variant: variant ?? null })),
  };
  return `${forJson(document, 2)}\n`;
}
