/** Bytes of other processes as text, as strace(1) writes it. */

export interface Memory {
  /** Hostile. */
  readonly bytes: Buffer;
  /** There is more of it. */
  readonly cut: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\v': '\\v', '\f': '\\f' };

/** `"hello\n\1\19\377"`: bytes that are not printable in octal, as short as what follows allows. */
export function quoted(bytes: Uint8Array): string {
  const text = [...bytes].map((byte, i) => {
    const char = String.fromCharCode(byte);
    if (ESCAPES[char] !== undefined) return ESCAPES[char];
    if (byte >= 0x20 && byte < 0x7f) return char;
    const next = bytes[i + 1] ?? 0;
    return `\\${byte.toString(8).padStart(next >= 0x30 && next <= 0x37 ? 3 : 1, '0')}`;
  });
  return `"${text.join('')}"`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONGEST_CHARACTER = 4;

/** Names are text for people, so they keep their letters; those that are no UTF-8 are bytes, as strace(1) has them. `cut`: in a character, maybe. */
function name(bytes: Buffer, cut: boolean): string {
  for (let less = 0; less < (cut ? LONGEST_CHARACTER : 1); less++) {
    try {
      return JSON.stringify(utf8.decode(bytes.subarray(0, bytes.length - less)));
    } catch {
      continue;
    }
  }
  return quoted(bytes);
}

/** Up to its zero. */
export function textOf({ bytes, cut }: Memory): string {
  const zero = bytes.indexOf(0);
  const isCut = cut && zero < 0;
  return `${name(zero < 0 ? bytes : bytes.subarray(0, zero), isCut)}${isCut ? '...' : ''}`;
}

/** `["sh", "-c", …]` of strings one behind the other. */
export function textsOf({ bytes, cut }: Memory): string {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const zero = bytes.indexOf(0, at);
    const end = zero < 0 ? bytes.length : zero;
    texts.push(textOf({ bytes: bytes.subarray(at, end), cut: cut && zero < 0 }));
    at = end + 1;
  }
  return `[${[...texts, ...(cut && bytes.at(-1) === 0 ? ['...'] : [])].join(', ')}]`;
}
