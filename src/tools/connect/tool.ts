/** `ktrace connect` as data: its object, its options and its eyes. */
import { KtraceError } from '../../errors.js';
import { schema } from '../../generated/connect.js';
import type { Own, Tool, ToolOptions } from '../contract.js';
import { listOf } from '../own.js';
import { ConnectLook } from './look.js';
import { BYS, type By, type ConnectEventRecord } from './model.js';
import { netWords, parseNet } from './nets.js';
import { lineOf } from './records.js';
import { CONNECT_SORTS } from './report.js';

const PORTS = 16; // as in bpf/connect.bpf.h
const NETS = 8;
const DEFAULT_ROWS = 4096; // as in cli.ts
const DEFAULT_CONNECTIONS = 16384;

const padded = <T>(values: readonly T[], length: number, filler: T): T[] => Array.from({ length }, (_, i) => values[i] ?? filler);

function options({ filters: { minWaitNs }, own }: ToolOptions): object {
  const ports = listOf(own['port']).map(Number);
  const nets = listOf(own['dest']).map((text) => parseNet(String(text)));
  if (ports.length > PORTS || nets.length > NETS) throw new KtraceError(`More than ${PORTS} ports or ${NETS} networks`, 'USAGE', 'trace all of them, and look at the report');
  if (own['failed'] === true && own['lifetime'] === true) throw new KtraceError('An attempt that failed has no lifetime', 'USAGE', 'leave out --failed or --lifetime');
  return {
    lifetime: own['lifetime'] === true,
    onlyFailed: own['failed'] === true,
    slowerThan: minWaitNs,
    ports: padded(ports, PORTS, 0),
    portsCount: ports.length,
    nets: padded(netWords(nets), 4 * NETS, 0n),
    netsIpv4: padded(nets.map(({ ipv4 }) => (ipv4 ? 1 : 0)), NETS, 0),
    netsCount: nets.length,
  };
}

function filterWords({ port, dest, failed }: Own): string[] {
  return [
    ...(listOf(port).length > 0 ? [`ports ${listOf(port).join(', ')}`] : []),
    ...(listOf(dest).length > 0 ? [`to ${listOf(dest).join(', ')}`] : []),
    ...(failed === true ? ['failed attempts'] : []),
  ];
}

const byOf = ({ by }: Own): By => BYS.find((each) => each === by) ?? 'dest';

export const connectTool: Tool<ConnectEventRecord> = {
  name: 'connect',
  schema,
  optionalHooks: {},
  limits: { kprobe: ['Errors before the first packet, while many calls sleep at once: kretprobes have few slots.'] },
  alsoOn: {},
  sorts: CONNECT_SORTS,
  hasEvents: true,
  countsEvents: true,
  lines: (own) => (own['summary'] === true ? 'none' : 'usual'),
  line: lineOf,
  filterWords,
  options,
  mapSizes: ({ ringBytes }, { own }) => ({ events: ringBytes, attempts: Number(own['maxConnections'] ?? DEFAULT_CONNECTIONS) }),
  look: (tables, processes, { own }) => new ConnectLook(tables, processes, { by: byOf(own), mostRows: Number(own['maxRows'] ?? DEFAULT_ROWS), resolve: own['resolve'] === true, lifetime: own['lifetime'] === true }),
};
