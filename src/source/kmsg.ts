/** The kernel log, from /dev/kmsg: Documentation/ABI/testing/dev-kmsg. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { KtraceError, UnsupportedError } from '../errors.js';
import type { KernelRecord } from '../tools/contract.js';
import { codeOf } from './doctor/text.js';

const PATH = '/dev/kmsg';
/** PRINTK_MESSAGE_MAX and CONSOLE_EXT_LOG_MAX are 2 and 8 KiB: a read with less room fails with EINVAL. */
const LARGEST_RECORD = 16 << 10;
const MOST_TRIES = 100; // while records are overwritten faster than they are read
const MOST_RECORDS = 100_000;
const MOST_BYTES = 32 << 20;

export interface LogOptions {
  /** `end`: only what is written from now on. */
  readonly from: 'beginning' | 'end';
  readonly path?: string;
  /** Records, and bytes of them, that one read() takes at most; the next one goes on from there. */
  readonly mostRecords?: number;
  readonly mostBytes?: number;
}

/** Opened when it is made, and never written to. Reading takes nothing from other readers. */
export class KernelLog {
  #file: number | undefined;
  #lost = 0;
  readonly #chunk = Buffer.alloc(LARGEST_RECORD);
  readonly #mostRecords: number;
  readonly #mostBytes: number;

  /** Throws KtraceError where it is not there, or may not be read. */
  constructor({ from, path = PATH, mostRecords = MOST_RECORDS, mostBytes = MOST_BYTES }: LogOptions) {
    this.#mostRecords = mostRecords;
    this.#mostBytes = mostBytes;
    this.#file = opened(path);
    if (from === 'end') this.#toEnd();
  }

  /** Times that records were overwritten before they were read: one time may be any number of them. */
  get lost(): number {
    return this.#lost;
  }

  /** What is there now, without waiting for more. */
  read(): KernelRecord[] {
    const records: KernelRecord[] = [];
    for (let bytes = 0; records.length < this.#mostRecords && bytes < this.#mostBytes; ) {
      const text = this.#next();
      if (text === undefined) break;
      bytes += text.length;
      const record = parseRecord(text);
      if (record) records.push(record);
    }
    return records;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** lseek(2) is not to be had from Node.js: whatever is there is passed over. */
  #toEnd(): void {
    for (let read = 0; read < MOST_RECORDS && this.#next() !== undefined; read++);
    this.#lost = 0;
  }

  /** One record is one read(2); undefined at the end. */
  #next(): string | undefined {
    for (let tries = 0; this.#file !== undefined && tries < MOST_TRIES; tries++) {
      try {
        const length = readSync(this.#file, this.#chunk, 0, LARGEST_RECORD, null);
        return length === 0 ? undefined : this.#chunk.toString('latin1', 0, length);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'EAGAIN') return undefined;
        if (code !== 'EPIPE') throw new KtraceError(`Reading ${PATH} failed: ${code}`, 'KMSG', '', { cause: error });
        this.#lost++; // the next read is of the oldest record that is left
      }
    }
    return undefined;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    const hint = code === 'EPERM' || code === 'EACCES' ? 'be root, or have CAP_SYSLOG: the kernel log is for them alone while /proc/sys/kernel/dmesg_restrict is 1' : 'where /dev/kmsg is not there, as in most containers, look from the host';
    throw new UnsupportedError('The kernel log cannot be read', 'KMSG', hint, { cause: error });
  }
}

const RECORD = /^(\d+),(\d+),(\d+),([^;\n]*);([^\n]*)/;

/**
 * One record: `level and facility,sequence,microseconds,flags[,key=value…];text`, then lines of its device that begin with a space. Each byte of `text`
 * is a character, as latin1 has them; what comes out is UTF-8 as far as it can be. undefined: it is no record.
 */
export function parseRecord(text: string): KernelRecord | undefined {
  const [, priority, sequence, timeUs, more = '', line = ''] = RECORD.exec(text) ?? [];
  if (priority === undefined) return undefined;
  const [flags = '', ...pairs] = more.split(',');
  return {
    sequence: Number(sequence),
    timeUs: Number(timeUs),
    level: Number(priority) & 7,
    facility: Number(priority) >> 3,
    continues: flags === 'c',
    caller: pairs.find((pair) => pair.startsWith('caller='))?.slice('caller='.length) ?? null,
    text: unescaped(line),
  };
}

/** Bytes that are not printable ASCII, and the backslash, are written `\xNN` (msg_add_ext_text() of kernel/printk/printk.c). */
function unescaped(line: string): string {
  const bytes = line.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
