/** Small files that may not be there. */
import { closeSync, openSync, readFileSync } from 'node:fs';

/** Its text, without white space around it; undefined when it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function numberIn(path: string): number | undefined {
  const text = textOf(path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** Name of the errno of a failed call of Node's. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

/** Of a file or directory the name of the errno, undefined when it may be read. Opened, since access(2) leaves out the capabilities of an ordinary user. */
export function whyUnreadable(path: string): string | undefined {
  try {
    closeSync(openSync(path, 'r'));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}
