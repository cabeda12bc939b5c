/** Ordinary users, by sudo or with ambient capabilities: what the page of each tool says its variants take is enough, and nothing of it is too much. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { registry } from '../../src/generated/registry.js';
import type { FutexReport } from './futex-model.js';
import { capabilitiesOf } from '../pages.js';
import type { ConnectReport } from './connects.js';
import { only, sameDuel } from './compare.js';
import type { ExecReport } from './execs.js';
import { accounts, whole } from './losses.js';
import { CLI, DISPOSABLE, kernelVersion } from './machine.js';
import { Limited, memoryController, MIB, oomLines } from './ooms.js';
import { hung, run, workload, type Exit } from './processes.js';
import { everyThread, KEPT, NOBODY, rightsOf, SUDO, WITH_TRACEFS } from './rights.js';
import { suite } from './suite.js';
import { ktrace, lacking } from './tracer.js';

const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
/** Variants whose hooks are perf events: above 2 the kernels of Debian and Ubuntu want CAP_SYS_ADMIN for these. */
const OF_PERF: readonly string[] = ['tracepoint', 'kprobe'];
/** Before Linux 5.11 maps count as locked memory, of which the tests leave a user little: see README.md. */
const LOCKED: readonly string[] = kernelVersion() < 511 ? ['CAP_SYS_RESOURCE'] : [];

const withCapabilities = (capabilities: readonly string[], lockedBytes: number | 'unlimited' = 65_536): string[] => {
  const caps = capabilities.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`).join(',');
  return [...WITH_TRACEFS, 'prlimit', `--memlock=${lockedBytes}`, 'setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', `--inh-caps=${caps}`, `--ambient-caps=${caps}`];
};

async function dryRun(t: Test, prefix: readonly string[], tool: string, variant: string): Promise<Exit & { stderr: string }> {
  const [file = '', ...words] = [...prefix, process.execPath, CLI, tool, '--variant', variant, '--dry-run'];
  const running = run(t, file, words);
  return { ...(await running.exit()), stderr: running.stderr };
}

/** Why its hooks cannot be tried with these capabilities here; undefined when they can. */
function unlessPerfIsOpen(t: Test, variant: string): string | undefined {
  const before = readFileSync(PARANOID, 'utf8');
  if (!OF_PERF.includes(variant) || Number(before) <= 2) return undefined;
  if (!DISPOSABLE) return `perf_event_paranoid is ${before.trim()} here, a setting of the whole machine`;
  t.teardown(() => writeFileSync(PARANOID, before));
  writeFileSync(PARANOID, '2');
  return undefined;
}

/** A variant of a tool that this kernel takes, and what its page says that it takes. */
function taken(tool: string): { readonly variant: string; readonly needed: readonly string[] } {
  const [variant = '', needed = []] = [...capabilitiesOf(tool)].find(([each]) => lacking(each, tool) === undefined) ?? [];
  return { variant, needed: [...needed, ...LOCKED] };
}

suite(1, (test) => {
  test('under sudo every thread becomes who called it, with three capabilities; and the report is whole', async (t) => {
    const { program, truth } = await hung(t, 'deadlock');
    const tracer = await ktrace(t, ['-o', 'json', '-p', String(program.pid)], { env: SUDO }).tracing();
    everyThread(t, tracer, NOBODY, KEPT);
    await tracer.says(/DEADLOCK/, 'stderr');
    const report = await tracer.report(t);
    t.strictSame(report.sections.deadlocks.rows.map(({ thread }) => thread).sort(), ['dl-0', 'dl-1']);
    t.match(report.sections.inFlight.rows.map(({ place }) => place).join(), /deadlock\+0x/, 'root\'s memory map is read');
    t.equal(truth.cycle.length, 2);
  });

  const COMPLETE = ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', ...LOCKED];

  test('four capabilities: the whole report, and three of them are kept', async (t) => {
    const { report, truth } = await whole(t, async () => {
      const target = await workload(t, 'mutex');
      const tracer = await ktrace(t, ['-o', 'json', '-p', String(target.pid)], { prefix: withCapabilities(COMPLETE) }).tracing();
      for (const { uids, capabilities, noNewPrivileges } of rightsOf(tracer.pid)) {
        t.strictSame([uids, capabilities.slice(0, 2), noNewPrivileges], [Array(4).fill(NOBODY).join('\t'), [KEPT, KEPT], '1']);
      }
      target.line();
      const truth = await target.truth();
      return { report: await tracer.report(t), truth };
    });
    const row = only(t, report.sections.locks.rows, 'lock');
    sameDuel(t, row, truth);
    t.match(row.place, /^mutex\+0x/, 'the memory map of root\'s process is read');
  });

  for (const missing of ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH'].filter((name) => name === 'CAP_SYS_PTRACE' || lacking('fentry') === undefined)) {
    test(`without ${missing} the report says whose memory it could not read`, async (t) => {
      const prefix = withCapabilities(COMPLETE.filter((name) => name !== missing));
      const { program } = await hung(t, 'deadlock');
      const tracer = await ktrace(t, ['-o', 'json', '-p', String(program.pid), '-d', '300ms'], { prefix }).tracing();
      const { header, sections } = await tracer.report(t, { signal: null });
      t.strictSame(sections.deadlocks.rows, []);
      t.match(header.limits.join(), `The memory of process ${program.pid} (it takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)`);
    });
  }

  for (const variant of OF_PERF) {
    test(`futex ${variant}: where perf_event_paranoid is above 2 it takes CAP_SYS_ADMIN, and says so`, async (t) => {
      const why = lacking(variant) ?? (Number(readFileSync(PARANOID, 'utf8')) > 2 ? undefined : 'perf_event_paranoid is not above 2 here');
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      const needed = [...(capabilitiesOf('futex').get(variant) ?? []), ...LOCKED];
      t.match(await dryRun(t, withCapabilities(needed), 'futex', variant), { code: 77, stderr: /perf_event_paranoid is \d+, .* CAP_SYS_ADMIN/ });
      t.match(await dryRun(t, withCapabilities([...needed, 'CAP_SYS_ADMIN']), 'futex', variant), { code: 0 });
    });
  }

  for (const { cli: { name: tool } } of registry) {
    for (const [variant, named] of capabilitiesOf(tool)) {
      test(`${tool} ${variant}: loads and attaches with ${named.join(', ')}, and with nothing less`, async (t) => {
        const why = unlessPerfIsOpen(t, variant);
        if (why !== undefined) return void t.pass('skipped', { skip: why });
        const needed = [...named, ...LOCKED];
        const found = await dryRun(t, withCapabilities(needed), tool, variant);
        const refused = found.code === 0 ? undefined : lacking(variant, tool);
        if (refused !== undefined) return void t.pass('skipped', { skip: refused });
        t.match(found, { code: 0, stderr: `ktrace: loaded and attached (variant ${variant})` });
        for (const missing of needed) t.match(await dryRun(t, withCapabilities(needed.filter((name) => name !== missing)), tool, variant), { code: 77 }, `without ${missing}`);
      });
    }
  }

  if (LOCKED.length > 0) test('little locked memory is told as that, and much of it does instead of CAP_SYS_RESOURCE', async (t) => {
    const { variant, needed } = taken('exec');
    const others = needed.filter((name) => !LOCKED.includes(name));
    t.match(await dryRun(t, withCapabilities(others), 'exec', variant), { code: 77, stderr: /locked memory, of which this user may have 65536 bytes: .*raise the limit/ });
    t.match(await dryRun(t, withCapabilities(others, 'unlimited'), 'exec', variant), { code: 0 });
  });

  /** A command under a tool, as that user. */
  const traced = async <T extends Pick<FutexReport, 'header' | 'losses'>>(t: Test, tool: string, command: readonly string[]): Promise<T> => {
    const { variant, needed } = taken(tool);
    const why = unlessPerfIsOpen(t, variant);
    if (why !== undefined) t.comment(why);
    const prefix = withCapabilities(why === undefined ? needed : [...needed, 'CAP_SYS_ADMIN']);
    const { report } = await whole(t, async () => {
      const tracer = ktrace(t, ['-o', 'json', '--variant', variant, '--', ...command], { tool, prefix });
      await tracer.exit();
      return { report: JSON.parse(tracer.stdout) as T };
    });
    accounts(t, report);
    return report;
  };

  test('exec traces', async (t) => {
    const { sections } = await traced<ExecReport>(t, 'exec', ['/bin/true']);
    t.match(sections.programs.rows, [{ program: '/bin/true', started: 1, ended: 1, ends: [{ name: 'exit 0', count: 1 }] }]);
  });

  test('connect traces', async (t) => {
    const { sections } = await traced<ConnectReport>(t, 'connect', ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/1']);
    t.match(sections.attempts.rows, [{ key: '127.0.0.1:1', attempts: 1, failed: 1, errors: [{ name: 'ECONNREFUSED', count: 1 }] }]);
  });

  test('syscalls traces', async (t) => {
    const report = await traced<FutexReport>(t, 'syscalls', ['/bin/true']);
    const { rows } = (report.sections as unknown as { readonly work: { readonly rows: readonly { readonly syscall: string; readonly calls: number }[] } }).work;
    t.strictSame(rows.filter(({ syscall }) => ['execve', 'exit_group'].includes(syscall)).map(({ calls }) => calls), [1, 1]);
  });

  const listed = async (t: Test, prefix: readonly string[]): Promise<{ code: number | null; stderr: string }> => {
    const list = ktrace(t, ['--list'], { tool: 'oom', prefix });
    return { code: (await list.exit()).code, stderr: list.stderr };
  };

  for (const more of [['CAP_SYSLOG'], []]) {
    test(`oom traces, and ${more.length > 0 ? 'with CAP_SYSLOG the kernel log says the rest' : 'without CAP_SYSLOG says what is missing'}`, async (t) => {
      const group = Limited.make(t, memoryController(), 16 * MIB);
      const prefix = withCapabilities([...(capabilitiesOf('oom').get('log') ?? []), ...LOCKED, ...more]);
      const tracer = await ktrace(t, ['-o', 'ndjson', '--variant', 'log'], { tool: 'oom', prefix }).tracing();
      const hog = await group.hog(t, '--anon', '64');
      hog.line();
      t.strictSame(await hog.exit(), { code: null, signal: 'SIGKILL' });
      const { incidents: [incident], report } = oomLines(t, await tracer.finish(t));
      t.strictSame(incident?.victims.map(({ pid }) => pid), [hog.pid]);
      const restricted = readFileSync('/proc/sys/kernel/dmesg_restrict', 'utf8').trim() === '1';
      const isClosed = more.length === 0 && restricted;
      if (isClosed) t.match(incident?.missing.join(), 'the kernel log may not be read');
      else t.equal(incident?.limit, 16 * MIB);
      t.equal(report.header.limits.some((limit) => limit.startsWith('The kernel log, ')), isClosed);
      const { code, stderr } = await listed(t, prefix);
      t.strictSame([code, /^ktrace: The kernel log cannot be read: [^\n]*; be root, or have CAP_SYSLOG/.test(stderr)], isClosed ? [77, true] : [0, false]);
    });
  }
});
