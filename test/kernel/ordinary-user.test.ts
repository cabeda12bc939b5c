/** Ordinary users, by sudo or with ambient capabilities: what README.md says each variant takes is enough, and nothing of it is too much. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { registry } from '../../src/generated/registry.js';
import { only, sameDuel } from './compare.js';
import { whole } from './losses.js';
import { CLI, DISPOSABLE, kernelVersion } from './machine.js';
import { hung, run, workload, type Exit } from './processes.js';
import { everyThread, KEPT, NOBODY, rightsOf, SUDO, WITH_TRACEFS } from './rights.js';
import { suite } from './suite.js';
import { FUTEX, ktrace, lacking } from './tracer.js';

const PARANOID = '/proc/sys/kernel/perf_event_paranoid';
const VARIANTS = [['fentry', 'bpf', 'perfmon'], ['kprobe', 'bpf', 'perfmon'], ['tracepoint', 'bpf', 'perfmon', 'dac_read_search']] as const;

const withCapabilities = (capabilities: readonly string[]): string[] => {
  const caps = capabilities.map((name) => `+${name}`).join(',');
  return [...WITH_TRACEFS, 'setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', `--inh-caps=${caps}`, `--ambient-caps=${caps}`];
};

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

  test('four capabilities: the whole report, and three of them are kept', async (t) => {
    const prefix = withCapabilities(['bpf', 'perfmon', 'sys_ptrace', 'dac_read_search']);
    const { report, truth } = await whole(t, async () => {
      const target = await workload(t, 'mutex');
      const tracer = await ktrace(t, ['-o', 'json', '-p', String(target.pid)], { prefix }).tracing();
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

  for (const missing of ['sys_ptrace', 'dac_read_search'].filter((name) => name === 'sys_ptrace' || lacking('fentry') === undefined)) {
    test(`without ${missing} the report says whose memory it could not read`, async (t) => {
      const prefix = withCapabilities(['bpf', 'perfmon', 'sys_ptrace', 'dac_read_search'].filter((name) => name !== missing));
      const { program } = await hung(t, 'deadlock');
      const tracer = await ktrace(t, ['-o', 'json', '-p', String(program.pid), '-d', '300ms'], { prefix }).tracing();
      const { header, sections } = await tracer.report(t, { signal: null });
      t.strictSame(sections.deadlocks.rows, []);
      t.match((header as unknown as { limits: string[] }).limits.join(), `The memory of process ${program.pid} (it takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)`);
    });
  }

  for (const [variant, ...needed] of VARIANTS) {
    const dryRun = async (t: Test, capabilities: readonly string[]): Promise<Exit & { stderr: string }> => {
      const [file = '', ...words] = [...withCapabilities(capabilities), ...FUTEX, '--variant', variant, '--dry-run'];
      const running = run(t, file, words);
      return { ...(await running.exit()), stderr: running.stderr };
    };

    test(`${variant}: loads and attaches with ${needed.join(', ')}, and with nothing less`, async (t) => {
      const why = lacking(variant);
      if (why !== undefined) return void t.pass('skipped', { skip: why });
      if (variant !== 'fentry' && Number(readFileSync(PARANOID, 'utf8')) > 2) {
        t.match(await dryRun(t, needed), { code: 77, stderr: /perf_event_paranoid is \d+, .* CAP_SYS_ADMIN/ });
        t.match(await dryRun(t, [...needed, 'sys_admin']), { code: 0 });
        if (!DISPOSABLE) return; // a setting of the whole machine
        const before = readFileSync(PARANOID);
        t.teardown(() => writeFileSync(PARANOID, before)); // the other variant is refused, too
        writeFileSync(PARANOID, '2');
      }
      t.match(await dryRun(t, needed), { code: 0 });
      for (const missing of needed) t.match(await dryRun(t, needed.filter((name) => name !== missing)), { code: 77 }, `without ${missing}`);
    });
  }

  test('every tool loads and attaches with bpf, perfmon and dac_read_search', async (t) => {
    if (kernelVersion() < 511) return void t.pass('skipped', { skip: 'before Linux 5.11 maps count as locked memory' });
    for (const { cli } of registry) {
      if (lacking('fentry') !== undefined && Number(readFileSync(PARANOID, 'utf8')) > 2) continue; // hooks are perf events then
      const [file = '', ...words] = [...withCapabilities(['bpf', 'perfmon', 'dac_read_search']), process.execPath, CLI, cli.name, '--dry-run'];
      const running = run(t, file, words);
      t.match({ ...(await running.exit()), stderr: running.stderr }, { code: 0, stderr: /^ktrace: loaded and attached/ }, cli.name);
    }
    t.ok(registry.length > 4);
  });
});
