/** `ktrace oom` in tests: cgroups of the tests' own with limits, processes that take memory, and what the kernel log says of them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { AfterRecord, IncidentRecord } from '../../src/tools/oom/model.js';
import type { Loss } from '../../src/report/model.js';
import { removed } from './cgroups.js';
import type { FutexReport } from './futex-model.js';
import { accounts } from './losses.js';
import { kernelVersion } from './machine.js';
import { workload, type Workload } from './processes.js';

export const MIB = 1 << 20;
/** The kernel logs ten incidents in five seconds (oom_kill_process()); of more it says who was killed, and no more. */
export const LOG_PAUSE_MS = 5500;

export interface OomReport {
  readonly header: FutexReport['header'];
  readonly losses: readonly Loss[];
  readonly sections: { readonly incidents: { readonly rows: readonly { readonly number: number; readonly victims: string; readonly ended: number | null }[] }; readonly candidates: { readonly rows: readonly { readonly pid: number; readonly victim: string }[] } };
  readonly finding: readonly string[];
}

/** Whether the tracepoint of a victim tells more than its id: since Linux 6.8, and in the later ones of Debian's 6.1. */
export function victimsAreTold(): boolean {
  const format = '/sys/kernel/tracing/events/oom/mark_victim/format';
  return existsSync(format) ? readFileSync(format, 'utf8').includes('__data_loc char[] comm;') : kernelVersion() >= 608;
}

/** The memory controller: of cgroup v1 where that has it, else of v2, mounted where it is not. */
export interface Controller {
  readonly mount: string;
  readonly unified: boolean;
}

export function memoryController(): Controller {
  const mounts = (): string[][] => readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '));
  const v1 = mounts().find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes('memory'));
  if (v1) return { mount: v1[1] ?? '', unified: false };
  if (!mounts().some(([, , type]) => type === 'cgroup2')) execFileSync('mount', ['-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
  const mount = mounts().find(([, , type]) => type === 'cgroup2')?.[1] ?? '';
  writeFileSync(join(mount, 'cgroup.subtree_control'), '+memory');
  return { mount, unified: true };
}

/** A cgroup that may hold so much memory, and no swap beyond it; gone with the test. */
export class Limited {
  private constructor(
    readonly directory: string,
    readonly controller: Controller,
  ) {}

  static make(t: Test, controller: Controller, bytes: number | undefined, above = controller.mount): Limited {
    if (controller.unified && above !== controller.mount) writeFileSync(join(above, 'cgroup.subtree_control'), '+memory');
    const made = new Limited(mkdtempSync(join(above, 'ktrace-test-oom-')), controller);
    removed(t, made.directory);
    if (bytes !== undefined) made.#limit(bytes);
    return made;
  }

  #limit(bytes: number): void {
    const files = this.controller.unified ? ['memory.max'] : ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'];
    for (const file of files) if (existsSync(join(this.directory, file))) writeFileSync(join(this.directory, file), String(bytes));
    const swap = join(this.directory, 'memory.swap.max');
    if (existsSync(swap)) writeFileSync(swap, '0');
  }

  /** Of cgroup v2: all of it goes at once. */
  asGroup(): void {
    writeFileSync(join(this.directory, 'memory.oom.group'), '1');
  }

  /** As the kernel writes it. */
  get path(): string {
    return this.directory.slice(this.controller.mount.length);
  }

  /** test/workloads/hog.c in it; it takes memory when it is told to. */
  hog(t: Test, ...args: readonly string[]): Promise<Workload> {
    return workload(t, 'hog', ['--cgroup', this.directory, ...args]);
  }
}

/** It holds what it was to take. */
export async function holding(hog: Workload): Promise<Workload> {
  hog.line();
  await hog.truth();
  return hog;
}

/** Lines of JSON: events, and the report after them. */
export function oomLines(t: Test, text: string, losses: readonly string[] = []): { report: OomReport; incidents: readonly IncidentRecord[]; after: readonly AfterRecord[] } {
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as { readonly type?: string });
  const report = lines.pop() as unknown as OomReport;
  accounts(t, report, losses);
  const of = <T>(type: string): T[] => lines.filter((line) => line.type === type) as unknown as T[];
  return { report, incidents: of('incident'), after: [...of<AfterRecord>('end'), ...of<AfterRecord>('freed'), ...of<AfterRecord>('restart')] };
}

/** What the kernel log says of one kill, read on its own: sizes in bytes. */
export interface Logged {
  readonly pid: number;
  readonly anon: number;
  readonly file: number;
  readonly shmem: number;
  readonly pageTables: number;
  readonly adj: number;
}

const KILLED = /(?:Memory cgroup out|Out) of memory.*: Killed process (\d+) \(.*\) total-vm:\d+kB, anon-rss:(\d+)kB, file-rss:(\d+)kB, shmem-rss:(\d+)kB, UID:\d+ pgtables:(\d+)kB oom_score_adj:(-?\d+)$/;

export function killedIn(log: string): Logged[] {
  return log.split('\n').flatMap((line) => {
    const found = KILLED.exec(line);
    if (!found) return [];
    const [pid = 0, anon = 0, file = 0, shmem = 0, pageTables = 0, adj = 0] = found.slice(1).map(Number);
    return [{ pid, anon: anon * 1024, file: file * 1024, shmem: shmem * 1024, pageTables: pageTables * 1024, adj }];
  });
}

/** A row of the kernel's table of tasks: pid, resident pages, page tables in bytes, oom_score_adj. */
export type TaskRow = readonly [pid: number, rss: number, pageTables: number, adj: number];

/** Of the first table. Columns after `rss` differ between kernels. */
export function tasksIn(log: string): TaskRow[] {
  const [, first = ''] = log.split('Tasks state');
  return [...first.matchAll(/\[ *(\d+)\] +\d+ +\d+ +\d+ +(\d+) (?:.* )?(\d+) +\d+ +(-?\d+) \S+$/gm)].map(([, pid, rss, tables, adj]) => [Number(pid), Number(rss), Number(tables), Number(adj)]);
}

/** The first stack of who asked for memory: functions without those of the OOM killer, and the instruction in user space. */
export function stackIn(log: string): { readonly stack: readonly string[]; readonly address: string | undefined } {
  const [, trace = '', address] = /Call Trace:\n(.*?)\] RIP: 0033:(0x[0-9a-f]+)\n/s.exec(log) ?? [];
  const frames = [...trace.matchAll(/\]  ([a-z_]\w*)(?:\.\w+)*\+(0x\w+)\/(0x\w+)/g)].filter(([, , offset, size]) => offset !== size).map(([, name = '']) => name);
  return { stack: frames.slice(frames.findLastIndex((name) => /^(mem_cgroup_)?out_of_memory$/.test(name)) + 1), address };
}

/** The kernel log from now on, read by dmesg(1). */
export function kernelLog(): () => string {
  const read = (): string => execFileSync('dmesg', { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, PATH: `${process.env['PATH']}:/usr/bin:/bin` } });
  const marker = `ktrace test ${process.pid} ${process.hrtime.bigint()}`;
  writeFileSync('/dev/kmsg', marker);
  return () => {
    const log = read();
    return log.slice(log.lastIndexOf(marker));
  };
}

/** Whether root may lower oom_score_adj here (CAP_SYS_RESOURCE). */
export function mayProtect(): boolean {
  return spawnSync('sh', ['-c', 'echo -1000 > /proc/self/oom_score_adj'], { stdio: 'ignore' }).status === 0;
}
