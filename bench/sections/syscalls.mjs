/** What `ktrace syscalls` costs every system call, of the process that is traced and of others. */
import { perCall } from '../percall.mjs';

export const name = 'syscalls';
export const tool = 'syscalls';

const traced = {
  getppid: 'A traced call that does nothing: getppid',
  wait: 'A traced call that fails: futex, EAGAIN',
  pipes: 'Two processes, one of them traced, hand a byte to and fro through pipes',
};
const others = { getppid: 'The others: getppid of a process that is not traced' };
const notes = ['The rows without -p trace the whole machine: this process, too.'];

export const run = (context) => perCall({ traced, others, notes, ...context });
