/** What the command line says of `ktrace exec`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const execCli: ToolCli = {
  name: 'exec',
  summary: 'The life of each process: which program, by whom, with which arguments, and how it ended; crash loops and storms by name.',
  options: [
    { flags: '--live', kind: 'flag', summary: 'show programs as they begin only, not how they end' },
    { flags: '--failed', kind: 'flag', summary: 'show execs that failed, too, with the error' },
    { flags: '--summary', kind: 'flag', summary: 'show no lines, but the report by program at the end' },
    { flags: '--uid <uid>', kind: 'uids', summary: 'processes of these users only (repeat, or commas)' },
    { flags: '--path <pattern>', kind: 'text', summary: 'programs whose path matches this regular expression only' },
    { flags: '--args <pattern>', kind: 'text', summary: 'programs whose arguments, with blanks between, match it' },
    { flags: '--alert <rule>', kind: 'rules', summary: 'say ALERT where it holds, and exit 4: shell-in-container, exec-from-tmp, deleted-binary, or a rule like "exit != 0 and lifetime < 1s" (repeat)' },
    { flags: '--ring-size <bytes>', kind: 'count', fallback: '4194304', summary: 'size of the buffer for events' },
    { flags: '--max-rows <count>', kind: 'count', fallback: '4096', summary: 'programs told apart at most' },
  ],
  examples: [
    'ktrace exec                            # each process, until Ctrl-C',
    'ktrace exec --failed -f -p 4242        # what 4242 and its children execute',
    'ktrace exec --summary -d 10s           # which programs, how often, how long',
    'ktrace exec --alert exec-from-tmp -o ndjson -q',
    'ktrace exec -- make -j8                # a command and its children',
  ],
  columnsForSort: ['execs', 'failed', 'cpu', 'p99', 'peak'],
};
