/** `ktrace exec` as data: its object, its options and its eyes. */
import { KtraceError } from '../../errors.js';
import { schema } from '../../generated/exec.js';
import type { Own, Setting, Tool, ToolOptions } from '../contract.js';
import { listOf, patternOf } from '../own.js';
import { ExecLook, type Wishes } from './look.js';
import type { ExecEventRecord, Image } from './model.js';
import { lineOf } from './records.js';
import { EXEC_SORTS } from './report.js';
import { parseRule } from './rules.js';

const USERS = 16; // as in bpf/exec.bpf.h
const SCRATCHES = 3;
const DEFAULT_PROGRAMS = 4096; // as in cli.ts

function options({ filters: { launched, tids, minWaitNs }, own }: ToolOptions): object {
  if (tids.length > 0) throw new KtraceError('A thread that executes a program becomes its process', 'USAGE', 'take --pid');
  if (minWaitNs > 0) throw new KtraceError('There are no waits in this report', 'USAGE', "leave --min-wait out, or take --alert 'lifetime > 1s'");
  const users = listOf(own['uid']).map(Number);
  if (users.length > USERS) throw new KtraceError(`More than ${USERS} users`, 'USAGE', 'filter by cgroup, or trace all of them');
  if (own['live'] === true && own['summary'] === true) throw new KtraceError('Show either programs as they begin or the report alone', 'USAGE', 'take one of --live and --summary');
  if (own['failed'] === true && own['summary'] === true) throw new KtraceError('The report has failed execs in any case', 'USAGE', 'leave out --failed; --sort failed puts them first');
  wishesOf(own); // so that a wrong rule is found before anything is attached
  return {
    fromExec: launched,
    users: Array.from({ length: USERS }, (_, i) => users[i] ?? 0),
    usersCount: users.length,
  };
}

function wishesOf(own: Own): Wishes {
  const patterns = [['path', ({ program }: Image) => program], ['args', ({ argv }: Image) => argv.join(' ')]] as const;
  const wanted = patterns.flatMap(([key, textOf]) => {
    const text = own[key];
    if (typeof text !== 'string') return [];
    const pattern = patternOf(text, `--${key}`);
    return [(image: Image) => pattern.test(textOf(image))];
  });
  const unsent: readonly string[] = [...(own['live'] === true ? ['exit'] : []), ...(own['failed'] === true ? [] : ['failed'])];
  return {
    rules: listOf(own['alert']).map((rule) => parseRule(String(rule))),
    narrows: wanted.length > 0,
    wants: (image) => wanted.every((matches) => matches(image)),
    sends: (kind) => !unsent.includes(kind),
    mostPrograms: Number(own['maxRows'] ?? DEFAULT_PROGRAMS),
  };
}

function filterWords({ uid, path, args }: Own): string[] {
  return [
    ...(listOf(uid).length > 0 ? [`users ${listOf(uid).join(', ')}`] : []),
    ...(typeof path === 'string' ? [`programs /${path}/`] : []),
    ...(typeof args === 'string' ? [`arguments /${args}/`] : []),
  ];
}

export const execTool: Tool<ExecEventRecord> = {
  name: 'exec',
  schema,
  optionalHooks: {},
  limits: { kprobe: ['Failed execs while many calls sleep at once: kretprobes have few slots.'] },
  alsoOn: {},
  sorts: EXEC_SORTS,
  hasEvents: true,
  countsEvents: true,
  lines: (own) => (own['summary'] === true ? 'none' : own['live'] === true || own['failed'] === true ? 'asked' : 'usual'),
  line: lineOf,
  filterWords,
  verdict: ({ sections }) => (sections.some(({ id, rows }) => id === 'alerts' && rows.length > 0) ? 'alert' : undefined),
  options,
  mapSizes: ({ ringBytes }, { cpus }: Setting) => ({ events: ringBytes, scratch: SCRATCHES * cpus }),
  look: (tables, processes, { own }) => new ExecLook(tables, processes, wishesOf(own)),
};
