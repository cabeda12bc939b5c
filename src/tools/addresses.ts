/** Network addresses as text. */

/** The sixteen bytes of an address, as RFC 5952 writes them. */
export function ipv6Text(bytes: readonly number[]): string {
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return `::ffff:${bytes.slice(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16));
  const [longest = ''] = (groups.map((group) => (group === '0' ? '0' : 'x')).join('').match(/0{2,}/g) ?? []).sort((a, b) => b.length - a.length);
  if (longest === '') return groups.join(':');
  const at = groups.map((group) => (group === '0' ? '0' : 'x')).join('').indexOf(longest);
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest.length).join(':')}`;
}
