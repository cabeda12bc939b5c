/** What the command line says of `ktrace connect`; loaded for --help, so it stays data alone. */
import type { ToolCli } from '../spec.js';

export const connectCli: ToolCli = {
  name: 'connect',
  summary: 'What became of each attempt to connect by TCP: connected, refused, timed out, unreachable, given up; how long, by whom, to where.',
  options: [
    { flags: '--by <what>', kind: 'choice', choices: ['dest', 'process', 'cgroup', 'port'], fallback: 'dest', summary: 'a row of the report for each of these' },
    { flags: '--port <port>', kind: 'ports', summary: 'attempts to these ports only (repeat, or commas)' },
    { flags: '--dest <net>', kind: 'texts', summary: 'attempts to these addresses or networks only, such as 192.0.2.0/24' },
    { flags: '--failed', kind: 'flag', summary: 'attempts that failed only' },
    { flags: '--lifetime', kind: 'flag', summary: 'also how connections ended: bytes, RTT, who closed first' },
    { flags: '--resolve', kind: 'flag', summary: 'look up the names of destinations by DNS' },
    { flags: '--summary', kind: 'flag', summary: 'show no lines, but the report at the end' },
    { flags: '--ring-size <bytes>', kind: 'count', fallback: '4194304', summary: 'size of the buffer for events' },
    { flags: '--max-rows <count>', kind: 'count', fallback: '4096', summary: 'rows of the report kept at most' },
    { flags: '--max-connections <count>', kind: 'count', fallback: '16384', summary: 'attempts, with --lifetime connections, followed at once' },
  ],
  examples: [
    'ktrace connect -p 4242                 # each attempt of one process',
    'ktrace connect --failed                # what fails on the whole machine',
    'ktrace connect --summary -d 10s        # by destination: how often, how long',
    'ktrace connect --lifetime --port 5432  # connections to a database, to the end',
    'ktrace connect -- curl -s http://example.com',
  ],
  columnsForSort: ['failed', 'attempts', 'p50', 'p99'],
};
