/** What users give to a tool's own options. */
import { KtraceError } from '../errors.js';

/** Values of an option that may be given several times. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);

/** Throws KtraceError where it is none. `of`: what it stands in. */
export function patternOf(text: string, of: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (cause) {
    throw new KtraceError(`${text} in ${of} is no regular expression`, 'USAGE', 'as in JavaScript', { cause });
  }
}
