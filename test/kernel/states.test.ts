/** The state that programs keep of a task: made although another user of task storage comes to the same task at that moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { addonPath } from '../bpf/probe.js';
import { kernelVersion, ROOT, SLOWNESS } from './machine.js';
import { whyNot } from './suite.js';

/** Before 5.17 states are in a table, and nothing of this can happen. */
const FILE = join(ROOT, `build/bpf/exec${kernelVersion() < 517 ? '.legacy' : ''}.bpf.o`);
const PROCESSES = 300;
const ROUNDS = 10;
/** struct exec_living */
const LIVING_BYTES = 16;
/** Opens the programs of `ktrace exec`, waits for the other one, and has the kernel make a state for each process of the machine. */
const SEED = `
  const { parentPort, workerData: { addon, file, ready } } = require('node:worker_threads');
  const { BpfObject } = require(addon);
  const object = new BpfObject(require('node:fs').readFileSync(file), 'ktrace');
  for (const program of ['seed__any', 'living__any']) object.setAutoload(program, true);
  object.load();
  Atomics.add(ready, 0, 1);
  while (Atomics.load(ready, 0) < 2);
  object.iterate('seed__any');
  const refused = new BigUint64Array(object.lookup('stateless', new Uint8Array(4)).slice().buffer).reduce((sum, count) => sum + Number(count), 0);
  const living = object.iterate('living__any').length / ${LIVING_BYTES};
  object.close();
  parentPort.postMessage({ refused, living });`;

async function seed(t: Test, ready: Int32Array): Promise<{ refused: number; living: number }> {
  const worker = new Worker(SEED, { eval: true, workerData: { addon: addonPath, file: FILE, ready } });
  t.teardown(() => worker.terminate()); // where one of them fails, the other one waits for it
  const [found] = (await once(worker, 'message')) as [{ refused: number; living: number }];
  return found;
}

/** Of which no tracer knows anything yet. */
async function newProcesses(t: Test): Promise<void> {
  const shell = spawn('sh', ['-c', `i=0; while [ $i -lt ${PROCESSES} ]; do sleep infinity & i=$((i + 1)); done; echo begun; wait`], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(shell, 'spawn');
  const closed = once(shell, 'close');
  t.teardown(async () => {
    process.kill(-(shell.pid as number), 'SIGKILL');
    await closed;
  });
  await once(shell.stdout, 'data');
}

const why = whyNot();
if (why !== undefined) t.plan(0, why);
else {
  t.test('two at once make a state for each process of the machine', { timeout: 120_000 * SLOWNESS }, async (t) => {
    for (let round = 1; round <= ROUNDS; round++) {
      await t.test(`round ${round}`, async (t) => {
        await newProcesses(t);
        const ready = new Int32Array(new SharedArrayBuffer(4));
        for (const { refused, living } of await Promise.all([seed(t, ready), seed(t, ready)])) {
          t.equal(refused, 0, 'none is refused');
          t.ok(living > PROCESSES, 'each has one');
        }
      });
    }
  });
}
