/** What the command line says of `ktrace oom`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const oomCli: ToolCli = {
  name: 'oom',
  summary: 'Who was killed when memory ran out, for whom, and why this one and not another: each candidate with its score.',
  options: [
    { flags: '--list', kind: 'flag', summary: 'do not trace: show what the kernel log still has' },
    { flags: '--summary', kind: 'flag', summary: 'show nothing while tracing, but the report at the end' },
    { flags: '--fail-on-oom', kind: 'flag', summary: 'exit 5 if memory ran out, and a victim was marked' },
    { flags: '--protect-self', kind: 'flag', summary: 'let the kernel kill others before ktrace (oom_score_adj -1000), and keep its code in memory' },
    { flags: '--ring-size <bytes>', kind: 'count', fallback: '4194304', summary: 'size of the buffer for candidates' },
    { flags: '--max-rows <count>', kind: 'count', fallback: '256', summary: 'incidents kept for the report at most' },
  ],
  shared: {
    '--pid': 'do not trace: who would be killed now, where this process lives',
    '--cgroup': 'do not trace: who would be killed now, in this cgroup',
    '--tid': null,
    '--comm': null,
    '--min-wait': null,
    '--include-self': null,
    '--follow': null,
    '--all': null,
  },
  examples: [
    'ktrace oom                        # each time that memory runs out',
    'ktrace oom --fail-on-oom -- make  # exit 5 if anything was killed meanwhile',
    'ktrace oom --list                 # what the kernel log still has',
    'ktrace oom -p 4242                # who would be killed now, where 4242 lives',
    'ktrace oom -c /kubepods.slice     # and in that cgroup',
    'ktrace oom -o ndjson -q           # for a program: with all candidates',
  ],
  columnsForSort: ['time'],
};
