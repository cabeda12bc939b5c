/** ktrace as a library: `await using s = await futex({ pid: 4242 })`. */
export { AttachError, KtraceError, UnsupportedError, VerifierError } from './errors.js';
export { exec, futex, syscalls, type Duration, type ExecEventRecord, type ExecOptions, type FutexEventRecord, type FutexOptions, type Session, type SyscallEventRecord, type SyscallsOptions, type TraceOptions } from './library.js';
export type { AttachAttempt, Column, Header, Histogram, Loss, Report, Row, Section, Share, Tally, Unit, Untrusted, Value } from './report/model.js';
export { renderEvent, type EventRecord } from './render/events.js';
export { renderJson, renderNdjson } from './render/json.js';
export { renderTable } from './render/table.js';
