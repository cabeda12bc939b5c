import fc from 'fast-check';
import t from 'tap';
import { decodeText, internedText } from '../../src/btf/text.js';

function decode(...bytes: number[]): string {
  return decodeText(new Uint8Array(bytes));
}

t.test('a name ends at its first NUL, or at its last byte', (t) => {
  t.equal(decode(97, 98, 0, 99), 'ab');
  t.equal(decode(97, 98), 'ab');
  t.equal(decode(0), '');
  t.equal(decode(), '');
  t.end();
});

t.test('bytes that are not UTF-8 stay visible', (t) => {
  t.equal(decode(0xff), '\\xff');
  t.equal(decode(97, 0xc3, 98), 'a\\xc3b', 'a sequence cut short');
  t.equal(decode(0xe2, 0x82), '\\xe2\\x82', 'a sequence at the end');
  t.equal(decode(0xc0, 0xaf), '\\xc0\\xaf', 'an overlong form');
  t.equal(decode(0xe0, 0x80, 0xaf), '\\xe0\\x80\\xaf', 'another');
  t.equal(decode(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80', 'a surrogate');
  t.equal(decode(0xf4, 0x90, 0x80, 0x80), '\\xf4\\x90\\x80\\x80', 'above U+10FFFF');
  t.equal(decode(0xf0, 0x9f, 0x90, 0x9d), '🐝');
  t.end();
});

t.test('control characters are left to the sanitizer', (t) => {
  t.equal(decode(27, 91, 50, 74), '\x1b[2J');
  t.end();
});

t.test('valid UTF-8 is decoded as TextDecoder does', (t) => {
  const property = fc.property(fc.string({ unit: 'binary' }), (text) => {
    const bytes = new TextEncoder().encode(text.replaceAll('\0', ''));
    return decodeText(bytes) === new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 10_000 }));
  t.end();
});

t.test('bytes are invalid exactly where TextDecoder finds them so', (t) => {
  const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const isValid = (bytes: Uint8Array) => {
    try {
      return typeof fatal.decode(bytes) === 'string';
    } catch {
      return false;
    }
  };
  const byte = fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff);
  const property = fc.property(fc.array(byte, { maxLength: 6 }), (list) => {
    const bytes = new Uint8Array(list);
    return isValid(bytes) === !decodeText(bytes).includes('\\x');
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 10_000 }));
  t.end();
});

t.test('an interned name is the name, however many there are', (t) => {
  const comm = internedText();
  const property = fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, 24);
    const expected = decodeText(bytes.subarray(8));
    return comm(view, 8) === expected && comm(view, 8) === expected;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 10_000 }));
  t.end();
});
