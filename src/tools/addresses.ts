/** Network addresses: bytes and text. */

/** An IPv4 address in an IPv6 one (::ffff:0:0/96). */
export const isMapped = (address: readonly number[]): boolean => address.length === 16 && address.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));

/** The sixteen bytes of an address, as RFC 5952 writes them. */
export function ipv6Text(bytes: readonly number[]): string {
  if (isMapped(bytes)) return `::ffff:${bytes.slice(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16));
  const [longest = ''] = (groups.map((group) => (group === '0' ? '0' : 'x')).join('').match(/0{2,}/g) ?? []).sort((a, b) => b.length - a.length);
  if (longest === '') return groups.join(':');
  const at = groups.map((group) => (group === '0' ? '0' : 'x')).join('').indexOf(longest);
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest.length).join(':')}`;
}

/** Four bytes; undefined where it is no IPv4 address. */
export function ipv4Bytes(text: string): number[] | undefined {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) ? parts.map(Number) : undefined;
}

/** Sixteen bytes; undefined where it is no IPv6 address (RFC 4291, section 2.2). */
export function ipv6Bytes(text: string): number[] | undefined {
  const [, front = '', tail] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const mapped = tail === undefined ? undefined : ipv4Bytes(tail);
  if (tail !== undefined && !mapped) return undefined;
  const hex = mapped ? `${front}${[0, 2].map((i) => (256 * (mapped[i] ?? 0) + (mapped[i + 1] ?? 0)).toString(16)).join(':')}` : text;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const all = groups.flat();
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) || (halves.length === 1 ? all.length !== 8 : all.length > 7)) return undefined;
  const zeros = Array<string>(8 - all.length).fill('0');
  const whole = halves.length === 1 ? all : [...(groups[0] ?? []), ...zeros, ...(groups[1] ?? [])];
  return whole.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}
