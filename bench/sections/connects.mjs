/** What `ktrace connect` costs a program that connects, and every other system call. */
import { perCall } from '../percall.mjs';

export const name = 'connects';
export const tool = 'connect';

const traced = { connect: 'A connection over loopback (socket, connect, accept, reset)' };
const others = {
  connect: 'The others: the same of a process that is not traced',
  getppid: 'The others: another system call, getppid',
};
const notes = ['The row without -p traces the whole machine, as tcpconnect and tcpconnlat do here: this process, too. tcpconnect tells that a connection began, tcpconnlat how long it took where it was made, ktrace what became of each.'];

export const run = (context) => perCall({ traced, others, notes, ...context });
