/** What kernels said when they were out of memory: recorded/*.kmsg, made by recorded/record. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecord } from '../../../src/source/kmsg.js';
import type { KernelRecord } from '../../../src/tools/contract.js';

const directory = join(import.meta.dirname, 'recorded');

export const recordings = readdirSync(directory).filter((name) => name.endsWith('.kmsg')).map((name) => name.slice(0, -'.kmsg'.length)).sort();

/** Of one case on all kernels: `plain`. */
export const recordingsOf = (name: string): readonly string[] => recordings.filter((each) => each.endsWith(`-${name}`));

export const textOf = (name: string): string => readFileSync(join(directory, `${name}.kmsg`), 'latin1');

export const recordsOf = (text: string): KernelRecord[] => text.split('\n').flatMap((line) => parseRecord(line) ?? []);

export const recorded = (name: string): KernelRecord[] => recordsOf(textOf(name));

/** Lines of the kernel's own, a microsecond each. */
export const written = (...lines: readonly string[]): KernelRecord[] => lines.map((text, i) => ({ sequence: i + 1, timeUs: 1_000_000 + i, level: 6, facility: 0, continues: false, caller: null, text }));
