/** Where the tests are, and the machine they run on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const CLI = join(ROOT, 'dist/cli/main.js');
/** Variant of all programs of these tests; else the best that this kernel takes. */
export const VARIANT = process.env['KTRACE_TEST_VARIANT'];
/** Rounds of most workloads. */
export const N = 23;
/** A processor in software: slow, and a thread may lose milliseconds between reading its clock and its system call. */
export const EMULATED = /^model name.*QEMU TCG/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
/** A guest of scripts/vm or test:vagrant, which is thrown away: its settings may be changed, and all of its memory taken. */
export const DISPOSABLE = existsSync('/run/ktrace-vm');
/** How many times longer everything may take. */
export const SLOWNESS = EMULATED ? 5 : 1;

/** All that children see: the test runner puts a loader of its own into the environment of every process that it sees started. */
export const ENV: Readonly<Record<string, string>> = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: '/root', LANG: 'C.UTF-8' };

/** `major.minor` of the running kernel as one number: 5.16 is 516. */
export function kernelVersion(): number {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(readFileSync('/proc/sys/kernel/osrelease', 'utf8')) ?? [];
  return Number(major) * 100 + Number(minor);
}
