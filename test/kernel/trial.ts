/** A run of a test that is heard only when it is known to count. */
import { Test as Judge, type Test } from 'tap';

type Assertion = (...args: unknown[]) => unknown;

const ASSERTIONS: ReadonlySet<string> = new Set(['ok', 'notOk', 'equal', 'not', 'strictSame', 'match', 'notMatch', 'pass', 'fail']);
/** Those that call what they are given: it is not called again. */
const CALLS: ReadonlySet<string> = new Set(['throws', 'rejects']);

interface Made {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly holds: boolean;
  readonly stack: string;
}

export class Trial {
  /** Stands for the test in its body: what is asserted is judged at once, and told with tell(). All else is the test's own. */
  readonly t: Test;
  /** Why this run may say nothing. */
  doubt: string | undefined;
  readonly #made: Made[] = [];
  readonly #real: Test;
  readonly #judge = new Judge({ name: 'trial' });

  constructor(real: Test) {
    this.#real = real;
    this.t = new Proxy(real, { get: (target, name) => this.#member(target, name) });
    trials.set(this.t, this);
  }

  get failed(): boolean {
    return this.#made.some(({ holds }) => !holds);
  }

  /** Every assertion once more, for the test itself. */
  tell(): void {
    for (const { name, args, holds, stack } of this.#made) {
      if (!holds) this.#real.comment(stack);
      if (CALLS.has(name)) this.#real.ok(holds, name);
      else (this.#real[name as keyof Test] as Assertion).call(this.#real, ...args);
    }
  }

  #member(target: Test, name: string | symbol): unknown {
    const member: unknown = Reflect.get(target, name, target); // tap's classes have private members, which a proxy lacks
    if (typeof member !== 'function') return member;
    if (typeof name === 'symbol' || !(ASSERTIONS.has(name) || CALLS.has(name))) return member.bind(target) as unknown;
    return (...args: unknown[]): unknown => this.#judgeOf(name, args);
  }

  #judgeOf(name: string, args: readonly unknown[]): unknown {
    const stack = new Error(name).stack ?? name;
    const found = (this.#judge[name as keyof Test] as Assertion).call(this.#judge, ...args);
    const make = (holds: unknown): unknown => (this.#made.push({ name, args, holds: holds !== false, stack }), holds);
    return found instanceof Promise ? found.then(make) : make(found);
  }
}

/** By what stands for the test. */
export const trials = new WeakMap<Test, Trial>();
