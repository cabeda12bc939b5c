/** What the verifier had to look at for each program: it bounds the time to load, and kernels refuse programs above a limit. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadBinding } from '../../src/native/load.js';
import { registry } from '../../src/generated/registry.js';
import { kernelFacts } from '../../src/source/facts.js';
import { readToolObject } from '../../src/source/object.js';
import { planAttach } from '../../src/source/plan.js';
import { kernelVersion, ROOT } from './machine.js';
import { whyNot } from './suite.js';
import { lacking } from './tracer.js';

const FILE = join(ROOT, 'test/kernel/verifier.json');
const MOST = 50_000;
const GROWTH = 1.1;
const kernel = `${Math.floor(kernelVersion() / 100)}.${kernelVersion() % 100}`;

type Costs = Record<string, Record<string, number>>;

/** Options that are off where most is done. */
const NARROWING: readonly string[] = ['filter_tgid', 'rows_by'];

/**
 * The most instructions processed, by program, with every option on, and with all but these: the verifier leaves out what options make
 * unreachable.
 */
async function costs(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { load } of registry) {
    const { schema, optionalHooks } = await load();
    const facts = kernelFacts();
    const { bytes, options } = readToolObject(schema, facts);
    for (const { variant, refused, load: programs } of planAttach(schema.programs, facts, { optional: Object.keys(optionalHooks) })) {
      if (refused || lacking(variant, schema.tool) !== undefined) continue;
      for (const off of [[], NARROWING]) {
        const object = new (loadBinding().BpfObject)(bytes, `verifier_${schema.tool}`);
        for (const { name } of programs) object.setAutoload(name, true);
        for (const { name, offset, size } of options) object.writeGlobals('.rodata', offset, new Uint8Array(size).fill(off.includes(name) ? 0 : 1));
        object.load(kernelVersion() < 516); // later kernels say it of each program
        for (const { name, verifiedInsns } of object.programs()) found[`${schema.tool} ${name}`] = Math.max(verifiedInsns, found[`${schema.tool} ${name}`] ?? 0);
        object.close();
      }
    }
  }
  return found;
}

const why = whyNot();
t.test('no program costs the verifier much, or a tenth more than it did', { skip: why ?? false }, async (t) => {
  const known = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Costs) : {};
  const now = await costs();
  t.ok(Object.keys(now).length > 10, `${Object.keys(now).length} programs`);
  for (const [program, cost] of Object.entries(now)) t.ok(cost > 0 && cost <= MOST, `${program}: ${cost}`);
  if (process.env['UPDATE_GOLDENS']) {
    writeFileSync(process.env['KTRACE_COSTS'] ?? FILE, `${JSON.stringify({ ...known, [kernel]: now }, null, 2)}\n`);
    return;
  }
  const before = known[kernel];
  if (!before) return void t.pass('skipped', { skip: `no figures of Linux ${kernel}: UPDATE_GOLDENS=1 writes them` });
  t.strictSame(Object.keys(now).sort(), Object.keys(before).sort(), 'the same programs');
  for (const [program, cost] of Object.entries(now)) t.ok(cost <= GROWTH * (before[program] ?? 0), `${program}: ${cost}, before ${before[program]}`);
});
