/** What may be attached while a workload runs. Each has a name and `attach(pid)`, which resolves, hooks in place, with `detach()`. */
import { accessSync, constants } from 'node:fs';
import { attachEmpty } from './empty.mjs';
import { Program, settled } from './programs.mjs';

const nothing = { name: 'nothing', needed: true, attach: async () => ({ detach: async () => undefined }) };

const empty = (variant) => ({
  name: 'empty programs',
  needed: true,
  attach: async () => {
    const object = attachEmpty(variant);
    return { detach: async () => object.close() };
  },
});

/** ktrace as its users run it; `args` before the target. */
export async function startKtrace(args) {
  const program = new Program(process.execPath, ['dist/cli/main.js', 'futex', '-o', 'json', ...args]);
  const { ns } = await program.said('stderr', /tracing .*\n/);
  return { program, attachedNs: ns };
}

const ktrace = (name, argsFor) => ({
  name,
  needed: true,
  attach: async (pid) => {
    const { program } = await startKtrace(argsFor(pid));
    return { detach: async () => JSON.parse(await program.stop()) };
  },
});

/** Peers read tracefs; where it is not mounted, it is in a mount namespace of their own. `exec` keeps the process id. */
const WITH_TRACEFS = '[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"';

const peer = (name, command, argsFor) => ({
  name,
  attach: async (pid) => {
    const program = new Program('unshare', ['-m', 'sh', '-c', WITH_TRACEFS, name, command, ...argsFor(pid)]);
    await settled(program);
    return { detach: () => program.stop() };
  },
});

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

/** All that are here, in the order of the tables; `missing` says how to get the others. */
export function findTracers(variant) {
  const missing = [];
  const own = [nothing, empty(variant), ktrace('ktrace futex -p', (pid) => ['-p', String(pid)]), ktrace('ktrace futex', () => [])];
  const bpftrace = find(['bpftrace']);
  const futexctn = find(['futexctn', 'futexctn-libbpf']);
  if (!bpftrace) missing.push('bpftrace is not installed: apt-get install bpftrace');
  if (!futexctn) missing.push('futexctn is not installed: apt-get install libbpf-tools (Debian 13 and later; that of Debian 12 lacks it)');
  const peers = [
    bpftrace && peer('bpftrace script', bpftrace, (pid) => ['bench/futex.bt', String(pid)]),
    futexctn && peer('futexctn -s -p', futexctn, (pid) => ['-s', '-p', String(pid)]),
  ];
  return { tracers: [...own, ...peers.filter(Boolean)], missing };
}
