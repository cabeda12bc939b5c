/** Size of a page of this machine. */
import { readFileSync } from 'node:fs';
import { USUAL_PAGE } from '../tools/oom/score.js';

const AT_PAGESZ = 6n;
let known: number | undefined;

/** Bytes, from the auxiliary vector, pairs of 64-bit words: getauxval(3). */
export function pageSize(): number {
  known ??= read();
  return known;
}

function read(): number {
  const words = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= words.length; at += 16) if (words.readBigUInt64LE(at) === AT_PAGESZ) return Number(words.readBigUInt64LE(at + 8));
  return USUAL_PAGE;
}
