import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { Session } from '../../src/source/session.js';
import type { SessionOptions } from '../../src/source/options.js';
import { sampleTool } from '../../src/tools/sample/tool.js';

const CALLS = 23;
/** Says that it is there, waits for a line, then calls getppid(2) so many times. */
const WORKLOAD = `process.stdin.once('data', () => { for (let i = 0; i < ${CALLS}; i++) process.ppid; process.exit(); });
process.stdout.write('ready');`;

function optionsFor(pid: number): SessionOptions {
  return {
    filters: { pids: [pid], tids: [], comms: [], cgroup: undefined, minWaitNs: 0, launched: false, follow: false },
    own: {},
    limits: { maxKeys: 16, ringBytes: 4096 },
    events: false, backlog: 0, includeSelf: false, variant: undefined, durationNs: undefined, signal: undefined,
    rows: 10, sort: undefined, all: false, verbose: false, target: `${pid}`, filterWords: [],
  };
}

if (process.getuid?.() !== 0) t.plan(0, 'not root');
else {
  t.test(`${CALLS} calls of one process are ${CALLS} calls in the report`, { timeout: 60_000 }, async (t) => {
    const child = spawn(process.execPath, ['-e', WORKLOAD], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await using session = new Session(sampleTool, optionsFor(child.pid ?? 0));
    child.stdin.write('go\n');
    await once(child, 'exit');
    const report = session.stop();
    t.match(report.sections[0]?.rows, [{ pid: child.pid, calls: CALLS }]);
    const { hits, aggregated, inFlight, filtered, dropped } = report.header.accounting;
    t.equal(hits, CALLS);
    t.equal(hits, aggregated + inFlight + filtered + dropped, 'conservation');
  });
}
