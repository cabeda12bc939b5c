/** Cgroups of the tests' own. */
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';

/** The first cgroup v2 mount; tests make one of their own below it. */
export function cgroupMount(): string | undefined {
  return readFileSync('/proc/self/mounts', 'utf8').split('\n').find((line) => line.split(' ')[2] === 'cgroup2')?.split(' ')[1];
}

/** Gone with the test. */
export function newCgroup(t: Test, mount: string, name: string): string {
  const path = mkdtempSync(`${mount}/ktrace-test-${name}-`);
  removed(t, path);
  return path;
}

/** When the test is over, and the last process of it is gone. */
export function removed(t: Test, path: string): void {
  t.teardown(async () => {
    for (let i = 0; i < 100; i++) {
      try {
        return rmdirSync(path);
      } catch {
        await sleep(20); // the last process of it is still going
      }
    }
  });
}
