/** Which programs to load and attach, in which order: pure, so that it can be tested for kernels that are not here. */
import type { Program } from '../btf/index.js';
import type { KernelFacts, Refusal } from './facts.js';

/**
 * By cost: hooks on one function touch its callers only, a system call tracepoint slows every system call of the machine. Kprobes come
 * last although they would be cheaper than tracepoints: the kernel misses ends of calls when more sleep than it has slots.
 */
const RANK: readonly string[] = ['btf', 'raw', 'fentry', 'tracepoint', 'kprobe'];

/** Where programs can be preempted, kernels up to 6.12 skip those on functions and not those on tracepoints: true comes before cheap. */
const RANK_PREEMPTIBLE: readonly string[] = ['btf', 'raw', 'tracepoint', 'fentry', 'kprobe'];

/** Programs that belong to every variant. */
const COMMON = 'any';

export interface AttachPlan {
  readonly variant: string;
  /** Why it need not be tried. */
  readonly refused: Refusal | undefined;
  /** Switched on and loaded. */
  readonly load: readonly Program[];
  /** In the order of attaching: programs at the end of a call before those at its beginning, so that no beginning is seen without its end. */
  readonly attach: readonly Program[];
  /** Optional system calls that this kernel does not have; their programs are left out. */
  readonly missing: readonly string[];
}

export interface PlanOptions {
  /** The variant that the user wants. */
  readonly only?: string | undefined;
  /** System calls that older kernels lack. */
  readonly optional: readonly string[];
}

export function variantsOf(programs: readonly Program[]): string[] {
  return [...new Set(programs.map(({ variant }) => variant))].filter((variant) => variant !== COMMON && variant !== '');
}

/** One plan per variant that the object has, best first. A variant is all or nothing: never entry from one and exit from another. */
export function planAttach(programs: readonly Program[], facts: Pick<KernelFacts, 'refused' | 'preemptible' | 'hasCall'>, { only, optional }: PlanOptions): AttachPlan[] {
  const variants = variantsOf(programs);
  const wanted = only === undefined ? variants.sort((a, b) => rank(a, facts) - rank(b, facts)) : variants.filter((variant) => variant === only);
  return wanted.map((variant) => {
    const all = programs.filter((program) => program.variant === variant || program.variant === COMMON);
    const refused = facts.refused[variant];
    const missing = refused ? [] : optional.filter((call) => all.some((program) => needsFunction(program) && callOf(program) === call) && !facts.hasCall(call));
    const load = all.filter((program) => !missing.includes(callOf(program)));
    const attach = load.filter(({ section }) => !section.startsWith('iter/'));
    return { variant, refused, load, attach: attach.sort((a, b) => order(a) - order(b)), missing };
  });
}

/** Such a program does not even load where its function is missing; others can be tried. */
const needsFunction = ({ section }: Program): boolean => /^f(entry|exit)\//.test(section);

/** The system call that a program's hook is on: `futex_wait` of `sys_enter_futex_wait`. */
export const callOf = ({ hook }: Program): string => hook.replace(/^sys_(enter|exit)_/, '');

function rank(variant: string, { preemptible }: { readonly preemptible: boolean }): number {
  const order = preemptible ? RANK_PREEMPTIBLE : RANK;
  const index = order.indexOf(variant);
  return index < 0 ? order.length : index;
}

const ENDS = /^(fexit|kretprobe)\/|(^|\/)sys_exit/;
const BEGINNINGS = /^(fentry|kprobe)\/|(^|\/)sys_enter/;

/** What stands alone (it cleans up after threads that end), then ends of calls, then beginnings. */
function order({ section }: Program): number {
  if (ENDS.test(section)) return 1;
  return BEGINNINGS.test(section) ? 2 : 0;
}
