/** What may be attached while a workload runs. Each has a name and `attach(pid)`, which resolves, hooks in place, with `detach()`. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { attachEmpty } from './empty.mjs';
import { Program, settled, sleep } from './programs.mjs';

const nothing = { name: 'nothing', needed: true, attach: async () => ({ detach: async () => undefined }) };

const empty = (tool, variant, clock = false) => ({
  name: clock ? 'a clock in each' : 'empty programs',
  needed: true,
  attach: async () => {
    const object = attachEmpty(tool, variant, clock);
    return { detach: async () => object.close() };
  },
});

/** ktrace as its users run it; `args` before the target. */
export async function startKtrace(args, tool = 'futex') {
  const program = new Program(process.execPath, ['dist/cli/main.js', tool, '-o', 'json', ...args]);
  const { ns } = await program.said('stderr', /tracing .*\n/);
  return { program, attachedNs: ns };
}

const ktrace = (tool, words, argsFor) => ({
  name: ['ktrace', tool, ...words].join(' '),
  needed: true,
  attach: async (pid) => {
    const { program } = await startKtrace(argsFor(pid), tool);
    return { detach: async () => JSON.parse(await program.stop()) };
  },
});

/** Peers read tracefs; where it is not mounted, it is in a mount namespace of their own. `exec` keeps the process id. */
const WITH_TRACEFS = '[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"';

const peer = ({ title, command, args, ready = (program) => settled(program), batches }) => ({
  name: title,
  batches,
  attach: async (pid) => {
    const program = new Program('unshare', ['-m', 'sh', '-c', WITH_TRACEFS, title, command, ...args(pid)]);
    await ready(program, pid);
    return { detach: () => program.stop() };
  },
});

/** Resolves when a debugger holds the process. */
async function held(program, pid) {
  while (/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await sleep(20);
}

/** Batches for those that stop the process at each call: they take minutes for what others do in a second. */
const FEW = 4;

function find(names) {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin'];
  const isProgram = (path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return names.flatMap((name) => directories.map((directory) => `${directory}/${name}`)).find(isProgram);
}

const PEERS = {
  futex: [
    { names: ['bpftrace'], title: 'bpftrace script', args: (pid) => ['bench/futex.bt', String(pid)], hint: 'apt-get install bpftrace' },
    { names: ['futexctn', 'futexctn-libbpf'], title: 'futexctn -s -p', args: (pid) => ['-s', '-p', String(pid)], hint: 'apt-get install libbpf-tools (Debian 13 and later; that of Debian 12 lacks it)' },
  ],
  exec: [
    { names: ['execsnoop', 'execsnoop-libbpf'], title: 'execsnoop', args: () => [], hint: 'apt-get install libbpf-tools' },
    { names: ['exitsnoop', 'exitsnoop-libbpf'], title: 'exitsnoop', args: () => [], hint: 'apt-get install libbpf-tools' },
  ],
  connect: [
    { names: ['tcpconnect', 'tcpconnect-libbpf'], title: 'tcpconnect', args: () => [], hint: 'apt-get install libbpf-tools' },
    { names: ['tcpconnlat', 'tcpconnlat-libbpf'], title: 'tcpconnlat', args: () => [], hint: 'apt-get install libbpf-tools' },
  ],
  syscalls: [
    { names: ['syscount', 'syscount-libbpf'], title: 'syscount -L -p', args: (pid) => ['-L', '-p', String(pid)], hint: 'apt-get install libbpf-tools' },
    { names: ['strace'], title: 'strace -c -p', args: (pid) => ['-f', '-c', '-p', String(pid)], hint: 'apt-get install strace', ready: held, batches: FEW },
    { names: ['perf'], title: 'perf trace -s -p', args: (pid) => ['trace', '-s', '-p', String(pid)], hint: 'apt-get install linux-perf', batches: FEW },
  ],
};

/** All that are here, in the order of the tables; `missing` says how to get the others. */
export function findTracers(tool, variant) {
  const own = [nothing, empty(tool, variant), empty(tool, variant, true), ktrace(tool, ['-p'], (pid) => [...(tool === 'exec' ? ['-f'] : []), '-p', String(pid)]), ktrace(tool, [], () => [])];
  const peers = PEERS[tool].map(({ names, ...rest }) => ({ ...rest, names, command: find(names) }));
  return {
    tracers: [...own, ...peers.filter(({ command }) => command).map(peer)],
    missing: peers.filter(({ command }) => !command).map(({ names: [name], hint }) => `${name} is not installed: ${hint}`),
  };
}
