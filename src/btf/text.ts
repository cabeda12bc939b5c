/** Size of the table of interned names; a power of two. */
const SLOTS = 4096;

/**
 * The bytes up to the first NUL, as UTF-8. A byte that is no part of valid UTF-8 becomes the four characters `\xNN`, so that
 * names which differ stay different. Control characters are kept: sanitizing is the renderer's task.
 */
export function decodeText(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  try {
    return utf8.decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  } catch {
    return decodeBytes(bytes); // some of it is no UTF-8
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeBytes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    if (first === 0) break;
    const length = sequenceLength(bytes, at);
    text += length === 0 ? `\\x${first.toString(16).padStart(2, '0')}` : String.fromCodePoint(codePoint(bytes, at, length));
    at += length || 1;
  }
  return text;
}

/**
 * A decoder for 16-byte names (`comm`) that gives the same string object for the same bytes. It remembers at most 4096 names,
 * each in the slot its hash says; of two names with the same slot the later one stays, so a flood of names costs time, not memory.
 */
export function internedText(): (view: DataView, offset: number) => string {
  const words = new Uint32Array(SLOTS * 4);
  const texts = new Array<string>(SLOTS).fill('');
  return (view, offset) => {
    const a = view.getUint32(offset, true);
    const b = view.getUint32(offset + 4, true);
    const c = view.getUint32(offset + 8, true);
    const d = view.getUint32(offset + 12, true);
    const slot = hash(a, b, c, d);
    const at = slot * 4;
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return texts[slot] as string;
    const text = decodeText(new Uint8Array(view.buffer, view.byteOffset + offset, 16));
    words.set([a, b, c, d], at);
    texts[slot] = text;
    return text;
  };
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d) ^ Math.imul(d, 0x27d4eb2f);
  h ^= h >>> 15;
  return (Math.imul(h, 0x2c1b3c6d) >>> 20) & (SLOTS - 1);
}

/** Length of the valid UTF-8 sequence at `at` (RFC 3629: no overlong forms, no surrogates); 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) {
    if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length > 2 && !canonical(first, bytes[at + 1] ?? 0) ? 0 : length;
}

function canonical(first: number, second: number): boolean {
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  if (first === 0xf4) return second < 0x90;
  return true;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let value = length === 1 ? (bytes[at] ?? 0) : (bytes[at] ?? 0) & (0x7f >> length);
  for (let i = 1; i < length; i++) value = (value << 6) | ((bytes[at + i] ?? 0) & 0x3f);
  return value;
}
