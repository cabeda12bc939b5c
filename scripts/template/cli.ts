/** What the command line says of `ktrace sample`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const sampleCli: ToolCli = {
  name: 'sample',
  summary: 'Which processes call getppid(2), and how often.',
  options: [],
  examples: [
    'ktrace sample -p 4242                  # until Ctrl-C or the end of 4242',
    'ktrace sample -p 4242 -d 10s -o json   # ten seconds, for a program',
    'ktrace sample -i 1                     # the whole machine, every second',
  ],
  columnsForSort: ['calls', 'pid'],
};
