/** The text of one option or argument as a value; each refusal is one line that names the option. */
import { parseDuration } from '../report/duration.js';
import { UsageError } from './exit.js';
import type { OptionValue } from './options.js';
import type { OptionSpec } from '../tools/spec.js';

/** PID_MAX_LIMIT of 64-bit kernels. */
const LARGEST_PID = 4194304;
/** The one above means none (chown(2)). */
const LARGEST_UID = 2 ** 32 - 2;

function refuse(option: string, what: string, text: string): never {
  throw new UsageError(`Expected ${option} to be ${what}, not ${JSON.stringify(text)}`);
}

function items(text: string, option: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.includes('') ? refuse(option, 'a list without empty items', text) : parts;
}

function id(text: string, option: string): number {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= LARGEST_PID ? value : refuse(option, `a number from 1 to ${LARGEST_PID}`, text);
}

function uid(text: string, option: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : LARGEST_UID + 1;
  return value <= LARGEST_UID ? value : refuse(option, `a number from 0 to ${LARGEST_UID}`, text);
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
    case 'ids': return [...new Set([...((earlier ?? []) as readonly number[]), ...items(text, option).map((part) => id(part, option))])];
    case 'uids': return [...new Set([...((earlier ?? []) as readonly number[]), ...items(text, option).map((part) => uid(part, option))])];
    case 'count': return parseCount(text, option);
    case 'duration': return parsePositive(text, option, spec.fallback !== '0');
    case 'percent': return percent(text, option);
    case 'choice': return choice(text, spec, option);
  }
}
