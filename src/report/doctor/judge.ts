/** From facts to findings: pure, so that each state of each line can be tested on any machine. */
import type { DoctorFacts } from './facts.js';
import { judgeBpf, judgeMachine, judgeStacks } from './machine.js';
import type { Diagnosis, Finding, FindingGroup } from './model.js';
import { judgePackage } from './package.js';
import { judgeRights } from './rights.js';
import { judgeHooks, judgeTool, listHooks, type Blocker } from './tools.js';

/** Findings that, when they fail, leave nothing to run; the first that fails is named. */
const BLOCKING: readonly string[] = ['node', 'addon', 'pid-namespace', 'btf', 'node-rights', 'capabilities', 'ring-buffer', 'iterators'];

export function diagnose(facts: DoctorFacts): Diagnosis {
  const groups: FindingGroup[] = [
    { title: 'Machine', findings: judgeMachine(facts) },
    { title: 'Rights', findings: judgeRights(facts) },
    { title: 'ktrace', findings: judgePackage(facts) },
    { title: 'BPF', findings: judgeBpf(facts) },
    { title: 'Stacks', findings: judgeStacks(facts) },
  ];
  const blocker = blockerOf(groups.flatMap(({ findings }) => findings));
  const tools = facts.tools.map((tool) => judgeTool(facts, tool, blocker));
  const hooks = facts.tools.flatMap((tool, i) => { const judged = tools[i]; return judged ? judgeHooks(facts, tool, judged) : []; });
  return {
    version: facts.version,
    groups: hooks.length > 0 ? [...groups, { title: 'Hooks', findings: hooks }] : groups,
    hooks: facts.tools.flatMap(listHooks),
    tools,
    runs: tools.some(({ variant }) => variant !== undefined),
  };
}

function blockerOf(findings: readonly Finding[]): Blocker | undefined {
  return BLOCKING.map((key) => findings.find((finding) => finding.key === key && finding.state === 'fails')).find((finding) => finding !== undefined);
}
