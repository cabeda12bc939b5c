/** What `ktrace connect` costs a program that connects, and every other system call. */
import { perCall } from '../percall.mjs';
import { programTime } from '../runtime.mjs';

export const name = 'connects';
export const tool = 'connect';

const traced = { connect: 'A connection over loopback (socket, connect, accept, reset)' };
const others = {
  connect: 'The others: the same of a process that is not traced',
  getppid: 'The others: another system call, getppid',
};
const notes = ['The row without -p traces the whole machine, as tcpconnect and tcpconnlat do here: this process, too. tcpconnect tells that a connection began, tcpconnlat how long it took where it was made, ktrace what became of each.'];

const EACH = 500;
const THREADS = 2;
const storm = { title: 'In the kernel, for each of 1,000 connections by two threads', command: ['attempts', '--storm', '--threads', String(THREADS), '-n', String(EACH)], count: EACH * THREADS };

export async function run(context) {
  const calls = await perCall({ traced, others, notes, ...context });
  const programs = await programTime({ ...storm, ...context, tracers: context.tracers.filter(({ name }) => calls.failures[name] === undefined) });
  return { ...calls, failures: { ...calls.failures, ...programs.failures }, tables: [...calls.tables, programs.table], programs: programs.samples };
}
