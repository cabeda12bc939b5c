/** What the command line says of `ktrace futex`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const futexCli: ToolCli = {
  name: 'futex',
  summary: 'Which lock threads wait for, who holds it, who waits and for how long; finds deadlocks, also in a process that hangs already.',
  options: [
    { flags: '--max-locks <count>', kind: 'count', fallback: '4096', summary: 'locks told apart at most' },
    { flags: '--ring-size <bytes>', kind: 'count', fallback: '4194304', summary: 'ring for --events, rounded up to a power of two' },
  ],
  examples: [
    'ktrace futex -p 4242                  # until Ctrl-C or the end of 4242',
    'ktrace futex -p 4242 -d 10s -o json   # ten seconds, for a program',
    'ktrace futex -p 4242 --events         # each wait as it ends, as JSON lines',
    'ktrace futex -i 1 --min-wait 1ms      # the whole machine, every second',
    'ktrace futex -- make -j8              # a command and its children',
  ],
  columnsForSort: ['total', 'waits', 'mean', 'p99', 'max', 'now'],
};
