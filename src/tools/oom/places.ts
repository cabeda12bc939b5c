/** Paths of cgroups, from the names that the kernel side has read. */
import type { OomPlace } from '../../generated/oom.js';

/** CGROUP_NAME of bpf/oom.bpf.h, without its NUL: a longer one is cut. */
const LONGEST = 95;

/** `/kubepods/pod…/…`; `…/` at its beginning where there are more levels above than were read. */
export function pathOf({ names, depth, deeper }: OomPlace): string {
  const parts = names.slice(0, depth).map(({ text }) => (Buffer.byteLength(text) >= LONGEST ? `${text}…` : text)).reverse();
  return `${deeper !== 0 ? '…' : ''}/${parts.join('/')}`;
}
