/** The text of one option or argument as a value; each refusal is one line that names the option. */
import { parseDuration } from '../report/duration.js';
import { UsageError } from './exit.js';
import type { OptionValue } from './options.js';
import type { OptionSpec } from '../tools/spec.js';

/** PID_MAX_LIMIT of 64-bit kernels. */
const LARGEST_PID = 4194304;
/** The one above means none (chown(2)). */
const LARGEST_UID = 2 ** 32 - 2;
const LARGEST_PORT = 65535;

function refuse(option: string, what: string, text: string): never {
  throw new UsageError(`Expected ${option} to be ${what}, not ${JSON.stringify(text)}`);
}

function items(text: string, option: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.includes('') ? refuse(option, 'a list without empty items', text) : parts;
}

/** Items of a list that are numbers of a range, after those that the same option gave before; each once. */
function numbers(text: string, option: string, earlier: OptionValue, least: number, largest: number): number[] {
  const read = (part: string): number => {
    const value = /^\d{1,10}$/.test(part) ? Number(part) : largest + 1;
    return value >= least && value <= largest ? value : refuse(option, `a number from ${least} to ${largest}`, part);
  };
  return [...new Set([...((earlier ?? []) as readonly number[]), ...items(text, option).map(read)])];
}

export function parseCount(text: string, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return value >= 1 ? value : refuse(option, 'a whole number from 1 to 999999999', text);
}

function percent(text: string, option: string): number {
  const value = /^\d{1,3}(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  return value <= 100 ? value : refuse(option, 'a percentage from 0 to 100', text);
}

/** A duration; `positive` where 0 would mean nothing. */
export function parsePositive(text: string, option: string, positive: boolean): number {
  try {
    const ns = parseDuration(text, option);
    return ns > 0 || !positive ? ns : refuse(option, 'longer than 0', text);
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

function choice(text: string, { choices = [] }: OptionSpec, option: string): string {
  return choices.includes(text) ? text : refuse(option, `one of ${choices.join(', ')}`, text);
}

function word(text: string, option: string): string {
  return text === '' ? refuse(option, 'something', text) : text;
}

/** The value of an option given as `text`; `earlier` is what the same option gave before, for those that repeat. */
export function parseValue(spec: OptionSpec, option: string, text: string, earlier: OptionValue): OptionValue {
  switch (spec.kind) {
    case 'flag': return true;
    case 'text': return word(text, option);
    case 'texts': return [...new Set([...((earlier ?? []) as readonly string[]), ...items(text, option)])];
    case 'rules': return [...((earlier ?? []) as readonly string[]), word(text, option)];
    case 'ids': return numbers(text, option, earlier, 1, LARGEST_PID);
    case 'uids': return numbers(text, option, earlier, 0, LARGEST_UID);
    case 'ports': return numbers(text, option, earlier, 1, LARGEST_PORT);
    case 'count': return parseCount(text, option);
    case 'duration': return parsePositive(text, option, spec.fallback !== '0');
    case 'percent': return percent(text, option);
    case 'choice': return choice(text, spec, option);
  }
}
