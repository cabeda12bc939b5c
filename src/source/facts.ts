/** Facts of the running kernel, from trials instead of version numbers. */
import { existsSync, readFileSync } from 'node:fs';
import { release, version } from 'node:os';
import { loadBinding } from '../native/load.js';

export const kernelRelease = (): string => release();

/** Where a variant was refused, and how. */
export interface Refusal {
  readonly stage: 'load' | 'attach';
  /** Name of the errno. */
  readonly code: string;
}

export interface KernelFacts {
  /** It lacks helpers of Linux 5.17, so that objects made for older kernels have to be taken. */
  readonly legacy: boolean;
  /** Variants that it refuses whatever the program. */
  readonly refused: Readonly<Record<string, Refusal>>;
  /** Tasks can be preempted in the middle of a program. What other programs on that CPU would have seen meanwhile is skipped. */
  readonly preemptible: boolean;
  /** Whether it has this system call. */
  hasCall(name: string): boolean;
}

export const VMLINUX = '/sys/kernel/btf/vmlinux';
const KPROBE_PMU = '/sys/bus/event_source/devices/kprobe/type'; // without it only probes that outlive a crash are left
/** What functions of system calls are named with, and schemas leave out. */
export const PREFIX = process.arch === 'arm64' ? '__arm64_sys_' : '__x64_sys_';

export function kernelFacts(): KernelFacts {
  const fentry = loadBinding().refusesFentry();
  let btf: Buffer | undefined;
  return {
    legacy: !loadBinding().hasFindVma(),
    refused: {
      ...(fentry === undefined ? {} : { fentry: { stage: 'load' as const, code: fentry } }),
      ...(existsSync(KPROBE_PMU) ? {} : { kprobe: { stage: 'attach' as const, code: 'ENOENT' } }),
    },
    preemptible: isPreemptible(),
    hasCall: (name) => (btf ??= readFileSync(VMLINUX)).includes(`\0${PREFIX}${name}\0`),
  };
}

/**
 * By debugfs, the command line of the kernel, or what it was built for. PREEMPT_DYNAMIC alone tells nothing, but that from 7.0 on
 * nothing milder than `lazy` is left to choose from ("sched: Further restrict the preemption modes", on the architectures that ktrace runs on).
 */
function isPreemptible(): boolean {
  const mode = /\((\w+)\)/.exec(textOf('/sys/kernel/debug/sched/preempt'))?.[1] ?? /\bpreempt=(\w+)/.exec(textOf('/proc/cmdline'))?.[1];
  return mode === undefined ? /\bPREEMPT(_RT|_LAZY)?\b/.test(version()) || (version().includes('PREEMPT_DYNAMIC') && parseInt(release()) >= 7) : mode === 'full' || mode === 'lazy';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
