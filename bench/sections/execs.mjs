/** What `ktrace exec` costs a program that begins and ends, and every other system call. */
import { perCall } from '../percall.mjs';

export const name = 'execs';
export const tool = 'exec';

const traced = { exec: 'A child that executes a program and ends (vfork, execve, exit, wait)' };
const others = {
  exec: 'The others: the same of a process that is not traced',
  getppid: 'The others: another system call, getppid',
};
const notes = ['The rows without -p trace the whole machine: this process, too. execsnoop tells beginnings, exitsnoop ends, ktrace both.'];

export const run = (context) => perCall({ traced, others, notes, ...context });
