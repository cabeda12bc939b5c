/** From events of the kernel to what a process is, and how it ended. */
import { ExecFlag, ExecKind, type ExecEvent } from '../../generated/exec.js';
import { containerOf, podOf } from '../container.js';
import { signalName } from '../signals.js';
import type { Ancestor, End, Image } from './model.js';
import { absolute, joinParts, readText } from './text.js';

const FDCWD = -100;
const has = ({ flags }: ExecEvent, flag: number): boolean => (flags & flag) !== 0;

/** `later`: parts of its text but the first, by number; the first one is in the event. */
export function imageOf(event: ExecEvent, later: readonly Uint8Array[], ancestors: readonly Ancestor[]): Image {
  const { bytes, missing } = joinParts([event.text.slice(0, event.textBytes), ...Array.from({ length: Math.max(0, later.length - 1) }, (_, i) => later[i + 1])], event.textWhole);
  const { path, interpreter, directory, file, cgroup, argv, cutWithin } = readText(bytes, { deep: has(event, ExecFlag.EXEC_DEEP) });
  const given = givenPath(path, event);
  const failed = event.kind === ExecKind.EXEC_FAILED;
  return {
    pid: event.tgid,
    tid: event.tid,
    time: event.time,
    processBegan: event.processBegan,
    uid: event.uid,
    euid: event.euid,
    comm: event.comm,
    program: !failed && interpreter === '' && LINKS.test(path) ? file : programOf(given, directory),
    path: given,
    file: failed ? null : file,
    interpreter: interpreter === '' ? null : interpreter,
    directory,
    argv,
    argvCut: missing || cutWithin || has(event, ExecFlag.EXEC_CUT),
    argvUnread: has(event, ExecFlag.EXEC_UNREAD),
    cgroup,
    container: containerOf(cgroup) ?? null,
    pod: podOf(cgroup) ?? null,
    deleted: !failed && has(event, ExecFlag.EXEC_DELETED),
    ancestors,
  };
}

/** What leads elsewhere than it reads: then the file itself says more, unless it is an interpreter's. */
const LINKS = /^\/(dev\/fd|proc)\/|(^|\/)\.\.(\/|$)/;

/** As the kernel names what execveat(2) is given (fs/exec.c, alloc_bprm()). */
function givenPath(path: string, { dirfd, kind }: ExecEvent): string {
  if (kind !== ExecKind.EXEC_FAILED || dirfd === FDCWD || path.startsWith('/')) return path;
  return `/dev/fd/${dirfd}${path === '' ? '' : `/${path}`}`;
}

const programOf = (path: string, directory: string): string => (path === '' ? '(no path)' : absolute(path.replace(/^\/proc\/self\/cwd(?=\/)/, directory), directory));

/** Of a process that had begun before tracing. */
export function unknownImage({ tgid, processBegan, comm }: ExecEvent): Image {
  return { pid: tgid, tid: tgid, time: processBegan, processBegan, uid: -1, euid: -1, comm, program: comm, path: '', file: null, interpreter: null, directory: '', argv: [], argvCut: false, argvUnread: false, cgroup: '', container: null, pod: null, deleted: false, ancestors: [] };
}

const CORE = 0x80;
const SIGKILL = 9;

/** `status` as wait(2) has it. */
export function endOf(event: ExecEvent, since: number): End {
  const signal = event.status & 0x7f;
  return {
    time: event.time,
    code: signal === 0 ? (event.status >> 8) & 0xff : null,
    signal: signal === 0 ? null : signalName(signal),
    dumped: (event.status & CORE) !== 0,
    oom: has(event, ExecFlag.EXEC_OOM) && signal === SIGKILL,
    lifetimeNs: Math.max(0, event.time - since),
    cpuNs: event.cpu,
    cpuIsWhole: false,
    isZombie: false,
    peakBytes: event.peak,
  };
}
