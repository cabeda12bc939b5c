/** What the command line says of `ktrace syscalls`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const syscallsCli: ToolCli = {
  name: 'syscalls',
  summary: 'Which system calls are slow, fail or have not returned: exact counts and durations without stopping anything.',
  options: [
    { flags: '-e, --trace <calls>', kind: 'text', summary: 'as strace: openat,read or %file or !futex or /^epoll (default: all)' },
    { flags: '--by <what>', kind: 'choice', choices: ['syscall', 'process', 'thread', 'cgroup'], fallback: 'syscall', summary: 'a row for each of these and call' },
    { flags: '--slow <duration>', kind: 'duration', summary: 'show each call that took as long, as it ends' },
    { flags: '--rate <count>', kind: 'count', fallback: '100', summary: 'with --slow: of each call as many a second and CPU' },
    { flags: '--strace', kind: 'flag', summary: 'show each call as it ends' },
    { flags: '--data', kind: 'flag', summary: 'with these: the first bytes of what is read and written, too' },
    { flags: '--ring-size <bytes>', kind: 'count', fallback: '4194304', summary: 'size of the buffer for calls that are shown' },
    { flags: '--failed', kind: 'flag', summary: 'calls that failed only' },
    { flags: '--errno <error>', kind: 'texts', summary: 'calls that failed with this error only (repeat, or commas)' },
    { flags: '--explain', kind: 'flag', summary: 'say by which rule calls count as waiting by design' },
    { flags: '--max-rows <count>', kind: 'count', fallback: '4096', summary: 'rows kept at most' },
  ],
  examples: [
    'ktrace syscalls -p 4242 -d 10s        # ten seconds of one process',
    'ktrace syscalls -e %file --by process # which process works with files',
    'ktrace syscalls -i 1 -s errors        # what fails, every second',
    'ktrace syscalls --slow 10ms -p 4242   # each call of 10 ms or more, too',
    'ktrace syscalls -- make -j8           # a command and its children',
  ],
  columnsForSort: ['total', 'calls', 'errors', 'mean', 'p99', 'max'],
};
