/** ktrace as a library: `await using s = await futex({ pid: 4242 })`. */
export { AttachError, KtraceError, UnsupportedError, VerifierError } from './errors.js';
export { connect, type ConnectOptions } from './library/connect.js';
export { exec, type ExecOptions } from './library/exec.js';
export { futex, type FutexOptions } from './library/futex.js';
export { oom, type OomOptions } from './library/oom.js';
export type { Duration, TraceOptions } from './library/options.js';
export { syscalls, type SyscallsOptions } from './library/syscalls.js';
export type { AttachAttempt, Column, Header, Histogram, Loss, Report, Row, Section, Share, Tally, Unit, Untrusted, Value } from './report/model.js';
export { renderEvent, type EventRecord } from './render/events.js';
export { renderJson, renderNdjson } from './render/json.js';
export { renderTable } from './render/table.js';
export type { Session } from './source/session.js';
export type { ConnectEventRecord } from './tools/connect/model.js';
export type { ExecEventRecord } from './tools/exec/model.js';
export type { FutexEventRecord } from './tools/futex/events.js';
export type { OomRecord } from './tools/oom/model.js';
export type { SyscallEventRecord } from './tools/syscalls/events.js';
