/** Paths of cgroups, from the names that the kernel side has read. */
import type { OomPlace } from '../../generated/oom.js';

/** `/kubepods/pod…/…`; `…/` at its beginning where there are more levels above than were read. */
export function pathOf({ names, depth, deeper }: OomPlace): string {
  const parts = names.slice(0, depth).map(({ text }) => text).reverse();
  return `${deeper !== 0 ? '…' : ''}/${parts.join('/')}`;
}
