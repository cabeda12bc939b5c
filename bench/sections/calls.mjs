/** What `ktrace futex` costs: every call of futex(2), and every other. */
import { perCall } from '../percall.mjs';

export const name = 'calls';
export const tool = 'futex';

const traced = {
  wait: 'A traced futex call: FUTEX_WAIT, EAGAIN, private',
  'wait-shared': 'A traced futex call: FUTEX_WAIT, EAGAIN, shared',
  wake: 'A traced futex call: FUTEX_WAKE, nobody waits',
  'hand-over': 'Real sleeps: two traced threads hand a word to and fro (2 wakes, 2 sleeps)',
  getppid: 'Another system call of the traced process: getppid',
};
const others = {
  wait: 'The others: FUTEX_WAIT, EAGAIN, of a process that is not traced',
  getppid: 'The others: getppid of a process that is not traced',
  pipes: 'The others: two processes hand a byte to and fro through pipes (2 wake-ups)',
};

const notes = ['The row "ktrace futex" traces the whole machine: this process, too.'];

export const run = (context) => perCall({ traced, others, notes, ...context });
