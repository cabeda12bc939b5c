/** A tool's description for the tests of the command line. */
import type { ToolCli } from '../../src/tools/spec.js';

export const FUTEX: ToolCli = {
  name: 'futex',
  summary: 'Who waits for which lock, who holds it, and whether it is a deadlock',
  options: [
    { flags: '--max-locks <count>', kind: 'count', fallback: '10240', summary: 'locks to keep apart at most' },
    { flags: '--lock <address>', kind: 'texts', summary: 'these locks only' },
  ],
  examples: [
    'sudo ktrace futex --pid 4242                    until Ctrl-C',
    'sudo ktrace futex --pid 4242 --interval 1s      redrawn every second',
    'sudo ktrace futex --min-wait 1ms -- ./server    from its first instruction',
  ],
  columnsForSort: ['waited', 'waits', 'max'],
};
