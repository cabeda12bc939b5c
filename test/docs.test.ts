/** What the documentation says is what the code does: links, command lines, columns, losses, exit codes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { buildCommand, splitArgv } from '../src/cli/command.js';
import { doctorCommand } from '../src/cli/doctor.js';
import { EXIT } from '../src/cli/exit.js';
import { registry } from '../src/generated/registry.js';
import type { Column } from '../src/report/model.js';
import { lossesOf } from '../src/tools/futex/accounting.js';
import { lossesOf as syscallsLosses } from '../src/tools/syscalls/accounting.js';
import { callColumns, INSIDE_COLUMNS } from '../src/tools/syscalls/columns.js';
import { PENDING_COLUMNS, rowColumns } from '../src/tools/connect/columns.js';
import { lossesOf as connectLosses } from '../src/tools/connect/report.js';
import { OUTCOME_NAMES } from '../src/tools/connect/rows.js';
import { ALERT_COLUMNS, PROGRAM_COLUMNS } from '../src/tools/exec/columns.js';
import { lossesOf as execLosses } from '../src/tools/exec/report.js';
import { CANDIDATE_COLUMNS, INCIDENT_COLUMNS } from '../src/tools/oom/columns.js';
import { lossesOf as oomLosses } from '../src/tools/oom/report.js';
import { FIELD_NAMES, NAMED_RULES } from '../src/tools/exec/rules.js';
import * as columns from '../src/tools/futex/columns.js';
import type { FutexSnapshot } from '../src/tools/futex/model.js';
import { FUTEX_SORTS } from '../src/tools/futex/report.js';
import { capabilitiesOf, tableRows, textOf } from './pages.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const pages = ['.', 'docs', 'docs/tools', 'test/workloads', 'bench', 'examples', 'schema']
  .filter((directory) => existsSync(join(ROOT, directory)))
  .flatMap((directory) => readdirSync(join(ROOT, directory)).filter((name) => name.endsWith('.md')).map((name) => join(directory, name)));
const futexPage = textOf('docs/tools/futex.md');

t.test('every relative link leads to a file, and every anchor to a heading', (t) => {
  for (const page of pages) {
    for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
      t.ok(existsSync(file), `${page}: ${target}`);
      if (anchor !== undefined && existsSync(file)) t.ok(anchors(readFileSync(file, 'utf8')).includes(anchor), `${page}: heading of ${target}`);
    }
  }
  t.end();
});

t.test('every command line parses with the options that ktrace has', async (t) => {
  const found = pages.flatMap((page) => commandLines(textOf(page)).map((line) => [page, line] as const));
  t.ok(found.length >= 10, `${found.length} command lines`);
  for (const [page, line] of found) await t.resolves(parse(line), `${page}: ${line}`);
});

t.test('the examples of --help parse, too', async (t) => {
  for (const { cli } of registry) {
    for (const line of cli.examples) await t.resolves(parse(line), line);
  }
});

t.test('every column of the futex report is on its page, with key, unit and meaning', (t) => {
  for (const [table, list] of Object.entries<readonly Column[]>(columns)) {
    for (const column of list) t.ok(futexPage.includes(rowOf(column)), `${table}: ${rowOf(column)}`);
  }
  t.end();
});

t.test('every sort column is a column of the page', (t) => {
  const byKey = new Map(columns.LOCK_COLUMNS.flatMap(({ key, title }) => [[key, title], [title.toLowerCase(), title]] as const));
  for (const sort of FUTEX_SORTS) t.ok(byKey.has(sort), sort);
  t.end();
});

t.test('every loss has its row on the page, with a remedy', (t) => {
  const reasons = lossesOf(EMPTY, { backlogDropped: 0, skippedRuns: 0, skippedInAll: 0 }).map(({ reason }) => reason);
  t.strictSame(tableKeys(futexPage, '| reason |'), reasons);
  t.end();
});

t.test('every column and loss of the syscalls report is on its page', (t) => {
  const page = textOf('docs/tools/syscalls.md');
  for (const column of [...callColumns('process'), ...INSIDE_COLUMNS]) t.ok(page.includes(rowOf(column)), rowOf(column));
  const empty = { by: 'syscall', startedAt: 0, takenAt: 0, calls: [], errors: [], inside: [], threads: new Map(), counters: { hits: 0, drops: [], rowsFull: 0, errorsFull: 0, targetsFull: 0, eventsLost: 0 } } as const;
  t.strictSame(tableKeys(page, '| reason |'), syscallsLosses(empty, undefined, { backlogDropped: 0, skippedRuns: 0 }).map(({ reason }) => reason));
  t.end();
});

t.test('every column and loss of the exec report is on its page, and every rule and field', (t) => {
  const page = textOf('docs/tools/exec.md');
  for (const column of [...PROGRAM_COLUMNS, ...ALERT_COLUMNS]) t.ok(page.includes(rowOf(column)), rowOf(column));
  const counts = { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, lostExecs: 0, lostEnds: 0, lostText: 0, programsFull: 0, stateless: 0, targetsFull: 0 };
  t.strictSame(tableKeys(page, '| reason |'), execLosses({ programs: [], alerts: [], running: new Map(), durationNs: 0, counts }, { backlogDropped: 0, skippedRuns: 0 }).map(({ reason }) => reason));
  t.strictSame(tableKeys(page, '| rule |'), Object.keys(NAMED_RULES));
  const fields = page.slice(page.indexOf('| fields |'), page.indexOf('**This observes'));
  t.strictSame(FIELD_NAMES.filter((name) => !fields.includes(`\`${name}\``)), []);
  t.end();
});

t.test('every column and loss of the connect report is on its page', (t) => {
  const page = textOf('docs/tools/connect.md');
  for (const column of [...rowColumns('dest'), ...PENDING_COLUMNS]) t.ok(page.includes(rowOf(column)), rowOf(column));
  const counts = { hits: 0, aggregated: 0, inFlight: 0, filtered: 0, lost: 0, closesLost: 0, stale: 0, attemptsFull: 0, callless: 0, rowsFull: 0, targetsFull: 0 };
  t.strictSame(tableKeys(page, '| reason |'), connectLosses({ counts }, { backlogDropped: 0, skippedRuns: 0 }).map(({ reason }) => reason));
  t.strictSame(tableKeys(page, '| outcome |'), Object.keys(OUTCOME_NAMES));
  t.end();
});

/** Pages with a table of fields, and the interfaces that these are of; `of`: what the second column says of the fields of one alone. */
const EVENTS: readonly (readonly [page: string, path: string, name: string, of?: string])[] = [
  ['futex', 'src/tools/futex/events.ts', 'FutexEventRecord'],
  ['syscalls', 'src/tools/syscalls/events.ts', 'SyscallEventRecord'],
  ['connect', 'src/tools/connect/model.ts', 'ConnectRecord', 'connect'],
  ['connect', 'src/tools/connect/model.ts', 'CloseRecord', 'close'],
  ['oom', 'src/tools/oom/model.ts', 'IncidentRecord', 'incident'],
  ['oom', 'src/tools/oom/model.ts', 'AfterRecord', 'after'],
  ['oom', 'src/tools/oom/model.ts', 'Victim', 'victim'],
  ['oom', 'src/tools/oom/model.ts', 'Candidate', 'candidate'],
];

t.test('every field of an event is on the page of its tool, and no other', (t) => {
  for (const [page, path, name, of] of EVENTS) {
    const rows = tableRows(textOf(`docs/tools/${page}.md`), '| field |').filter(([, kind = '']) => of === undefined || ['both', of].includes(kind.trim()));
    const told = rows.flatMap(([cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, field]) => field));
    t.strictSame(told.sort(), fieldsOf(path, name).filter((field) => field !== 'type').sort(), name);
  }
  t.end();
});

t.test('every column and loss of the oom report is on its page', (t) => {
  const page = textOf('docs/tools/oom.md');
  for (const column of [...INCIDENT_COLUMNS, ...CANDIDATE_COLUMNS]) t.ok(page.includes(rowOf(column)), rowOf(column));
  const counts = { hits: 0, aggregated: 0, inFlight: 0, victimsLost: 0, incidentsLost: 0, candidatesLost: 0, rowsFull: 0, endsFull: 0, restartsLost: 0, fruitless: 0, logLost: 0 };
  t.strictSame(tableKeys(page, '| reason |'), oomLosses({ counts }, { backlogDropped: 0, skippedRuns: 0 }).map(({ reason }) => reason));
  t.end();
});

t.test('every exit code is told, in the README and on the page', (t) => {
  const codes = Object.values(EXIT).map(String);
  t.strictSame(tableKeys(textOf('README.md'), '| exit code |'), codes);
  t.strictSame(tableKeys(futexPage, '| code |'), codes);
  t.end();
});

t.test('every tool has its page', (t) => {
  for (const { cli } of registry) t.ok(pages.includes(`docs/tools/${cli.name}.md`), cli.name);
  t.end();
});

t.test('the page of a tool names the capabilities of each of its variants', async (t) => {
  for (const { load } of registry) {
    const { name, schema } = await load();
    const variants = new Set(schema.programs.map(({ variant }) => variant).filter((variant) => variant !== 'any'));
    t.strictSame([...capabilitiesOf(name).keys()].sort(), [...variants].sort(), name);
    for (const [variant, capabilities] of capabilitiesOf(name)) t.ok(capabilities.length >= 2, `${name} ${variant}: ${capabilities.join(', ')}`);
  }
});

t.test('the README shows a report that fits 80 columns', (t) => {
  const [, report = ''] = /```\n\$ sudo npm run demo\n(.*?)```/s.exec(textOf('README.md')) ?? [];
  t.match(report, /^ktrace futex: .*, variant \w+$/m);
  t.strictSame(report.split('\n').filter((line) => [...line].length > 80), []);
  t.end();
});

const EMPTY: FutexSnapshot = {
  startedAt: 0, takenAt: 0, locks: [], parts: [], threads: new Map(), processes: new Map(), waits: [], wakes: { underWay: 0, unseen: 0 }, mappings: new Map(), settled: true, deadlocks: [],
  counters: { calls: [], drops: [], full: { locks: 0, parts: 0, processes: 0, targets: 0, events: 0 } },
};

const SHOWN = { cell: 'column', wide: 'column where it fits, else a line with -v', detail: 'line', verbose: 'line, -v', data: 'JSON' } as const;

function rowOf({ title, show = 'cell', key, unit, description }: Column): string {
  return `| ${title} | ${SHOWN[show]} | \`${key}\` | \`${unit}\` | ${description.replaceAll('|', '\\|')} |`;
}

/** First cells of the table whose heading begins so, without marks. */
function tableKeys(page: string, heading: string): string[] {
  return tableRows(page, heading).map(([cell = '']) => cell.replaceAll('`', '').trim());
}

/** Names of the fields of an interface, with those of the interfaces that it extends. */
function fieldsOf(path: string, name: string): string[] {
  const file = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.ES2022, true);
  const found = file.statements.filter(ts.isInterfaceDeclaration).find((each) => each.name.text === name);
  if (!found && name === 'ToolEvent') return fieldsOf('src/tools/contract.ts', name);
  if (!found) throw new Error(`no interface ${name} in ${path}`);
  const bases = (found.heritageClauses ?? []).flatMap(({ types }) => types.map(({ expression }) => expression.getText()));
  return [...bases.flatMap((base) => fieldsOf(path, base)), ...found.members.map((member) => member.name?.getText() ?? '')];
}

function withoutCode(page: string): string {
  return page.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
}

/** As GitHub makes them. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));
}

/** `ktrace TOOL …` in code, block or span; upper-case words stand for something and are left out. */
function commandLines(page: string): string[] {
  const blocks = [...page.matchAll(/^```(?:sh|)\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
  const spans = [...page.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans].filter((line) => /^(\$ )?(sudo )?ktrace [a-z]+ [^:]/.test(line) && !/\b[A-Z]{3,}\b/.test(line.replace(/#.*/, '')));
}

/** As a shell would hand it over, up to a pipe, a redirection or a comment. */
function wordsOf(line: string): string[] {
  const [command = ''] = line.replace(/^(\$ )?(sudo )?ktrace /, '').split(/\s(?:[|>]|#)/);
  return (command.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []).map((word) => word.replace(/['"]/g, ''));
}

async function parse(line: string): Promise<void> {
  const [name, ...argv] = wordsOf(line);
  const tool = registry.find(({ cli }) => cli.name === name)?.cli;
  if (!tool && name !== 'doctor') throw new Error(`there is no tool ${name}`);
  const { own, child } = splitArgv(argv);
  const command = tool ? buildCommand(tool, child, () => undefined) : doctorCommand(child, () => Promise.resolve());
  const ended: unknown = await command.configureOutput({ writeOut: () => undefined }).parseAsync(own, { from: 'user' }).catch((error: unknown) => error);
  if (ended instanceof Error && !('exitCode' in ended && ended.exitCode === 0)) throw ended;
}
