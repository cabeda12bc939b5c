/** `ktrace futex` as data: its object, its options and its eyes. */
import { schema } from '../../generated/futex.js';
import type { Tool } from '../contract.js';
import type { FutexEventRecord } from './events.js';
import { FutexLook } from './look.js';
import { FUTEX_SORTS } from './report.js';

/** The ends of these calls need nothing but their result, so one program serves all three. */
const ALSO_ON = {
  sys_exit_restart_syscall__tracepoint: ['tracepoint/syscalls/sys_exit_futex_waitv', 'tracepoint/syscalls/sys_exit_futex_wait'],
};

/** A hook on a function sees calls end that it saw begin, unless another tracer hooks the same function meanwhile. */
const NOT_FROM_BEFORE = 'The ends of waits that had begun before tracing: the wake-up tells when and how, and they are counted when the thread next calls futex.';
const LIMITS = {
  fentry: [NOT_FROM_BEFORE],
  kprobe: [NOT_FROM_BEFORE, 'Ends of waits, and wakes, while more threads of the machine sleep in these calls than the kernel has slots for kretprobes (as few as one for each CPU): such waits are told by the wake-up, too, or count as lost, and so do such wakes.'],
};

export const futexTool: Tool<FutexEventRecord> = {
  name: 'futex',
  schema,
  optionalHooks: {
    futex_waitv: 'This kernel has no futex_waitv(2) (it came with Linux 5.16).',
    futex_wait: 'This kernel has no futex_wait(2) (it came with Linux 6.7).',
    futex_wake: 'This kernel has no futex_wake(2) (it came with Linux 6.7).',
    futex_requeue: 'This kernel has no futex_requeue(2) (it came with Linux 6.7).',
  },
  limits: LIMITS,
  alsoOn: ALSO_ON,
  sorts: FUTEX_SORTS,
  hasEvents: true,
  options: ({ filters: { minWaitNs }, events, endsMissed }) => ({ minWaitNs, emitEvents: events, endsMissed }),
  mapSizes: ({ maxKeys, ringBytes }) => ({ locks: maxKeys, parts: 4 * maxKeys, events: ringBytes }),
  look: (tables, processes) => new FutexLook(tables, processes),
};
