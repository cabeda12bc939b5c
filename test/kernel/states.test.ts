/** The state that programs keep of a task: made although another user of task storage comes to the same task at that moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { addonPath } from '../bpf/probe.js';
import { kernelVersion, ROOT } from './machine.js';
import { whyNot } from './suite.js';

/** Before 5.17 states are in a table. */
const FILE = join(ROOT, `build/bpf/exec${kernelVersion() < 517 ? '.legacy' : ''}.bpf.o`);
const PROCESSES = 300;
const ROUNDS = 10;
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
  const counts = new BigUint64Array(object.lookup('stateless', new Uint8Array(4)).slice().buffer);
  const lived = object.iterate('living__any').length;
  object.close();
  parentPort.postMessage({ refused: Number(counts.reduce((sum, count) => sum + count, 0n)), lived });`;

async function seed(ready: Int32Array): Promise<{ refused: number; lived: number }> {
  const worker = new Worker(SEED, { eval: true, workerData: { addon: addonPath, file: FILE, ready } });
  const [found] = (await once(worker, 'message')) as [{ refused: number; lived: number }];
  await worker.terminate();
  return found;
}

const why = whyNot();
if (why !== undefined) t.plan(0, why);
else {
  t.test('two at once make a state for each process of the machine', { timeout: 120_000 }, async (t) => {
    const shell = spawn('sh', ['-c', `i=0; while [ $i -lt ${PROCESSES} ]; do sleep 100 & i=$((i + 1)); done; echo begun; wait`], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    t.teardown(() => process.kill(-(shell.pid ?? 0), 'SIGKILL'));
    await once(shell.stdout, 'data');
    for (let round = 0; round < ROUNDS; round++) {
      const ready = new Int32Array(new SharedArrayBuffer(4));
      for (const { refused, lived } of await Promise.all([seed(ready), seed(ready)])) {
        t.equal(refused, 0, 'none is refused');
        t.ok(lived > 16 * PROCESSES, 'each has one');
      }
    }
  });
}
