/** What the kernel logs of the kinds of memory of a cgroup or of the machine when it runs out: memory_stat_format() of mm/memcontrol.c, show_free_areas() of mm/show_mem.c. */
import { formatSize } from '../../render/format.js';

/** In bytes. Others are counts, or parts of these. */
const OF_CGROUP = new Set(['anon', 'file', 'shmem', 'kernel', 'kernel_stack', 'pagetables', 'sec_pagetables', 'percpu', 'vmalloc', 'sock', 'slab', 'slab_reclaimable', 'slab_unreclaimable', 'zswap', 'file_mapped', 'file_dirty', 'file_writeback', 'total_cache', 'total_rss', 'total_shmem', 'total_swap', 'total_mapped_file', 'total_dirty', 'total_writeback']);

/** Lines of memory.stat: up to Linux 6.1 one record has all of them, the last of which may be cut (LOG_LINE_MAX of kernel/printk). */
export function parseStat(text: string): (readonly [string, number])[] {
  const lines = text.split('\n');
  return lines.slice(0, Math.max(1, lines.length - 1)).flatMap((line) => {
    const [, name = '', bytes] = /^([a-z_]+) (\d+)$/.exec(line) ?? [];
    return OF_CGROUP.has(name) ? [[name, Number(bytes)] as const] : [];
  });
}

const OF_MACHINE = new Set(['active_anon', 'inactive_anon', 'active_file', 'inactive_file', 'unevictable', 'slab_reclaimable', 'slab_unreclaimable', 'mapped', 'shmem', 'pagetables', 'sec_pagetables', 'kernel_misc_reclaimable', 'free']);

/** The record that begins with `active_anon:`, in bytes; undefined: it is another one. */
export function parseKinds(text: string, pageSize: number): Record<string, number> | undefined {
  if (!text.startsWith('active_anon:')) return undefined;
  return Object.fromEntries([...text.matchAll(/\b([a-z_]+):(\d+)/g)].flatMap(([, name = '', pages]) => (OF_MACHINE.has(name) ? [[name, Number(pages) * pageSize]] : [])));
}

type Stat = Readonly<Record<string, number>>;
type Part = readonly [string, number];

const LEAST_SHARE = 0.01;
const ANONYMOUS = 'anonymous';

/** Parts that do not overlap, the largest first: `anonymous 480 MiB, page cache 10 MiB`. */
export const statText = (stat: Stat): string => inWords(partsOf(stat));

/** Without what only processes have; empty: nothing of it. */
export const otherText = (stat: Stat): string => inWords(partsOf(stat).filter(([name]) => name !== ANONYMOUS));

function inWords(parts: readonly Part[]): string {
  const sum = parts.reduce((all, [, bytes]) => all + bytes, 0);
  return [...parts].sort(([, a], [, b]) => b - a).filter(([, bytes]) => bytes > LEAST_SHARE * sum).map(([name, bytes]) => `${name} ${formatSize(bytes)}`).join(', ');
}

function partsOf(stat: Stat): Part[] {
  const of = (...names: readonly string[]): number => names.reduce((sum, name) => sum + (stat[name] ?? 0), 0);
  if ('free' in stat) return [['anonymous and tmpfs', of('active_anon', 'inactive_anon')], ['page cache', of('active_file', 'inactive_file')], ['slab that cannot be freed', of('slab_unreclaimable')], ['slab', of('slab_reclaimable')], ['unevictable', of('unevictable')], ['page tables', of('pagetables', 'sec_pagetables')], ['free', of('free')]];
  if ('total_rss' in stat) return [[ANONYMOUS, of('total_rss')], ['page cache', of('total_cache') - of('total_shmem')], ['tmpfs and shared', of('total_shmem')]];
  const kernel: readonly Part[] = 'kernel' in stat ? [['kernel', of('kernel')]] : [['slab', of('slab')], ['page tables', of('pagetables')], ['kernel stacks', of('kernel_stack')], ['per-CPU', of('percpu')]];
  return [[ANONYMOUS, of('anon')], ['page cache', of('file') - of('shmem')], ['tmpfs and shared', of('shmem')], ...kernel, ['sockets', of('sock')]];
}
