/** Which programs to load and attach, in which order: pure, so that it can be tested for kernels that are not here. */
import type { Program } from '../btf/index.js';

/** By cost: hooks on one function touch its callers only, a system call tracepoint slows every system call of the machine. */
const RANK: readonly string[] = ['fentry', 'kprobe', 'tracepoint'];

/** Programs that belong to every variant. */
const COMMON = 'any';

export interface AttachPlan {
  readonly variant: string;
  /** Switched on and loaded. */
  readonly load: readonly Program[];
  /** In the order of attaching: programs at the end of a call first, so that no beginning is seen without its end. */
  readonly attach: readonly Program[];
}

/** One plan per variant that the object has, best first, or for the one named `only`. A variant is all or nothing: never entry from one and exit from another. */
export function planAttach(programs: readonly Program[], only?: string): AttachPlan[] {
  const variants = [...new Set(programs.map(({ variant }) => variant))].filter((variant) => variant !== COMMON && variant !== '');
  const wanted = only === undefined ? variants.sort((a, b) => rank(a) - rank(b)) : variants.filter((variant) => variant === only);
  return wanted.map((variant) => {
    const load = programs.filter((program) => program.variant === variant || program.variant === COMMON);
    const attach = load.filter(({ section }) => !section.startsWith('iter/'));
    return { variant, load, attach: [...attach].sort((a, b) => order(a) - order(b)) };
  });
}

function rank(variant: string): number {
  const index = RANK.indexOf(variant);
  return index < 0 ? RANK.length : index;
}

const ENDS = /^(fexit|kretprobe)\/|(^|\/)sys_exit/;
const BEGINNINGS = /^(fentry|kprobe)\/|(^|\/)sys_enter/;

/** Ends of calls, then what stands alone, then beginnings. */
function order({ section }: Program): number {
  if (ENDS.test(section)) return 0;
  return BEGINNINGS.test(section) ? 2 : 1;
}
