import t from 'tap';
import fc from 'fast-check';
import { nameAddress, parseMappings } from '../../src/tools/mappings.js';

const line = (range: string, permissions: string, name = '', offset = '00000000', inode = name.startsWith('/') ? 7 : 0): string =>
  `${range} ${permissions} ${offset} fe:01 ${inode} ${' '.repeat(20)}${name}`;

function named(address: bigint, ...lines: readonly string[]): string {
  return nameAddress(parseMappings(`${lines.join('\n')}\n`), address);
}

const SERVER = [
  line('558100000000-558100004000', 'r--p', '/opt/app/server'),
  line('558100004000-558100008000', 'r-xp', '/opt/app/server', '00004000'),
  line('558100008000-55810000a000', 'r--p', '/opt/app/server', '00008000'),
  line('55810000a000-55810000c000', 'rw-p', '/opt/app/server', '0000a000'),
  line('55810000c000-558100010000', 'rw-p'),
];

t.test('a line of /proc/PID/maps is read in full', (t) => {
  t.strictSame(parseMappings('7f0123456000-7f0123457000 rw-p 0001f000 103:02 1234567890123                  /usr/lib/lib c.so.6\n'), [
    { start: 0x7f0123456000n, end: 0x7f0123457000n, permissions: 'rw-p', offset: 0x1f000n, device: 0x103 * 2 ** 20 + 2, inode: 1234567890123n, name: '/usr/lib/lib c.so.6' },
  ]);
  t.strictSame(parseMappings('ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n')[0]?.end, 0xffffffffff601000n);
  t.equal(parseMappings('7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n')[0]?.name, '');
  t.end();
});

t.test('the real maps of this process are read line for line', async (t) => {
  const { readFileSync } = await import('node:fs');
  const text = readFileSync('/proc/self/maps', 'utf8');
  const mappings = parseMappings(text);
  t.equal(mappings.length, text.split('\n').filter(Boolean).length);
  t.ok(mappings.every(({ start, end }, i) => start < end && start >= (mappings[i - 1]?.end ?? 0n)), 'ascending and apart');
});

t.test('a name with anything in it neither hides its mapping nor makes another', (t) => {
  const forged = '7f0000000000-7f0000001000 rw-p 00000000 00:00 0 [heap]';
  for (const name of ['/tmp/a\\012b', '/tmp/\x1b[2Jx', '/tmp/a\rb', '/tmp/a\u2028b', '/tmp/a\u2029b', `/tmp/${forged}`, '/tmp/a  b ', '/tmp/ (deleted) (deleted)', '/tmp/\ufffd', '/memfd:../../etc (deleted)']) {
    const mappings = parseMappings(`${line('558100000000-558100001000', 'rw-p', name)}\n${line('558100001000-558100002000', 'rw-p')}\n`);
    t.strictSame(mappings.map((mapping) => [mapping.start, mapping.name]), [[0x558100000000n, name], [0x558100001000n, '']], encodeURI(name));
    t.type(nameAddress(mappings, 0x558100000010n), 'string');
  }
  t.end();
});

t.test('what is no mapping is left out', (t) => {
  t.strictSame(parseMappings(''), []);
  t.strictSame(parseMappings('\n\nSize: 4 kB\n558100000000 rw-p 0 fe:01 7\nxyz-abc rw-p 0 0:0 0\n7f00-7f01 rwzp 0 0:0 0 x\n12345678901234567-2 rw-p 0 0:0 0\n'), []);
  t.end();
});

t.test('reading text of any kind throws nothing and always gives a name', (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.bigInt(0n, 2n ** 64n - 1n), (text, address) => {
    const mappings = parseMappings(text);
    return typeof nameAddress(mappings, address) === 'string';
  }));
  t.pass('no counterexample');
  t.end();
});

t.test('a place in an object counts from where the object begins', (t) => {
  t.equal(named(0x55810000b0a0n, ...SERVER), 'server+0xb0a0', 'its data');
  t.equal(named(0x558100000000n, ...SERVER), 'server+0x0', 'its first byte');
  t.equal(named(0x55810000bfffn, ...SERVER), 'server+0xbfff', 'the last byte before .bss');
  t.end();
});

t.test('.bss lies behind its object, in memory without a name', (t) => {
  t.equal(named(0x55810000c000n, ...SERVER), 'server+0xc000');
  t.equal(named(0x55810000ffffn, ...SERVER), 'server+0xffff');
  t.equal(named(0x558100010000n, ...SERVER), '0x558100010000', 'its end is exclusive');
  t.equal(named(0x55810000d000n, SERVER[1] ?? '', line('55810000d000-55810000e000', 'rw-p')), 'anonymous 0x55810000d000', 'with a gap between them it is nobody\'s');
  t.equal(named(0x558100008010n, SERVER[1] ?? '', line('558100008000-55810000e000', 'rw-p')), 'anonymous 0x558100008010', 'behind code there is no .bss');
  t.end();
});

t.test('a program that is not position independent keeps its addresses, as nm prints them', (t) => {
  const lines = [line('00400000-00401000', 'r-xp', '/opt/app/fixed'), line('00403000-00404000', 'rw-p', '/opt/app/fixed', '00003000'), line('00404000-00405000', 'rw-p')];
  t.equal(named(0x4030a0n, ...lines), 'fixed+0x4030a0');
  t.equal(named(0x4040a0n, ...lines), 'fixed+0x4040a0', '.bss, too');
  t.end();
});

t.test('an object that is mapped twice counts from its own copy', (t) => {
  const copy = (start: string, middle: string, end: string): string[] => [line(`${start}-${middle}`, 'r-xp', '/lib/x.so'), line(`${middle}-${end}`, 'rw-p', '/lib/x.so', '00001000')];
  const lines = [...copy('7f0000000000', '7f0000001000', '7f0000002000'), ...copy('7f0000005000', '7f0000006000', '7f0000007000')];
  t.equal(named(0x7f0000001040n, ...lines), 'x.so+0x1040');
  t.equal(named(0x7f0000006040n, ...lines), 'x.so+0x1040');
  t.end();
});

t.test('heap, stacks and arenas are told apart', (t) => {
  t.equal(named(0x558101000310n, line('558101000000-558101021000', 'rw-p', '[heap]')), '[heap]+0x310');
  t.match(named(0x7ffc00000100n, line('7ffc00000000-7ffc00021000', 'rw-p', '[stack]')), /^stack of the main thread/);
  const stack = [line('7f1000000000-7f1000001000', '---p'), line('7f1000001000-7f1000801000', 'rw-p')];
  t.equal(named(0x7f1000800e00n, ...stack), 'thread stack 0x7f1000800e00');
  const arena = (at: string, used: string, end: string): string[] => [line(`${at}-${used}`, 'rw-p'), line(`${used}-${end}`, '---p')];
  t.equal(named(0x7f2000000100n, ...arena('7f2000000000', '7f2000021000', '7f2004000000')), 'heap arena 0x7f2000000100');
  t.equal(named(0x7f2004000100n, ...arena('7f2000000000', '7f2000021000', '7f2004000000'), ...arena('7f2004000000', '7f2004021000', '7f2008000000')),
    'heap arena 0x7f2004000100', 'the unused rest of one arena is no guard page of the next');
  t.equal(named(0x7f3000000100n, line('7f3000000000-7f3000021000', 'rw-p')), 'anonymous 0x7f3000000100');
  t.end();
});

t.test('what lies behind a large reservation is no stack', (t) => {
  const lines = [line('7f1000000000-7f1040000000', '---p'), line('7f1040000000-7f1040801000', 'rw-p')];
  t.notMatch(named(0x7f1040000100n, ...lines), /stack/);
  t.end();
});

t.test('memory that processes share is named by its file and the offset in it', (t) => {
  t.equal(named(0x7f0000000040n, line('7f0000000000-7f0000002000', 'rw-s', '/dev/shm/jobs', '00001000')), 'shared jobs+0x1040');
  t.equal(named(0x7f0000000040n, line('7f0000000000-7f0000002000', 'rw-s', '/dev/shm/jobs (deleted)')), 'shared jobs+0x40');
  t.equal(named(0x7f0000000040n, line('7f0000000000-7f0000002000', 'rw-s', '/memfd:ring (deleted)')), 'shared memfd:ring+0x40');
  t.match(named(0x7f0000000040n, line('7f0000000000-7f0000002000', 'rw-s', '/dev/zero (deleted)')), /^shared memory.*\+0x40$/);
  t.match(named(0x7f0000000040n, line('7f0000000000-7f0000002000', 'rw-s', '/SYSV00000000 (deleted)')), /^shared memory.*\+0x40$/);
  t.end();
});

t.test('two anonymous shared memories have two names', (t) => {
  const lines = [line('7f0000000000-7f0000002000', 'rw-s', '/dev/zero (deleted)', '00000000', 1), line('7f0000002000-7f0000004000', 'rw-s', '/dev/zero (deleted)', '00000000', 2)];
  t.not(named(0x7f0000000040n, ...lines), named(0x7f0000002040n, ...lines));
  t.end();
});

t.test('a deleted program keeps its name', (t) => {
  t.equal(named(0x558100000010n, line('558100000000-558100004000', 'rw-p', '/opt/app/server (deleted)')), 'server+0x10');
  t.end();
});

t.test('an address in a gap, below, above or without any mapping is a number', (t) => {
  for (const address of [0n, 0x55810000_4000n, 2n ** 64n - 1n]) t.equal(named(address, line('558100000000-558100004000', 'rw-p', '/a'), line('558100005000-558100006000', 'rw-p', '/b')), `0x${address.toString(16)}`);
  t.equal(nameAddress([], 16n), '0x10');
  t.end();
});

t.test('naming is fast in a process with as many mappings as a process can have', (t) => {
  const count = 65_530;
  const mappings = Array.from({ length: count }, (_, i) => ({
    start: 0x7f0000000000n + BigInt(i) * 0x2000n, end: 0x7f0000001000n + BigInt(i) * 0x2000n, permissions: 'rw-p', offset: 0n, device: 0, inode: 0n, name: `/lib/${i}.so`,
  }));
  let reads = 0;
  const counted = new Proxy(mappings, { get: (list, index) => (reads++, Reflect.get(list, index) as unknown) });
  t.equal(nameAddress(counted, 0x7f0000000000n + BigInt(count - 1) * 0x2000n + 8n), `${count - 1}.so+0x8`);
  t.ok(reads < 1000, `${reads} reads of the list`);
  t.end();
});
