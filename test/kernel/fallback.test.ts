/** Which variant is taken where the kernel refuses the better ones, and where that is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { schema } from '../../src/generated/futex.js';
import type { Header } from '../../src/report/model.js';
import { kernelFacts } from '../../src/source/facts.js';
import { planAttach } from '../../src/source/plan.js';
import { suite } from './suite.js';
import { futex, ktrace, lacking } from './tracer.js';

const ORDER: readonly string[] = planAttach(schema.programs, kernelFacts(), { optional: [] }).map(({ variant }) => variant);

const words = ({ variant, stage, errno }: Header['attempts'][number]): string => `${variant}: ${stage} ${errno}`;

async function headerOf(t: Test): Promise<Pick<Header, 'variant' | 'attempts' | 'limits'>> {
  const { header } = await ktrace(t, ['-o', 'json', '-p', String(process.pid), '-d', '10ms']).report(t, { signal: null });
  return header as unknown as Header;
}

suite(1, (test) => {
  test('what the kernel refused before is in the header, and --dry-run -v tells it', async (t) => {
    const { variant, attempts, limits } = await headerOf(t);
    t.strictSame(attempts.map(words), ORDER.slice(0, ORDER.indexOf(variant)).map((each) => lacking(each)));
    const dry = ktrace(t, ['--dry-run', '-v']);
    t.strictSame(await dry.exit(), { code: 0, signal: null });
    const told = [`ktrace: loaded and attached (variant ${variant}); nothing was traced`, ...attempts.map((each) => `Variant ${each.variant} did not ${each.stage}: ${each.errno}`), ...limits.map((limit) => `Not seen: ${limit}`)];
    t.equal(dry.stderr.trim().replace(/\s+/g, ' '), told.join(' '), 'but for where lines are broken');
    t.strictSame(dry.stderr.split('\n').filter((line) => line.length > 80), []);
  });

  test('where a function has no room for more hooks the next variant is taken, until there is room again', async (t) => {
    const why = lacking('fentry');
    if (why !== undefined) return void t.pass('skipped', { skip: why });
    const sessions: Awaited<ReturnType<typeof futex>>[] = [];
    const fill = async (): Promise<void> => {
      while (sessions.length < 50) sessions.push(await futex({ pid: process.pid, variant: 'fentry' }));
    };
    try {
      t.match(await fill().catch((error: unknown) => error), { attempts: [{ variant: 'fentry', stage: 'attach', errno: 'E2BIG' }], hint: /the kernel takes some forty for each/ });
      const full = await headerOf(t);
      if (ORDER[0] === 'fentry') t.match(full, { variant: 'tracepoint', attempts: [{ variant: 'fentry', stage: 'attach', errno: 'E2BIG' }] });
      else t.match(full, { variant: ORDER[0], attempts: { length: 0 } }, 'which does not ask that function');
    } finally {
      await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
    }
    for (const end = Date.now() + 60_000; Date.now() < end && (await headerOf(t)).variant !== ORDER[0]; ) await sleep(200); // it lets go of them after a grace period
    t.match(await headerOf(t), { variant: ORDER[0], attempts: { length: 0 } });
  });
});
