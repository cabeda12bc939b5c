/** Addresses, and networks in the words of the kernel side. */
import { KtraceError } from '../../errors.js';
import { ipv4Bytes, ipv6Bytes, ipv6Text, isMapped } from '../addresses.js';

const AF_INET6 = 10;
/** Where the program gave no address. */
const UNKNOWN = 'unknown';
const MAPPED_BITS = 96; // of ::ffff:0:0/96

const bytesOf = (word: number): number[] => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24];
const ipv4Text = (word: number): string => `${word & 0xff}.${(word >>> 8) & 0xff}.${(word >>> 16) & 0xff}.${word >>> 24}`;

/** Of `struct connect_peer`, little-endian words; an IPv4 address in an IPv6 socket is an IPv4 address; UNKNOWN where the program gave none. */
export function addressText(words: readonly number[], family: number): string {
  if (family === 0) return UNKNOWN;
  if (family !== AF_INET6) return ipv4Text(words[0] ?? 0);
  const bytes = words.flatMap(bytesOf);
  return isMapped(bytes) ? ipv4Text(words[3] ?? 0) : ipv6Text(bytes);
}

/** `192.0.2.7:5432`, `[2001:db8::1]:443` */
export const endpointText = ({ address, port }: { readonly address: string; readonly port: number }): string => (address === UNKNOWN ? UNKNOWN : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

export interface Net {
  /** Sixteen bytes each, IPv4 as ::ffff:a.b.c.d. */
  readonly address: readonly number[];
  readonly mask: readonly number[];
  readonly ipv4: boolean;
}

/** `192.0.2.0/24`, `2001:db8::/32`, or an address, that of IPv6 also in brackets. Throws KtraceError for what is none. */
export function parseNet(text: string): Net {
  const [, bracketed, plain, length] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9a-fA-F:.]+))(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const four = bracketed === undefined ? ipv4Bytes(host) : undefined;
  const whole = four ? [...Array<number>(10).fill(0), 255, 255, ...four] : ipv6Bytes(host);
  const most = four ? 32 : 128;
  const prefix = length === undefined ? most : Number(length);
  const bits = 128 - most + prefix;
  const ipv4 = whole !== undefined && isMapped(whole);
  if (!whole || prefix > most || (ipv4 && bits < MAPPED_BITS)) throw new KtraceError(`${JSON.stringify(text)} is no network`, 'USAGE', 'such as 192.0.2.0/24, 2001:db8::/32 or an address');
  const mask = Array.from({ length: 16 }, (_, i) => (0xff << (8 - Math.max(0, Math.min(8, bits - 8 * i)))) & 0xff);
  return { address: whole.map((byte, i) => byte & (mask[i] ?? 0)), mask, ipv4 };
}

/** Two words each, as they lie in the memory of the machine, which is little-endian. */
export const netWords = (nets: readonly Net[]): bigint[] => nets.flatMap(({ address, mask }) => [address, mask].flatMap((bytes) => [word(bytes.slice(0, 8)), word(bytes.slice(8))]));

const word = (bytes: readonly number[]): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
