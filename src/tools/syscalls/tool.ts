/** `ktrace syscalls` as data: its object, its options and its eyes. */
import { schema, SyscallsBy } from '../../generated/syscalls.js';
import type { Limits, Own, Tool, ToolOptions } from '../contract.js';
import { EXEC, FUTEX, LAST, READING, RESTART, WAITING } from './classes.js';
import { SyscallsLook } from './look.js';
import { BYS, type By } from './model.js';
import { callNames, type CallNames } from './names.js';
import { bitsOf, selectCalls } from './select.js';
import { SYSCALLS_SORTS } from './report.js';

const NO_SUCH_CALL = 0xffff;
const ROWS_BY: Readonly<Record<By, number>> = { syscall: SyscallsBy.SYSCALLS_BY_CPU, process: SyscallsBy.SYSCALLS_BY_PROCESS, thread: SyscallsBy.SYSCALLS_BY_THREAD, cgroup: SyscallsBy.SYSCALLS_BY_CGROUP };

const byOf = ({ by }: Own): By => BYS.find((each) => each === by) ?? 'syscall';
const numbersOf = (name: string, names: CallNames): number[] => [false, true].map((compat) => names.number(name, compat) ?? NO_SUCH_CALL);

function options({ filters: { minWaitNs, launched }, own, machine }: ToolOptions): object {
  const names = callNames(machine);
  const expression = typeof own['trace'] === 'string' ? own['trace'] : 'all';
  return {
    minWaitNs,
    fromExec: launched,
    rowsBy: ROWS_BY[byOf(own)],
    someCalls: expression !== 'all',
    wantedCalls: bitsOf(selectCalls(expression, names), names),
    waitingCalls: bitsOf(WAITING, names),
    readingCalls: bitsOf(READING, names),
    execCalls: bitsOf(EXEC, names),
    lastCalls: bitsOf(LAST, names),
    futexCall: numbersOf(FUTEX, names),
    restartCall: numbersOf(RESTART, names),
  };
}

export const syscallsTool: Tool<never> = {
  name: 'syscalls',
  schema,
  optionalHooks: {},
  limits: {},
  alsoOn: {},
  sorts: SYSCALLS_SORTS,
  hasEvents: false,
  options,
  mapSizes: ({ maxKeys }: Limits) => ({ rows: maxKeys, errors: maxKeys }),
  look: (tables, processes, { own, machine }) => new SyscallsLook(tables, processes, callNames(machine), byOf(own)),
};
