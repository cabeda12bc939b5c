/** `ktrace doctor` against this kernel: as root, as an ordinary user, without capabilities, and with a package that is broken. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { Test } from 'tap';
import { registry } from '../../src/generated/registry.js';
import type { State } from '../../src/report/doctor/model.js';
import { CLI, ENV, ROOT } from './machine.js';
import { run } from './processes.js';
import { suite } from './suite.js';
import { FUTEX } from './tracer.js';

interface Document {
  readonly runs: boolean;
  readonly findings: readonly { readonly key: string; readonly state: State; readonly text: string; readonly remedy: string }[];
  readonly hooks: readonly { readonly tool: string; readonly variant: string; readonly hook: string; readonly state: State; readonly errno: string | null }[];
  readonly tools: readonly { readonly tool: string; readonly state: State; readonly variant: string | null; readonly loaded: boolean; readonly remedy: string }[];
}

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const fits = new Ajv({ strict: true }).compile(JSON.parse(readFileSync(join(ROOT, 'schema/doctor.schema.json'), 'utf8')) as object);

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `prefix` runs what follows. */
async function doctor(t: Test, args: readonly string[], prefix: readonly string[] = [], cli = CLI): Promise<Result> {
  const [file = '', ...words] = [...prefix, process.execPath, cli, 'doctor', ...args];
  const running = run(t, file, words);
  const { code } = await running.exit();
  t.notMatch(running.stdout + running.stderr, /^\s+at .*:\d+|Error:|node:internal/m, 'no stack trace');
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** Its document, which keeps to the schema; the exit code says the same. */
async function document(t: Test, prefix: readonly string[] = [], cli = CLI): Promise<Document> {
  const { code, stdout, stderr } = await doctor(t, ['--json'], prefix, cli);
  t.equal(stderr, '');
  const said = JSON.parse(stdout) as Document;
  t.ok(fits(said), JSON.stringify(fits.errors));
  t.equal(code, said.runs ? 0 : 77, 'exit code');
  for (const { key, state, remedy } of said.findings) t.equal(remedy === '', state === 'works', `${key}: ${state}, ${remedy}`);
  return said;
}

function finding({ findings }: Document, key: string): Document['findings'][number] {
  const found = findings.find((each) => each.key === key);
  if (!found) throw new Error(`no finding ${key} among ${findings.map((each) => each.key).join(', ')}`);
  return found;
}

/** What `ktrace TOOL --dry-run`, which attaches for real, says. */
function dryRun(tool: string, args: readonly string[] = []): { code: number | null; variant: string | undefined } {
  const [node = ''] = FUTEX;
  const { status, stderr } = spawnSync(node, [CLI, tool, '--dry-run', ...args], { env: ENV, encoding: 'utf8' });
  return { code: status, variant: /variant (\w+)/.exec(stderr)?.[1] };
}

function packageCopy(t: Test): string {
  const directory = t.testdir();
  for (const part of ['dist/cli', 'package.json', 'build/bpf', 'build/Release/ktrace.node']) cpSync(join(ROOT, part), join(directory, part), { recursive: true });
  return directory;
}

suite(2, (test) => {
  test('as root: what it says of each tool and variant is what attaching for real says', async (t) => {
    const said = await document(t);
    t.equal(said.runs, true);
    t.strictSame(said.tools.map(({ tool }) => tool), registry.map(({ cli }) => cli.name), 'every tool');
    t.equal(said.tools[0]?.loaded, true, 'the first is loaded whatever the time');
    for (const { tool, variant } of said.tools) {
      t.equal(dryRun(tool).variant, variant ?? undefined, tool);
      const variants = new Set(said.hooks.filter((hook) => hook.tool === tool && hook.variant !== 'any').map((hook) => hook.variant));
      for (const each of variants) t.equal(dryRun(tool, ['--variant', each]).code === 0, finding(said, `hooks.${tool}.${each}`).state !== 'fails', `${tool} by ${each}`);
    }
  });

  test('the list has every hook of every tool, each with its state', async (t) => {
    const said = await document(t);
    for (const { load } of registry) {
      const { name, schema, alsoOn } = await load();
      const wanted = new Set([...schema.programs.map(({ section }) => section), ...Object.values<readonly string[]>(alsoOn).flat()]);
      const told = new Set(said.hooks.filter(({ tool }) => tool === name).map(({ hook }) => hook.replace(/__(x64|arm64)_/, '')));
      t.strictSame([...wanted].filter((section) => !told.has(section)), [], name);
    }
    t.strictSame(said.hooks.filter(({ state, errno }) => (state === 'works') !== (errno === null)), []);
  });

  test('the page for people has the same lines within 80 columns, and ends with what will run', async (t) => {
    const { code, stdout, stderr } = await doctor(t, []);
    t.strictSame([code, stderr], [0, '']);
    t.strictSame(stdout.split('\n').filter((line) => line.length > 80), []);
    t.match(stdout, /^ktrace doctor \d/);
    t.match(stdout, new RegExp(`kernel +\\w+ +Linux ${release().replace(/\W/g, '\\$&')}`));
    const names = registry.map(({ cli }) => cli.name);
    t.match(stdout, new RegExp(`\\nTools\\n${names.map((name) => ` {2}${name} +(works|limited) +Runs by \\w+[.;][^]*\\n`).join('')}`));
    t.match(stdout, new RegExp(`\\nWill\\srun:\\s${names.map((name) => `${name}\\sby\\s\\w+`).join(',\\s')}\\.\\n$`));
  });

  test('as an ordinary user: the missing capabilities and the exact command, exit code 77', async (t) => {
    const said = await document(t, NOBODY);
    t.equal(said.runs, false);
    t.match(finding(said, 'capabilities'), { state: 'fails', text: /CAP_BPF and CAP_PERFMON are missing \(user 65534\)/ });
    t.ok(finding(said, 'capabilities').remedy.includes(`\`sudo ${process.execPath} ${CLI} doctor\``), finding(said, 'capabilities').remedy);
    t.match(said.tools, registry.map(() => ({ state: 'fails', variant: null, remedy: /sudo/ })));
    t.equal((await doctor(t, [], NOBODY)).code, 77);
  });

  for (const lacking of ['-sys_admin,-bpf,-perfmon', '-sys_admin,-bpf', '-sys_admin,-perfmon']) {
    test(`root without capabilities (${lacking}): names them, and sudo is no remedy`, async (t) => {
      const said = await document(t, ['setpriv', `--bounding-set=${lacking}`, `--inh-caps=${lacking}`]);
      t.equal(said.runs, false);
      const { state, text, remedy } = finding(said, 'capabilities');
      t.equal(state, 'fails');
      for (const name of ['bpf', 'perfmon']) t.equal(text.includes(`CAP_${name.toUpperCase()} `), lacking.includes(name), text);
      t.match(remedy, /--cap-add=BPF/);
      t.notMatch(remedy, /sudo/);
    });
  }

  test('root without CAP_SYS_PTRACE: works with limits', async (t) => {
    const said = await document(t, ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace']);
    t.equal(said.runs, true);
    t.match(finding(said, 'capabilities'), { state: 'limited', text: /^CAP_SYS_PTRACE is missing/ });
  });

  test('an ordinary user with ambient capabilities is told what runs; nothing is said against Node.js', async (t) => {
    const caps = '+bpf,+perfmon,+sys_ptrace,+dac_read_search,+sys_admin';
    const said = await document(t, [...NOBODY, `--inh-caps=${caps}`, `--ambient-caps=${caps}`]);
    t.equal(said.runs, true);
    t.equal(finding(said, 'node-rights').state, 'works');
    t.equal(finding(said, 'capabilities').text, 'CAP_SYS_RESOURCE is missing: no --protect-self.');
  });

  test('a Node.js with file capabilities is told, and no tool runs with its rights', async (t) => {
    const node = join(t.testdir(), 'node');
    cpSync(process.execPath, node);
    chmodSync(t.testdirName, 0o755);
    if (spawnSync('setcap', ['cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep', node], { env: ENV }).status !== 0) return void t.pass('skipped', { skip: 'setcap(8) does not work here' });
    const asRoot = run(t, node, [CLI, 'doctor', '--json']);
    await asRoot.exit();
    t.match(finding(JSON.parse(asRoot.stdout) as Document, 'node-rights'), { state: 'limited', text: /has file capabilities/, remedy: /setcap -r/ });
    const asNobody = run(t, 'setpriv', [...NOBODY.slice(1), node, CLI, 'doctor', '--json']);
    t.equal((await asNobody.exit()).code, 77);
    t.match(finding(JSON.parse(asNobody.stdout) as Document, 'node-rights'), { state: 'fails', remedy: new RegExp(`setcap -r ${node}`) });
    const tool = run(t, 'setpriv', [...NOBODY.slice(1), node, CLI, 'futex', '--dry-run']);
    t.equal((await tool.exit()).code, 77);
    t.match(tool.stderr, /^ktrace: [^\n]*rights of the program file of Node\.js[^\n]*; [^\n]*ktrace doctor[^\n]*\n$/);
  });

  test('without /proc, and without BTF: says so, and exits with 77', async (t) => {
    for (const [path, key, words] of [['/proc', 'pid-namespace', /not mounted/], ['/sys/kernel/btf', 'btf', /has none/]] as const) {
      const said = await document(t, ['unshare', '-m', 'sh', '-c', `mount -t tmpfs none ${path} && exec "$@"`, 'sh']);
      t.equal(said.runs, false);
      t.match(finding(said, key), { state: 'fails', text: words });
    }
  });

  test('as root of a user namespace: every line names that as the cause, and no remedy is one that cannot help', async (t) => {
    if (spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0) return void t.pass('skipped', { skip: 'no user namespaces here' });
    const said = await document(t, ['unshare', '--user', '--map-root-user']);
    t.equal(said.runs, false);
    for (const key of ['capabilities', 'ring-buffer', 'task-storage', 'iterators']) t.match(finding(said, key).remedy, /outside/, key);
    for (const { key, state, remedy } of said.findings) if (state !== 'works') t.notMatch(remedy, /lockdown|security module|add CAP_/, key);
  });

  test('in another pid namespace: limits, and it runs', async (t) => {
    const said = await document(t, ['unshare', '-pf', '--mount-proc']);
    t.equal(said.runs, true);
    t.equal(finding(said, 'pid-namespace').state, 'limited');
  });

  test('a package that is broken: prints what it can, names the remedy and exits with 77', async (t) => {
    const directory = packageCopy(t);
    const cli = join(directory, 'dist/cli/main.js');
    writeFileSync(join(directory, 'build/bpf/manifest.json'), '{');
    t.match((await document(t, [], cli)).tools[0], { state: 'fails', remedy: 'Install ktrace again.' });
    cpSync(join(ROOT, 'build/bpf/manifest.json'), join(directory, 'build/bpf/manifest.json'));
    for (const file of ['oom.bpf.o', 'oom.legacy.bpf.o']) truncateSync(join(directory, 'build/bpf', file), 5000);
    for (const file of ['futex.bpf.o', 'futex.legacy.bpf.o']) rmSync(join(directory, 'build/bpf', file));
    const { tools, runs } = await document(t, [], cli);
    t.equal(runs, true);
    for (const { tool, state, remedy } of tools) {
      const spoilt = tool === 'oom' ? 'Install ktrace again.' : tool === 'futex' ? 'Build it: `npm run setup`.' : undefined;
      t.strictSame([state === 'fails', remedy], [spoilt !== undefined, spoilt ?? remedy], `${tool}, whether it was loaded or not`);
    }
    rmSync(join(directory, 'build/Release/ktrace.node'));
    const said = await document(t, [], cli);
    t.match(finding(said, 'addon'), { state: 'fails', text: /is not built/, remedy: /npm run setup/ });
    t.match(finding(said, 'kernel').text, release());
    const { code, stdout } = await doctor(t, [], [], cli);
    t.equal(code, 77);
    t.match(stdout, /No tool runs here\.\n$/);
  });

  test('files that others can change are told when root runs them', async (t) => {
    const directory = packageCopy(t);
    chmodSync(join(directory, 'build/Release/ktrace.node'), 0o666);
    const cli = join(directory, 'dist/cli/main.js');
    const { state, text, remedy } = finding(await document(t, [], cli), 'own-files');
    t.match([state, text, remedy], ['limited', /can be changed by everybody/, /chmod go-w .*ktrace\.node/]);
    t.equal(finding(await document(t, NOBODY, cli), 'own-files').state, 'works', 'without rights it does not matter');
  });

  test('a wrong command line: one line, exit code 2', async (t) => {
    for (const args of [['--nonsense'], ['extra'], ['--', 'true'], ['--json=x']]) {
      const { code, stdout, stderr } = await doctor(t, args);
      t.strictSame([code, stdout], [2, ''], args.join(' '));
      t.match(stderr, /^ktrace: [^\n]*\n$/);
    }
    t.match((await doctor(t, ['--help'])).stdout, /--json/);
    const help = run(t, process.execPath, [CLI, '--help']);
    await help.exit();
    t.match(help.stdout, /^ {2}doctor /m);
  });
});
