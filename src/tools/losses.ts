/** Losses that tools have in common, in the same words. */
import type { Loss } from '../report/model.js';

export const targetsFull = (count: number): Loss => ({ reason: 'targets-full', count, meaning: 'children that are not followed: the table of processes is full' });

/** `what`: that a reader of events was to be shown. */
export const backlogFull = (count: number, what: string): Loss => ({ reason: 'backlog-full', count, meaning: `${what} not shown: the reader was slower (totals are not affected)` });

/** `what` may be missing: it cannot be told, nor how many of them. */
export const skipped = (count: number, what: string): Loss => ({ reason: 'skipped', count, meaning: `times that the kernel did not run a program of ktrace because the CPU was busy with BPF: ${what} may be missing` });
