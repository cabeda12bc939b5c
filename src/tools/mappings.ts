/** Where an address lies: pure reading of /proc/PID/maps text and naming of places in it. */

export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** `rwxp` as in the file. */
  readonly permissions: string;
  readonly offset: bigint;
  /** As the kernel encodes it: major << 20 | minor. */
  readonly device: number;
  readonly inode: bigint;
  /** Path, `[heap]`, `[stack]` or empty; hostile. */
  readonly name: string;
}

const LINE = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([rwxsp-]{4}) ([0-9a-f]{1,16}) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/s;

/** Parse the text of /proc/PID/maps (proc(5)); lines that do not look like one are left out. */
export function parseMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, start = '', end = '', permissions = '', offset = '', major = '', minor = '', inode = '', name = ''] = match;
    mappings.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      permissions,
      offset: BigInt(`0x${offset}`),
      device: parseInt(major, 16) * 2 ** 20 + parseInt(minor, 16),
      inode: BigInt(inode),
      name,
    });
  }
  return mappings;
}

/** Index of the mapping that holds an address, or -1; the list is ascending, as the kernel prints it. */
function indexAt(mappings: readonly Mapping[], address: bigint): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((mappings[middle] as Mapping).end <= address) low = middle + 1;
    else high = middle;
  }
  const found = mappings[low];
  return found && found.start <= address ? low : -1;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const baseName = (path: string): string => path.replace(/ \(deleted\)$/, '').replace(/^.*\//s, '') || path;

/**
 * Name a place: `server+0x40a0` (bytes from where the object begins in memory, which for a position-independent object is what
 * `nm` prints), `[heap]+0x2a0`, `thread stack 0x7f…`, `shared x+0x40` or `anonymous 0x7f…`. Symbol names will join here.
 */
export function nameAddress(mappings: readonly Mapping[], address: bigint): string {
  const index = indexAt(mappings, address);
  const mapping = mappings[index];
  if (!mapping) return hex(address);
  if (mapping.permissions[3] === 's') return nameShared(mapping, address);
  if (mapping.name.startsWith('/')) return inObject(mappings, index, address);
  if (mapping.name === '[stack]') return `stack of the main thread ${hex(address)}`;
  if (mapping.name !== '') return `${mapping.name}+${hex(address - mapping.start)}`;
  return nameAnonymous(mappings, index, address);
}

function nameShared(mapping: Mapping, address: bigint): string {
  const offset = address - mapping.start + mapping.offset;
  const anonymous = mapping.name === '' || mapping.name.startsWith('/dev/zero') || mapping.name.startsWith('/SYSV');
  return `shared ${anonymous ? `memory ${hex(mapping.inode)}` : baseName(mapping.name)}+${hex(offset)}`;
}

const LOWEST_OBJECT = 0x1000000n; // executables that are not position independent lie below, from 0x400000 on x86-64

/** Where the object that `mappings[index]` belongs to begins: an object may be loaded twice, so the nearest beginning before it counts. */
function inObject(mappings: readonly Mapping[], index: number, address: bigint): string {
  const { name } = mappings[index] as Mapping;
  let first = index;
  while (mappings[first - 1]?.name === name && mappings[first]?.offset !== 0n) first--;
  const { start } = mappings[first] as Mapping;
  return `${baseName(name)}+${hex(start >= LOWEST_OBJECT ? address - start : address)}`;
}

const LARGEST_GUARD = 1n << 20n; // pthread_attr_setguardsize(3): a page unless somebody asked for more
const ARENA = 1n << 26n; // glibc's HEAP_MAX_SIZE: arenas of other threads begin at multiples of it

/** Memory without a file: the rest of an object's .bss right behind it, a thread's stack above its guard page, a malloc arena, or unknown. */
function nameAnonymous(mappings: readonly Mapping[], index: number, address: bigint): string {
  const mapping = mappings[index] as Mapping;
  const before = mappings[index - 1];
  const touches = before?.end === mapping.start;
  if (touches && before.name.startsWith('/') && before.permissions.includes('w')) return inObject(mappings, index - 1, address);
  const after = mappings[index + 1];
  if (mapping.start % ARENA === 0n && after?.start === mapping.end && after.permissions === '---p') return `heap arena ${hex(address)}`;
  if (touches && before.permissions === '---p' && before.name === '' && before.end - before.start <= LARGEST_GUARD) return `thread stack ${hex(address)}`;
  return `anonymous ${hex(address)}`;
}
