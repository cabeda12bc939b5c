/** Facts of the machine that its files tell. */
import { pidNamespace } from '../namespace.js';
import type { CgroupMounts, DoctorFacts } from '../../report/doctor/facts.js';
import { numberIn, textOf, whyUnreadable } from './text.js';

type MachineFacts = Pick<DoctorFacts, 'distribution' | 'btf' | 'lockdown' | 'perfEventParanoid' | 'unprivilegedBpfDisabled' | 'kernelLog' | 'cgroup' | 'pidNamespace'>;

export function machineFacts(): MachineFacts {
  return {
    distribution: parseOsRelease(textOf('/etc/os-release') ?? textOf('/usr/lib/os-release') ?? ''),
    btf: whyUnreadable('/sys/kernel/btf/vmlinux'),
    lockdown: textOf('/sys/kernel/security/lockdown'),
    perfEventParanoid: numberIn('/proc/sys/kernel/perf_event_paranoid'),
    unprivilegedBpfDisabled: numberIn('/proc/sys/kernel/unprivileged_bpf_disabled'),
    kernelLog: whyUnreadable('/dev/kmsg'),
    cgroup: cgroupMounts(textOf('/proc/self/mounts') ?? ''),
    pidNamespace: pidNamespace(),
  };
}

/** The name for people in os-release(5). */
export function parseOsRelease(text: string): string | undefined {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1] ?? /^NAME=(.*)$/m.exec(text)?.[1];
  return value?.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(.)/g, '$1');
}

/** From the text of /proc/self/mounts. */
export function cgroupMounts(mounts: string): CgroupMounts {
  const entries = mounts.split('\n').map((line) => line.split(' '));
  const v2 = entries.find(([, , type]) => type === 'cgroup2')?.[1]?.replaceAll('\\040', ' ');
  return { v2, v1: entries.some(([, , type]) => type === 'cgroup') };
}
