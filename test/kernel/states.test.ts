/** The state that programs keep of a task: made although another user of task storage comes to the same task at that moment. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Test } from 'tap';
import { addonPath } from '../bpf/probe.js';
import { EMULATED, kernelVersion, ROOT } from './machine.js';
import { endAll, run } from './processes.js';
import { suite } from './suite.js';

/** Before 5.17 states are in a table, and nothing of this can happen: then once is enough. */
const LEGACY = kernelVersion() < 517;
const FILE = join(ROOT, `build/bpf/exec${LEGACY ? '.legacy' : ''}.bpf.o`);
const PROCESSES = 300;
const ROUNDS = LEGACY ? 1 : EMULATED ? 4 : 10;
/**
 * Opens the programs of `ktrace exec`, waits for the other one, and has the kernel make a state for each process of the machine. Of struct
 * exec_living: 16 bytes, the id of the process in the ninth to twelfth.
 */
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
  const living = new Uint32Array(object.iterate('living__any').slice().buffer).filter((_, i) => i % 4 === 2);
  object.close();
  parentPort.postMessage({ refused, living });`;

interface Seeded {
  readonly refused: number;
  readonly living: Uint32Array;
}

async function seed(t: Test, ready: Int32Array): Promise<Seeded> {
  const worker = new Worker(SEED, { eval: true, workerData: { addon: addonPath, file: FILE, ready } });
  t.teardown(() => worker.terminate()); // where one of them fails, the other one waits for it
  const [found] = (await once(worker, 'message')) as [Seeded];
  return found;
}

/** Of which no tracer knows anything yet; they end with their shell. */
async function newProcesses(t: Test): Promise<number[]> {
  const shell = run(t, 'sh', ['-c', `i=0; while [ $i -lt ${PROCESSES} ]; do setpriv --pdeathsig KILL sleep infinity >/dev/null 2>&1 & echo $!; i=$((i + 1)); done; echo begun; wait`]);
  const [text] = await shell.says(/^[\d\n]+begun$/m);
  return text.split('\n').slice(0, -1).map(Number);
}

suite(1, (test) => {
  test('two at once make a state for each process of the machine', async (t) => {
    for (let round = 1; round <= ROUNDS; round++) {
      const pids = await newProcesses(t);
      t.equal(pids.length, PROCESSES);
      const ready = new Int32Array(new SharedArrayBuffer(4));
      for (const { refused, living } of await Promise.all([seed(t, ready), seed(t, ready)])) {
        t.equal(refused, 0, 'none is refused');
        t.strictSame(pids.filter((pid) => !living.includes(pid)), [], 'each has one');
      }
      await endAll(t);
    }
  });
});
