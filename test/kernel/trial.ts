/** A run of a test that is heard only when it is known to count. */
import { Test as Judge, type Test } from 'tap';

type Assertion = (...args: unknown[]) => unknown;

const ASSERTIONS: ReadonlySet<string> = new Set(['ok', 'notOk', 'equal', 'not', 'strictSame', 'match', 'notMatch', 'pass', 'fail']);
/** Those that call what they are given: it is not called again. */
const CALLS: ReadonlySet<string> = new Set(['throws', 'rejects']);
const NO_ASSERTIONS: ReadonlySet<string> = new Set(['comment', 'teardown', 'testdir', 'test', 'plan']);

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
  readonly real: Test;
  readonly #judge = new Judge({ name: 'trial' });

  constructor(real: Test) {
    this.real = real;
    this.t = new Proxy(real, { get: (target, name) => this.#member(target, name) });
    trials.set(this.t, this);
  }

  /** The first assertion that does not hold, and where it was made. */
  get wrong(): string | undefined {
    return this.#made.find(({ holds }) => !holds)?.stack;
  }

  /** Every assertion once more, for the test itself. */
  tell(): void {
    for (const { name, args, holds, stack } of this.#made) {
      if (!holds) this.real.comment(stack);
      const again = CALLS.has(name) ? this.real.ok(holds, name) : (this.real[name as keyof Test] as Assertion).call(this.real, ...args);
      if (again !== holds) this.real.fail(`${name} was ${holds} when it was asserted: its arguments have changed`);
    }
  }

  #member(target: Test, name: string | symbol): unknown {
    const member: unknown = Reflect.get(target, name, target); // tap's classes have private members, which a proxy lacks
    if (typeof member !== 'function') return member;
    if (typeof name === 'symbol' || NO_ASSERTIONS.has(name)) return member.bind(target) as unknown;
    if (!ASSERTIONS.has(name) && !CALLS.has(name)) throw new Error(`is ${name} an assertion?`);
    return (...args: unknown[]): unknown => this.#judgeOf(name, args);
  }

  #judgeOf(name: string, args: readonly unknown[]): unknown {
    const stack = callerOf(name);
    const found = (this.#judge[name as keyof Test] as Assertion).call(this.#judge, ...args);
    const make = (holds: unknown): unknown => (this.#made.push({ name, args, holds: holds !== false, stack }), holds);
    return found instanceof Promise ? found.then(make) : make(found);
  }
}

/** `equal at test/kernel/x.test.ts:12:3`. */
function callerOf(name: string): string {
  const [, , , , caller = ''] = (new Error(name).stack ?? '').split('\n'); // behind the message, this, #judgeOf and what stands for the assertion
  return `${name} ${fromTest(caller)}`;
}

const fromTest = (frame: string): string => frame.trim().replace(/(file:\/\/)?\/\S*\/(?=test\/)/, '');

/** `Error at test/kernel/x.test.ts:12:3`, without its message: that may have numbers and paths, which differ each time. */
export function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const frame = (thrown.stack ?? '').split('\n').find((line) => /^ +at .*\btest\//.test(line)) ?? '';
  return `${thrown.name} ${fromTest(frame)}`.trim();
}

/** The test itself, for what is true of every run. */
export const surely = (t: Test): Test => trials.get(t)?.real ?? t;

/** By what stands for the test. */
export const trials = new WeakMap<Test, Trial>();
