/** Each tool's hooks and programs, tried. */
import { existsSync } from 'node:fs';
import type { HookFact, Problem, Refusal, ToolFact, VariantFact } from '../../report/doctor/facts.js';
import { loadBinding, rebuild } from '../../native/load.js';
import type { Program } from '../../btf/index.js';
import type { Tool } from '../../tools/contract.js';
import { isNativeError } from '../explain.js';
import { kernelFacts, PREFIX, VMLINUX } from '../facts.js';
import { LiveSource } from '../live.js';
import { readToolObject } from '../object.js';
import { callOf, planAttach, type AttachPlan } from '../plan.js';

const COMMON = 'any';
const TASKS = 'iter/task';
/** Loading goes on for this long, the first tool in any case; the others are judged by their hooks. */
const LOADING_MS = 80;
/** Cheap to attach, or all alike: one of each kind is attached, the others of it are found in the kernel. */
const KINDS: readonly RegExp[] = [/^tracepoint\//, /^f(entry|exit)\//, /^k(ret)?probe\//];

type Trials = ReadonlyMap<string, Refusal | undefined>;

export interface ToolTrials {
  readonly tools: readonly ToolFact[];
  /** Of the iterators over tasks. */
  readonly iterators: Refusal | undefined;
}

export function tryTools(tools: readonly Tool[]): ToolTrials {
  const facts = kernelFacts();
  const hasCall = (name: string): boolean => !existsSync(VMLINUX) || facts.hasCall(name);
  const plans = tools.map((tool) => planAttach(tool.schema.programs, { ...facts, hasCall }, { optional: Object.keys(tool.optionalHooks) }));
  const sections = tools.flatMap((tool, i) => (plans[i] ?? []).filter(({ refused }) => !refused).flatMap(({ load }) => load.flatMap((program) => sectionsOf(tool, program))));
  const trials = tryAll([TASKS, ...sections]);
  const end = performance.now() + LOADING_MS;
  const done = tools.map((tool, i) => toolFact(tool, plans[i] ?? [], trials, () => i === 0 || performance.now() < end));
  return { tools: done, iterators: trials.get(TASKS) };
}

/** A program's own section and the further ones of the tool, with functions as the kernel names them. */
function sectionsOf({ alsoOn }: Tool, { name, section }: Program): string[] {
  return [section, ...(alsoOn[name] ?? [])].map((each) => each.replace(/^(f(?:entry|exit)|k(?:ret)?probe)\/sys_/, `$1/${PREFIX}`));
}

function tryAll(all: readonly string[]): Trials {
  const sections = [...new Set(all)];
  const attached = KINDS.flatMap((kind) => sections.find((section) => kind.test(section)) ?? []);
  const order = [...attached, ...sections.filter((section) => !attached.includes(section))];
  const outcomes = loadBinding().tryHooks(order, attached.length);
  return new Map(order.map((section, i) => [section, outcomes[i]]));
}

function toolFact(tool: Tool, plans: readonly AttachPlan[], trials: Trials, mayLoad: () => boolean): ToolFact {
  const common = tool.schema.programs.filter(({ variant }) => variant === COMMON);
  const hooksOf = (programs: readonly Program[]): HookFact[] => unique(programs.flatMap((program) => hookFacts(tool, program, trials)));
  const any: VariantFact = { variant: COMMON, refused: undefined, hooks: hooksOf(common), limits: [], load: 'untried' };
  const variants: VariantFact[] = any.hooks.length > 0 ? [any] : [];
  let problem: Problem | undefined;
  let runs = any.hooks.some(stops);
  for (const plan of plans) {
    const { variant, refused, load } = plan;
    const hooks = refused ? untried(tool, load, variant) : [...hooksOf(load.filter((program) => program.variant === variant)), ...absent(tool, plan)];
    const fact: VariantFact = { variant, refused, hooks, limits: tool.limits[variant] ?? [], load: 'untried' };
    const loads = !runs && !refused && !hooks.some(stops) && mayLoad();
    const outcome = loads ? loadVariant(tool, variant) : 'untried';
    runs ||= outcome === 'works';
    if (typeof outcome === 'object' && 'message' in outcome) problem = outcome;
    else variants.push({ ...fact, load: outcome });
    if (problem) break;
  }
  return { name: tool.name, variants, problem: problem ?? (runs ? undefined : objectProblem(tool)) };
}

/** Of an object that was not loaded. */
function objectProblem({ schema }: Tool): Problem | undefined {
  try {
    readToolObject(schema, kernelFacts());
    return undefined;
  } catch (error) {
    return problemOf(error);
  }
}

/** Programs may share a hook. */
const unique = (hooks: readonly HookFact[]): HookFact[] => [...new Map(hooks.map((hook) => [hook.section, hook])).values()];

const stops = ({ refusal, optional }: HookFact): boolean => refusal !== undefined && !optional;

/** Programs that would not even load here are left out of the plan. */
function absent(tool: Tool, { variant, missing }: AttachPlan): HookFact[] {
  const programs = tool.schema.programs.filter((program) => program.variant === variant && missing.includes(callOf(program)));
  return programs.flatMap((program) => sectionsOf(tool, program)).map((section) => ({ section, refusal: { stage: 'find', code: 'ENOENT' }, optional: true }));
}

function untried(tool: Tool, programs: readonly Program[], variant: string): HookFact[] {
  return programs.filter((program) => program.variant === variant).flatMap((program) => sectionsOf(tool, program).map((section) => ({ section, refusal: undefined, optional: false })));
}

/** As when attaching, only that an optional system call is not there is no refusal. */
function hookFacts(tool: Tool, program: Program, trials: Trials): HookFact[] {
  return sectionsOf(tool, program).map((section) => {
    const call = section.startsWith('tracepoint/') ? section.replace(/^.*sys_(enter|exit)_/, '') : callOf(program);
    const refusal = trials.get(section);
    return { section, refusal, optional: call in tool.optionalHooks && refusal?.code === 'ENOENT' };
  });
}

const WHOLE_MACHINE = { pids: [], tids: [], comms: [], cgroup: undefined, minWaitNs: 0, launched: false, follow: false } as const;
const SMALL = { maxKeys: 64, ringBytes: 1 << 16 };

/** Stops between loading and attaching: tracepoints take the kernel some 40 ms each to detach. */
class Loaded extends Error {}

function loadVariant(tool: Tool, variant: string): 'works' | Refusal | Problem {
  let source: LiveSource | undefined;
  const setting = { own: {}, machine: process.arch, cpus: loadBinding().possibleCpus };
  try {
    source = new LiveSource({
      schema: tool.schema,
      options: (endsMissed) => tool.options({ filters: WHOLE_MACHINE, events: tool.hasEvents, endsMissed, ...setting }),
      mapSizes: tool.mapSizes(SMALL, setting),
      variant,
      optionalHooks: tool.optionalHooks,
      limits: tool.limits,
      alsoOn: tool.alsoOn,
    });
    source.attach(() => {
      throw new Loaded();
    });
    return 'works';
  } catch (error) {
    if (error instanceof Loaded) return 'works';
    const [attempt] = source?.attempts ?? [];
    return attempt ? { stage: attempt.stage, code: attempt.errno } : problemOf(error);
  }
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { message: String(error), hint: '' };
  const message = isNativeError(error) ? `${error.message}: ${error.code}` : error.message;
  return { message, hint: 'hint' in error && typeof error.hint === 'string' ? error.hint : rebuild() };
}
