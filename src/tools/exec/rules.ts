/** Rules for what should not happen: conditions on what is known of a process when it begins, cannot begin, or ends. */
import { KtraceError } from '../../errors.js';
import { parseDuration } from '../../report/duration.js';
import { errnoName, errnoNumber } from '../errno.js';
import { patternOf } from '../own.js';
import { signalName } from '../signals.js';
import type { End, Image } from './model.js';
import { baseName } from './names.js';

/** What a rule is asked about. */
export interface Occasion {
  readonly image: Image;
  /** It became what it is while it was traced. */
  readonly isKnown: boolean;
  readonly error?: string;
  readonly end?: End;
}

export interface Rule {
  /** As it was given. */
  readonly name: string;
  /** Whether it is about how a process ends, or that it could not begin; else about how it begins. */
  readonly when: 'exec' | 'failed' | 'exit';
  holds(occasion: Occasion): boolean;
}

type Fact = string | number | boolean | readonly string[] | null;
type Kind = 'text' | 'number' | 'time' | 'flag' | 'error' | 'signal';
interface Field {
  readonly when: Rule['when'];
  readonly kind: Kind;
  /** null: not known; then no condition holds. */
  readonly of: (occasion: Occasion) => Fact;
}

/** Of what was there before tracing nothing is known but its id and the name of its thread. */
const begins = (of: (image: Image) => Fact, kind: Kind = 'text'): Field => ({ when: 'exec', kind, of: ({ image, isKnown }) => (isKnown ? of(image) : null) });
const always = (of: (image: Image) => Fact, kind: Kind = 'text'): Field => ({ when: 'exec', kind, of: ({ image }) => of(image) });
const ends = (of: (end: End) => Fact, kind: Kind): Field => ({ when: 'exit', kind, of: ({ end }) => (end ? of(end) : null) });

const FIELDS: Readonly<Record<string, Field>> = {
  program: begins(({ program }) => program),
  path: begins(({ path }) => path),
  file: begins(({ file }) => file),
  location: begins(({ program, file, interpreter }) => [program, ...(file !== null && interpreter === null ? [file] : [])]),
  interpreter: begins(({ interpreter }) => interpreter ?? ''),
  argv: begins(({ argv }) => argv.join(' ')),
  comm: always(({ comm }) => comm),
  name: begins(({ comm, file }) => [comm, ...(file === null ? [] : [baseName(file)])]),
  cwd: begins(({ directory }) => directory),
  uid: begins(({ uid }) => uid, 'number'),
  euid: begins(({ euid }) => euid, 'number'),
  pid: always(({ pid }) => pid, 'number'),
  ppid: begins(({ ancestors: [parent] }) => parent?.pid ?? 0, 'number'),
  parent: begins(({ ancestors: [parent] }) => parent?.name ?? ''),
  ancestor: begins(({ ancestors }) => ancestors.map(({ name }) => name)),
  cgroup: begins(({ cgroup }) => cgroup),
  container: begins(({ container }) => container ?? ''),
  pod: begins(({ pod }) => pod ?? ''),
  deleted: begins(({ deleted }) => deleted, 'flag'),
  error: { when: 'failed', kind: 'error', of: ({ error }) => error ?? null },
  exit: ends(({ code }) => code, 'number'),
  signal: ends(({ signal }) => signal ?? '', 'signal'),
  oom: ends(({ oom }) => oom, 'flag'),
  lifetime: ends(({ lifetimeNs }) => lifetimeNs, 'time'),
  cpu: ends(({ cpuNs }) => cpuNs, 'time'),
  peak: ends(({ peakBytes }) => peakBytes, 'number'),
};

export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS);

/** Rules that have a name, in the same words. */
export const NAMED_RULES: Readonly<Record<string, string>> = {
  'shell-in-container': 'container != "" and name ~ ^(sh|bash|dash|ash|zsh|ksh|fish|tcsh|csh)$',
  'exec-from-tmp': 'location ~ ^/(tmp|var/tmp|dev/shm)/',
  'deleted-binary': 'deleted = yes',
};

const OPERATORS: Readonly<Record<string, (fact: Fact, value: Value) => boolean>> = {
  '=': (fact, { text, number }) => same(fact, text, number),
  '!=': (fact, { text, number }) => fact !== null && !same(fact, text, number),
  '~': (fact, { pattern }) => texts(fact).some((text) => pattern.test(text)),
  '!~': (fact, { pattern }) => fact !== null && !texts(fact).some((text) => pattern.test(text)),
  '<': (fact, { number }) => typeof fact === 'number' && fact < number,
  '<=': (fact, { number }) => typeof fact === 'number' && fact <= number,
  '>': (fact, { number }) => typeof fact === 'number' && fact > number,
  '>=': (fact, { number }) => typeof fact === 'number' && fact >= number,
};

interface Value {
  readonly text: string;
  readonly number: number;
  readonly pattern: RegExp;
}

function texts(fact: Fact): readonly string[] {
  if (fact === null) return [];
  if (typeof fact === 'object') return fact;
  return [typeof fact === 'boolean' ? (fact ? 'yes' : 'no') : String(fact)];
}

const same = (fact: Fact, text: string, number: number): boolean => (typeof fact === 'number' ? fact === number : texts(fact).includes(text));

interface Condition {
  readonly when: Rule['when'];
  holds(occasion: Occasion): boolean;
}

/**
 * `FIELD OP VALUE and FIELD OP VALUE …`, or the name of a rule. OP is =, !=, ~ (a regular expression), !~, <, <=, > or >=; a VALUE with
 * blanks or quotes in it stands in double quotes. Throws KtraceError for what is no rule.
 */
export function parseRule(name: string): Rule {
  const conditions = conditionsOf(Object.hasOwn(NAMED_RULES, name) ? (NAMED_RULES[name] ?? '') : name);
  const whens = new Set(conditions.map(({ when }) => when).filter((when) => when !== 'exec'));
  if (whens.size > 1) throw wrong(name, 'no process both fails to begin and ends');
  return { name, when: [...whens][0] ?? 'exec', holds: (occasion) => conditions.every((condition) => condition.holds(occasion)) };
}

const CONDITION = /^\s*([a-z]+)\s*(!=|!~|<=|>=|=|~|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))\s*(and\b|$)/;

function conditionsOf(rule: string): Condition[] {
  const conditions: Condition[] = [];
  for (let rest = rule; conditions.length === 0 || rest.trim() !== ''; ) {
    const [all, field = '', operator = '', quoted, bare = '', and = ''] = CONDITION.exec(rest) ?? [];
    if (all === undefined) throw wrong(rule, `what is ${JSON.stringify(rest.trim())}? Rules are FIELD OP VALUE, with "and" between them`);
    conditions.push(condition(rule, field, operator, quoted === undefined ? bare : quoted.replace(/\\(["\\])/g, '$1')));
    rest = rest.slice(all.length);
    if (rest.trim() === '' && and !== '') throw wrong(rule, 'nothing stands behind the last "and"');
  }
  return conditions;
}

function condition(rule: string, name: string, operator: string, text: string): Condition {
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  if (!field) throw wrong(rule, `there is no field ${name}: take one of ${Object.keys(FIELDS).join(', ')}`);
  const compares = OPERATORS[operator];
  if (!compares) throw wrong(rule, `there is no operator ${operator}`);
  const value = operator.endsWith('~') ? { text, number: NaN, pattern: patternOf(text, 'the rule') } : valueOf(rule, name, field.kind, operator, text);
  return { when: field.when, holds: (occasion) => compares(field.of(occasion), value) };
}

const NEVER = /$^/;

/** A value that the field can have; what could never hold is refused. */
function valueOf(rule: string, name: string, kind: Kind, operator: string, text: string): Value {
  if (/[<>]/.test(operator) && kind !== 'number' && kind !== 'time') throw wrong(rule, `${name} is no number`);
  switch (kind) {
    case 'time': return { text, number: parseTime(rule, text), pattern: NEVER };
    case 'number': return { text, number: numberOf(rule, name, text), pattern: NEVER };
    case 'flag': return { text: oneOf(rule, name, text, ['yes', 'no']), number: NaN, pattern: NEVER };
    case 'error': return { text: errnoName(errnoNumber(text)), number: NaN, pattern: NEVER };
    case 'signal': return { text: text === '' ? '' : oneOf(rule, name, signalOf(text), SIGNAL_NAMES), number: NaN, pattern: NEVER };
    case 'text': return { text, number: NaN, pattern: NEVER };
  }
}

const SIGNAL_NAMES: readonly string[] = Array.from({ length: 64 }, (_, i) => signalName(i + 1));
const signalOf = (text: string): string => (/^\d+$/.test(text) ? signalName(Number(text)) : text.startsWith('SIG') ? text : `SIG${text}`);

function oneOf(rule: string, name: string, text: string, values: readonly string[]): string {
  if (!values.includes(text)) throw wrong(rule, `${name} is never ${JSON.stringify(text)}`);
  return text;
}

function numberOf(rule: string, name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw wrong(rule, `${name} is a number, and ${JSON.stringify(text)} is none`);
  return Number(text);
}

function parseTime(rule: string, text: string): number {
  try {
    return parseDuration(text, 'the rule');
  } catch {
    throw wrong(rule, `${JSON.stringify(text)} is no duration such as 500ms`);
  }
}

const wrong = (rule: string, why: string): KtraceError => new KtraceError(`${JSON.stringify(rule)} is no rule: ${why}`, 'USAGE', `such as --alert ${Object.keys(NAMED_RULES)[0]}, or --alert 'exit != 0 and lifetime < 1s'`);
