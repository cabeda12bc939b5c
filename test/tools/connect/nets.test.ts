import fc from 'fast-check';
import t from 'tap';
import { ipv4Bytes, ipv6Bytes, ipv6Text } from '../../../src/tools/addresses.js';
import { addressText, endpointText, netWords, parseNet } from '../../../src/tools/connect/nets.js';

const AF_INET = 2;
const AF_INET6 = 10;
const bytesOf = (text: string): number[] => ipv4Bytes(text) ?? ipv6Bytes(text) ?? [];
/** As the kernel side has them. */
const wordsOf = (text: string): number[] => [...new Uint32Array(Uint8Array.from(bytesOf(text)).buffer)];

t.test('addresses are read as they are written', (t) => {
  t.strictSame(ipv4Bytes('192.0.2.7'), [192, 0, 2, 7]);
  for (const text of ['192.0.2', '192.0.2.256', '192.0.2.07', '1.2.3.4.5', '', 'a.b.c.d']) t.equal(ipv4Bytes(text), undefined, text);
  t.strictSame(ipv6Bytes('2001:db8::1'), [0x20, 1, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1]);
  t.strictSame(ipv6Bytes('::ffff:192.0.2.7')?.slice(10), [255, 255, 192, 0, 2, 7]);
  for (const text of ['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', 'g::', '::1.2.3', '1:2:3:4:5:6:7:8::', '']) t.equal(ipv6Bytes(text), undefined, text);
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 16, maxLength: 16 }), (bytes) => JSON.stringify(ipv6Bytes(ipv6Text(bytes))) === JSON.stringify(bytes)), { numRuns: 10_000 });
  t.end();
});

t.test('an IPv4 address in an IPv6 socket is an IPv4 address', (t) => {
  t.equal(addressText(wordsOf('::ffff:192.0.2.7'), AF_INET6), '192.0.2.7');
  t.equal(addressText([...wordsOf('192.0.2.7'), 0, 0, 0], AF_INET), '192.0.2.7');
  t.equal(endpointText({ address: '2001:db8::1', port: 443 }), '[2001:db8::1]:443');
  t.equal(endpointText({ address: '192.0.2.7', port: 5432 }), '192.0.2.7:5432');
  t.end();
});

/** As the programs compare. */
const within = (net: string, address: string): boolean => {
  const { address: base, mask, ipv4 } = parseNet(net);
  const bytes = bytesOf(address);
  const whole = bytes.length === 4 ? [...Array<number>(10).fill(0), 255, 255, ...bytes] : bytes;
  return ipv4 === (bytes.length === 4) && whole.every((byte, i) => (byte & (mask[i] ?? 0)) === base[i]);
};

t.test('only ::ffff:0:0/96 is IPv4', (t) => {
  for (const text of ['::ffff:0:102:304', '::ffff:1:2:3:4', '::102:304']) t.equal(addressText(wordsOf(text), 10), text);
  t.equal(addressText(wordsOf('::ffff:1.2.3.4'), 10), '1.2.3.4');
  t.equal(addressText([], 0), 'unknown');
  t.end();
});

t.test('networks hold what they say', (t) => {
  t.ok(within('192.0.2.0/24', '192.0.2.255') && within('192.0.2.128/25', '192.0.2.200') && within('192.0.2.7', '192.0.2.7') && within('0.0.0.0/0', '8.8.8.8'));
  t.notOk(within('192.0.2.0/24', '192.0.3.0') || within('192.0.2.128/25', '192.0.2.127') || within('192.0.2.7', '192.0.2.8') || within('0.0.0.0/0', '2001:db8::1'));
  t.ok(within('2001:db8::/32', '2001:db8:ffff::1') && within('2001:db8:8000::/33', '2001:db8:8000::1') && within('::/0', '2001:db8::1'));
  t.notOk(within('2001:db8::/32', '2001:db9::1') || within('2001:db8:8000::/33', '2001:db8:7fff::1'));
  t.notOk(within('::/0', '192.0.2.7') || within('::/80', '192.0.2.7'), 'IPv4 lies not in IPv6');
  t.ok(within('::ffff:192.0.2.0/120', '192.0.2.7') && within('[::1]', '::1') && within('[2001:db8::]/32', '2001:db8::1'));
  t.strictSame(netWords([parseNet('192.0.2.7')]), [0n, 0x070200c0ffff0000n, 0xffffffffffffffffn, 0xffffffffffffffffn]);
  for (const text of ['192.0.2.0/33', '2001:db8::/129', 'example.com', '192.0.2.0/', '/8', '', '::ffff:10.0.0.0/8', '[192.0.2.7]', '[::1']) t.throws(() => parseNet(text), { code: 'USAGE' }, text);
  t.end();
});
