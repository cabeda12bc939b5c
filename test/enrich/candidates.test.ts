import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import t from 'tap';
import { outlook } from '../../src/enrich/candidates.js';
import { procScore } from '../../src/tools/oom/score.js';

const PAGES_PER_CPU = 4 * 64; // counters of a process that lie with a CPU: four of percpu_counter_batch pages

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

t.test('scores are those of the kernel, for every process of this machine', (t) => {
  const { candidates, totalPages, cgroup, limit } = outlook();
  t.match({ cgroup, limit }, { cgroup: null, limit: null });
  t.ok(totalPages !== null && totalPages > 1000 && candidates.length > 0);
  const slack = PAGES_PER_CPU * cpus().length;
  let compared = 0;
  for (const { pid, score, adj, process: name } of candidates) {
    const [before, after] = [textOf(`/proc/${pid}/oom_score`), textOf(`/proc/${pid}/oom_score`)];
    if (before === undefined || before !== after) continue; // it is going
    const [least, most] = score === null ? [0, 0] : [procScore(score - slack, totalPages ?? 1), procScore(score + slack, totalPages ?? 1)];
    t.ok(Number(before) >= least && Number(before) <= most, `${name} (${pid}): ${before} is from ${least} to ${most}; oom_score_adj ${adj}`);
    compared++;
  }
  t.ok(compared > 0);
  t.end();
});

t.test('the parent of this process is a candidate; who asks, and threads of the kernel, are none', (t) => {
  const { candidates, missing } = outlook();
  t.match(candidates.find(({ pid }) => pid === process.ppid), { uid: process.getuid?.(), score: Number, memory: { anon: Number } });
  t.notOk(candidates.some(({ pid }) => textOf(`/proc/${pid}/cmdline`) === '' && textOf(`/proc/${pid}/maps`) === ''));
  const ids = candidates.map(({ pid }) => pid);
  t.notOk(ids.includes(process.pid));
  t.equal(new Set(ids).size, ids.length);
  t.equal(missing.length === 0 && ids.includes(1), false, 'nor is the first process of all');
  const scores = candidates.map(({ score }) => score ?? -Infinity);
  t.strictSame(scores, [...scores].sort((a, b) => b - a));
  t.strictSame(candidates.map(({ victim }) => victim).indexOf(true), 0);
  t.end();
});

t.test('the more it asks to be killed, the more it is first', async (t) => {
  const child = spawn('sh', ['-c', 'echo 1000 >/proc/self/oom_score_adj; echo 1000 >/proc/$$/oom_score_adj; echo ready; read -r line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const found = outlook().candidates.find(({ pid }) => pid === child.pid);
  t.match(found, { adj: 1000, process: 'sh' });
  t.equal(Number(textOf(`/proc/${child.pid}/oom_score`)), procScore(found?.score ?? null, outlook().totalPages ?? 1));
  child.stdin.end();
  await once(child, 'exit');
  t.notOk(outlook().candidates.some(({ pid }) => pid === child.pid), 'it is gone');
});
