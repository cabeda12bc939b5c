/** Addresses from text. */

/** Four bytes; undefined where it is no IPv4 address. */
export function isIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256) ? parts.map(Number) : undefined;
}

/** Sixteen bytes; undefined where it is no IPv6 address (RFC 4291, section 2.2). */
export function isIPv6(text: string): number[] | undefined {
  const [, front = '', tail] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const mapped = tail === undefined ? undefined : isIPv4(tail);
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
