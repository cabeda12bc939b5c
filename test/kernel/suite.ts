/** The tests of one file, and what they need before they can run. */
import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { kernelFacts } from '../../src/source/facts.js';
import { orphans } from './bpf-objects.js';
import type { Truth } from './futex-model.js';
import { repeating } from './losses.js';
import { CLI, kernelVersion, SLOWNESS } from './machine.js';
import { program } from './processes.js';

/** Why nothing can be traced here; undefined when it can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  for (const path of [CLI, program('mutex')]) if (!existsSync(path)) throw new Error(`${path} is missing: npm run build`);
  return undefined;
}

/**
 * The tests of one file, several at a time; each is fed by processes of its own. One at a time where functions are hooked: each hook
 * that is put on a function makes the kernel leave out the ends of calls under way, which is counted, and not what is tested here.
 */
export function suite(jobs: number, define: (test: (title: string, body: (t: Test) => Promise<void>, timeoutSeconds?: number) => void) => void): void {
  const why = whyNot();
  if (why !== undefined) {
    t.plan(0, why);
    return;
  }
  const alone = kernelFacts().refused['fentry'] === undefined;
  t.jobs = alone ? 1 : jobs;
  define((title, body, timeoutSeconds = 120) => {
    t.test(title, { buffered: t.jobs > 1, timeout: 1000 * SLOWNESS * timeoutSeconds }, (t) => repeating(t, body));
  });
  t.test('after all of it, no program of ours is left without a process', async (t) => {
    t.strictSame(await orphans(), []);
  });
}

/** A workload that says `skip`: the kernel lacks the feature, or is new enough and should not. */
export function skips(t: Test, truth: Truth, since: number): boolean {
  if (truth.skip === undefined) return false;
  if (kernelVersion() >= since) t.fail(`this kernel has it: ${truth.skip}`);
  else t.pass(truth.skip, { skip: truth.skip });
  return true;
}
