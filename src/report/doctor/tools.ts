/** Judges hooks, and which tool will run by which variant. */
import type { DoctorFacts, HookFact, Refusal, ToolFact, VariantFact } from './facts.js';
import { fails, limited, sentence, wordsOf, works, type Finding, type HookFinding, type ToolFinding } from './model.js';
import { isDenied, lacking, READ_TRACEFS, remedyForDenial, wantsMoreForPerfEvents } from './rights.js';

const COMMON = 'any';

/** A finding that leaves no tool to run. */
export type Blocker = Pick<Finding, 'title' | 'text' | 'remedy'>;

export function judgeHooks(facts: DoctorFacts, tool: ToolFact, { variant: chosen }: ToolFinding): Finding[] {
  return tool.variants.map((variant) => judgeVariant(facts, tool.name, variant, chosen));
}

/** `sys_enter_futex`, `sched_waking`, `iter/task` */
const nameOf = (section: string): string => section.replace(/^(?!iter)[^/]*\/(syscalls\/)?(__(x64|arm64)_)?/, '');

function judgeVariant(facts: DoctorFacts, tool: string, { variant, refused, hooks, limits, load }: VariantFact, chosen: string | undefined): Finding {
  const [key, title] = [`hooks.${tool}.${variant}`, variant === COMMON ? `${tool}, common` : `${tool}, ${variant}`];
  const instead = variant !== COMMON && chosen !== undefined && chosen !== variant ? ` Not needed: ${tool} runs by ${chosen}.` : '';
  if (refused) return fails(key, title, `The kernel refuses hooks of this kind (${wordsOf(refused)}).`, remedyFor(facts, refused, variant) + instead);
  const broken = hooks.find(({ refusal, optional }) => refusal && !optional);
  const list = listOf(hooks) + (load === 'works' ? ' Its programs load.' : '');
  if (broken?.refusal) return fails(key, title, list, remedyFor(facts, broken.refusal, broken.section) + instead);
  if (typeof load === 'object') return fails(key, title, `The hooks are there, the programs are refused (${wordsOf(load)}).`, remedyForLoad(facts, load, tool, variant) + instead);
  const absent = hooks.filter(({ refusal }) => refusal);
  if (limits.length > 0) return limited(key, title, `${list} Not seen: ${limits.join(' ')}`, `docs/kernels.md says what that means.${instead}`);
  return absent.length > 0 ? limited(key, title, list, `Nothing is lost: this kernel does not have these calls.${instead}`) : works(key, title, list);
}

/** Every hook by name, the refused ones by their refusals. */
function listOf(hooks: readonly HookFact[]): string {
  const names = (some: readonly HookFact[]): string => [...new Set(some.map(({ section }) => nameOf(section)))].join(', ');
  const there = names(hooks.filter(({ refusal }) => !refusal));
  const absent = names(hooks.filter(({ refusal, optional }) => refusal && optional));
  const refused = hooks.filter(({ refusal, optional }) => refusal && !optional);
  const refusals = [...new Set(refused.flatMap(({ refusal }) => (refusal ? [wordsOf(refusal)] : [])))];
  const groups = refusals.map((words) => `Refused (${words}): ${names(refused.filter(({ refusal }) => refusal && wordsOf(refusal) === words))}.`);
  const text = [...(there === '' ? [] : [`${there}.`]), ...(absent === '' ? [] : [`Not in this kernel: ${absent}.`]), ...groups].join(' ');
  return text === '' ? 'No hooks.' : text;
}

/** `what`: a section, or a variant. */
function remedyFor(facts: DoctorFacts, refusal: Refusal, what: string): string {
  if (isDenied(refusal) && facts.rights && lacking(facts.rights).length > 0) return remedyForDenial(facts);
  if (what.startsWith('tracepoint/') && refusal.stage === 'find' && refusal.code !== 'ENOENT') return sentence(READ_TRACEFS);
  if (/^f(entry|exit)/.test(what) && refusal.stage === 'load') return `It takes a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y that lets programs on functions.`;
  if (what.startsWith('k') && refusal.stage === 'attach' && refusal.code === 'ENOENT') return 'It takes a kernel with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y.';
  if (isDenied(refusal) && refusal.stage === 'attach' && wantsMoreForPerfEvents(facts)) return 'Perf events are restricted here: see perf events.';
  if (isDenied(refusal)) return remedyForDenial(facts);
  if (refusal.code === 'ENOENT') return 'Use a kernel that has it: docs/kernels.md lists those tested.';
  return 'Please report this with `uname -r` and the output of --json.';
}

function remedyForLoad(facts: DoctorFacts, refusal: Refusal, tool: string, variant: string): string {
  if (refusal.code === 'ENOMEM') return 'Free memory, or lower the sizes of the maps by the options of the tool.';
  if (isDenied(refusal)) return remedyForDenial(facts);
  return `Please report this with \`uname -r\` and what \`ktrace ${tool} --dry-run -v --variant ${variant}\` says.`;
}

export function listHooks({ name, variants }: ToolFact): HookFinding[] {
  return variants.flatMap(({ variant, refused, hooks }) =>
    hooks.map(({ section, refusal, optional }) => {
      const why = refused ?? refusal;
      const state = why === undefined ? ('works' as const) : optional && !refused ? ('limited' as const) : ('fails' as const);
      return { tool: name, variant, hook: section, state, refusal: why };
    }),
  );
}

const refusalOf = ({ refused, hooks, load }: VariantFact): Refusal | undefined =>
  refused ?? hooks.find(({ refusal, optional }) => refusal && !optional)?.refusal ?? (typeof load === 'object' ? load : undefined);

export function judgeTool(facts: DoctorFacts, tool: ToolFact, blocker: Blocker | undefined): ToolFinding {
  const { name, variants, problem } = tool;
  const never = { tool: name, state: 'fails', variant: undefined, loaded: false } as const;
  if (problem) return { ...never, text: `Does not run: ${sentence(problem.message)}`, remedy: sentence(problem.hint) };
  if (blocker) return { ...never, text: `Does not run: see ${blocker.title}.`, remedy: blocker.remedy };
  const common = variants.find(({ variant }) => variant === COMMON);
  const refusal = common && refusalOf(common);
  if (refusal) return { ...never, text: `Does not run: hooks of every variant are refused (${wordsOf(refusal)}).`, remedy: remedyFor(facts, refusal, '') };
  const own = variants.filter(({ variant }) => variant !== COMMON);
  const attempts = own.flatMap((variant) => { const why = refusalOf(variant); return why ? [`${variant.variant}: ${wordsOf(why)}`] : []; });
  const chosen = own.find((variant) => refusalOf(variant) === undefined);
  if (!chosen) return { ...never, text: `Does not run: every variant is refused (${attempts.join(', ')}).`, remedy: 'The lines of its hooks say what each would take; one is enough.' };
  return runs(name, chosen);
}

function runs(tool: string, { variant, limits, hooks, load }: VariantFact): ToolFinding {
  const loaded = load === 'works';
  const text = `Runs by ${variant}${loaded ? '' : '; judged by its hooks, its programs were not loaded'}.`;
  const isLimited = limits.length > 0 || hooks.some(({ refusal }) => refusal) || !loaded;
  const remedy = loaded ? 'The line of its hooks says what it does not see.' : `\`ktrace ${tool} --dry-run\` loads them.`;
  return { tool, state: isLimited ? 'limited' : 'works', variant, loaded, text, remedy: isLimited ? remedy : '' };
}
