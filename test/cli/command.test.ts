import t from 'tap';
import { execFileSync } from 'node:child_process';
import { buildCommand, splitArgv } from '../../src/cli/command.js';
import { UsageError, fail } from '../../src/cli/exit.js';
import { SHARED_OPTIONS, type CliOptions } from '../../src/cli/options.js';
import type { ToolCli } from '../../src/tools/spec.js';
import { FUTEX } from './futex-cli.js';

async function parse(line: string, tool: ToolCli = FUTEX): Promise<CliOptions> {
  const { own, child } = splitArgv(line.split(' ').filter(Boolean));
  let options: CliOptions | undefined;
  await buildCommand(tool, child, (parsed) => void (options = parsed)).parseAsync(own, { from: 'user' });
  if (options === undefined) throw new Error('the action did not run');
  return options;
}

t.test('without options everything has its default', async (t) => {
  t.same(await parse(''), {
    pids: [], tids: [], comms: [], cgroup: undefined, minWaitNs: 0, includeSelf: false, follow: false, durationNs: undefined, intervalNs: undefined, count: undefined,
    rows: 10, sort: 'waited', all: false, events: false, output: 'table', outputFile: undefined, clear: true, color: 'auto', quiet: false, verbose: false,
    user: undefined, variant: undefined, keepPrivileges: false, dryRun: false, failOnLoss: undefined, child: undefined, own: { maxLocks: 10240, lock: undefined },
  });
});

t.test('every option is parsed into its type', async (t) => {
  const cases: [string, Partial<CliOptions>][] = [
    ['-p 1 --pid 2,3 -p 2', { pids: [1, 2, 3] }], ['-t 4194304', { tids: [4194304] }], ['--tid 5,6', { tids: [5, 6] }], ['--comm a,b* --comm c', { comms: ['a', 'b*', 'c'] }],
    ['--comm worker-pool-123*', { comms: ['worker-pool-123*'] }], ['-c /sys/fs/cgroup/x', { cgroup: '/sys/fs/cgroup/x' }], ['--cgroup 3f2a', { cgroup: '3f2a' }],
    ['--min-wait 1ms', { minWaitNs: 1e6 }], ['--min-wait 0', { minWaitNs: 0 }], ['--include-self -p 1 --follow', { includeSelf: true, follow: true }], ['-f -- true', { follow: true }],
    ['-d 500ms', { durationNs: 5e8 }], ['--duration=1m', { durationNs: 6e10 }], ['-i 2', { intervalNs: 2e9 }], ['1.5s 3', { intervalNs: 15e8, count: 3 }], ['5', { intervalNs: 5e9, count: undefined }],
    ['-r 25', { rows: 25 }], ['-s max', { sort: 'max' }], ['-a -q -v', { all: true, quiet: true, verbose: true }], ['-o json', { output: 'json' }], ['-o ndjson --events', { output: 'ndjson', events: true }],
    ['--events', { output: 'ndjson', events: true }], ['-O report.json', { outputFile: 'report.json' }], ['-O -', { outputFile: undefined }], ['-C', { clear: false }], ['--no-clear', { clear: false }],
    ['--color never', { color: 'never' }], ['--variant kprobe --dry-run', { variant: 'kprobe', dryRun: true }], ['--keep-privileges', { keepPrivileges: true }],
    ['--fail-on-loss', { failOnLoss: 0 }], ['--fail-on-loss=0.5', { failOnLoss: 0.5 }], ['--fail-on-loss 1%', { failOnLoss: 1 }],
    ['--max-locks 7 --lock 0x1,0x2', { own: { maxLocks: 7, lock: ['0x1', '0x2'] } }],
    ['-- ./server -p 80 -- x', { child: ['./server', '-p', '80', '--', 'x'] }], ['-u root -v -- id -u', { child: ['id', '-u'], user: 'root', verbose: true }],
  ];
  for (const [line, expected] of cases) t.match(await parse(line), expected, line);
});

t.test('a wrong command line is one line that names the option, and exit code 2', async (t) => {
  const follow = '--follow goes with the children of a process: add --pid, or -- and a command';
  const pid = (text: string): string => `Expected --pid to be a number from 1 to 4194304, not ${text}`;
  const cases: [string, string][] = [
    ['-f', follow], ['-f -t 5', follow], ['-f --comm x', follow], ['-p abc', pid('"abc"')], ['-p 0', pid('"0"')], ['-p -5', pid('"-5"')], ['-p 4194305', pid('"4194305"')], ['-p 1.5', pid('"1.5"')], ['-p 0x10', pid('"0x10"')], ['-p 1e3', pid('"1e3"')],
    ['-p 1,,2', 'Expected --pid to be a list without empty items, not "1,,2"'], ['-t 99999999', 'Expected --tid to be a number from 1 to 4194304, not "99999999"'],
    ['--comm 0123456789abcdef', 'Expected --comm to be at most 15 bytes, as the kernel keeps names, not "0123456789abcdef"'],
    ['-d abc', 'Expected --duration to be a duration such as 500ms, 5s or 1m, not "abc"'], ['-d 0', 'Expected --duration to be longer than 0, not "0"'],
    ['-i 0s', 'Expected --interval to be longer than 0, not "0s"'], ['abc', 'Expected interval to be a duration such as 500ms, 5s or 1m, not "abc"'],
    ['1 0', 'Expected count to be a whole number from 1 to 999999999, not "0"'], ['-i 1 2', 'The interval is given twice: with --interval and as an argument'],
    ['-r 0', 'Expected --rows to be a whole number from 1 to 999999999, not "0"'], ['-r -1', 'Expected --rows to be a whole number from 1 to 999999999, not "-1"'],
    ['-s nonsense', 'Expected --sort to be one of waited, waits, max, not "nonsense"'], ['-o xml', 'Expected --output to be one of table, json, ndjson, not "xml"'],
    ['--color blue', 'Expected --color to be one of auto, always, never, not "blue"'], ['--events -o table', '--events prints JSON lines: leave out --output table, or make it ndjson'],
    ['--events -o json', '--events prints JSON lines: leave out --output json, or make it ndjson'], ['--fail-on-loss 101', 'Expected --fail-on-loss to be a percentage from 0 to 100, not "101"'],
    ['-p 1 -- ls', '--pid names what runs already and -- starts something: give one of them'], ['-t 1 -- ls', '--tid names what runs already and -- starts something: give one of them'],
    ['--', 'Expected a command after --'], ['-u root', '--user goes with a command: add -- and the command'], ['--max-locks 0', 'Expected --max-locks to be a whole number from 1 to 999999999, not "0"'],
    ['--durations 5s', "unknown option '--durations' (Did you mean --duration?); see futex --help"], ['-r', "option '-r, --rows <count>' argument missing; see futex --help"],
    ['1 2 3', 'too many arguments. Expected 2 arguments but got 3; see futex --help'], ['--output-file=', 'Expected --output-file to be something, not ""'],
  ];
  for (const [line, message] of cases) {
    await t.rejects(parse(line), { name: 'UsageError', exitCode: 2, message }, line);
    t.notMatch(message, '\n');
  }
});

t.test('a hostile argument is one harmless line on stderr', async (t) => {
  const said: string[] = [];
  const error: unknown = await parse('-o \x1b[2J\u202e').catch((error: unknown) => error);
  t.equal(fail(error, false, { write: (text: string) => said.push(text) }), 2);
  t.same(said, ['ktrace: Expected --output to be one of table, json, ndjson, not "\\u001b[2J\\u{202e}"\n']);
});

async function helpOf(tool: ToolCli): Promise<string> {
  const command = buildCommand(tool, undefined, () => undefined);
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  const ended: unknown = await command.parseAsync(['--help'], { from: 'user' }).catch((error: unknown) => error);
  t.equal(fail(ended, false, { write: (line: string) => t.fail(line) }), 0, 'asking for help is no failure');
  return text;
}

t.test('--help fits 80 columns, names every option, and ends in at least three examples', async (t) => {
  const help = await helpOf(FUTEX);
  t.same(help.split('\n').filter((line) => line.length > 80), []);
  for (const { flags } of [...SHARED_OPTIONS, ...FUTEX.options]) t.ok(help.includes(flags), flags);
  const examples = help.slice(help.indexOf('Examples:')).split('\n').filter((line) => line.includes('ktrace futex'));
  t.ok(examples.length >= 3);
  t.match(help, 'waited (default), waits, max');
});

t.test('help loads no addon', (t) => {
  const script = `
    import { buildCommand } from './src/cli/command.ts';
    process.dlopen = () => { throw new Error('an addon was loaded'); };
    await buildCommand(${JSON.stringify(FUTEX)}, undefined, () => {}).parseAsync(['--help'], { from: 'user' }).catch((error) => { process.exitCode = error.exitCode; });
  `;
  const args = [...process.execArgv, '--input-type=module', '-e', script.replace(".ts'", ".js'")];
  t.match(execFileSync(process.execPath, args, { encoding: 'utf8', cwd: new URL('../..', import.meta.url) }), 'Usage: futex');
  t.end();
});

t.test('the options of one tool do not leak into another', async (t) => {
  const other = { ...FUTEX, name: 'other', options: [], columnsForSort: [] };
  await t.rejects(parse('--max-locks 5', other), UsageError);
  t.match(await parse('', other), { sort: undefined, own: {} });
});
