import { closeSync, openSync, rmSync, mkdtempSync, writeSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { KtraceError } from '../../src/errors.js';
import { KernelLog, parseRecord } from '../../src/source/kmsg.js';

t.test('a record is read with what the kernel escaped in it', (t) => {
  t.strictSame(parseRecord('6,448,1621927755,-;hog invoked\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n'), { sequence: 448, timeUs: 1621927755, level: 6, facility: 0, continues: false, caller: null, text: 'hog invoked' });
  t.match(parseRecord('14,7,9,c,caller=T4711;a;b,c\n'), { level: 6, facility: 1, continues: true, caller: 'T4711', text: 'a;b,c' });
  t.match(parseRecord('6,1,2,-,other=x,caller=C0;x'), { caller: 'C0' });
  t.match(parseRecord('6,1,2,-;'), { text: '' });
  t.equal(parseRecord('6,1,2,-;\\x0a\\x5cx41 \\xc3\\xa9 \\x1b[31m')?.text, '\n\\x41 é \u001b[31m');
  t.equal(parseRecord('6,1,2,-;\\xff\\xfe')?.text, '\ufffd\ufffd', 'what is no UTF-8');
  t.equal(parseRecord('6,1,2,-;\\xZZ \\x4')?.text, '\\xZZ \\x4', 'what the kernel does not write');
  for (const text of ['', '\n', ' SUBSYSTEM=pci', '[  12.5] text', '6,1,2;x', '6,1,-;x', 'x,1,2,-;x', '6,1,2,-']) t.equal(parseRecord(text), undefined, JSON.stringify(text));
  t.end();
});

/** As msg_add_ext_text() of kernel/printk/printk.c. */
const escaped = (text: string): string => [...Buffer.from(text)].map((byte) => (byte < 0x20 || byte >= 127 || byte === 0x5c ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte))).join('');

t.test('whatever was written is what is read', (t) => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), fc.nat(), (text, sequence, timeUs) => {
    const record = parseRecord(`6,${sequence},${timeUs},-;${escaped(text)}\n`);
    return record?.text === text && record.sequence === sequence && record.timeUs === timeUs;
  }), { numRuns: 5000 });
  t.end();
});

t.test('a log that is not there is an error that says what to do', (t) => {
  const failure = (path: string): unknown => {
    try {
      new KernelLog({ from: 'end', path }).close();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  t.match(failure('/no/such/kmsg'), { name: 'UnsupportedError', code: 'KMSG', message: 'The kernel log cannot be read', hint: /containers/, cause: { code: 'ENOENT' } });
  t.ok(failure('/no/such/kmsg') instanceof KtraceError);
  t.end();
});

/** A pipe stands for the device: it says EAGAIN at its end, too, but a read of it is not one record. */
t.test('reading ends where nothing is, and goes on later', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ktrace-kmsg-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'kmsg');
  execFileSync('mkfifo', [path]);
  const log = new KernelLog({ from: 'end', path });
  const writer = openSync(path, 'w');
  t.strictSame(log.read(), []);
  writeSync(writer, '6,1,2,-;one\n');
  t.match(log.read(), [{ sequence: 1, text: 'one' }]);
  t.strictSame(log.read(), []);
  writeSync(writer, '6,2,3,-;two\n');
  t.match(log.read(), [{ sequence: 2, text: 'two' }]);
  t.equal(log.lost, 0);
  closeSync(writer);
  log.close();
  log.close();
  t.strictSame(log.read(), [], 'closed');
  t.end();
});

/** Why the kernel's own log cannot be read here. */
function unreadable(): string | false {
  try {
    new KernelLog({ from: 'beginning' }).close();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

t.test('the log of this kernel is read from its beginning, in order and within bounds', { skip: unreadable() }, (t) => {
  const log = new KernelLog({ from: 'beginning', mostRecords: 10 });
  t.teardown(() => log.close());
  const first = log.read();
  const second = log.read();
  const numbers = [...first, ...second].map(({ sequence }) => sequence);
  t.ok(first.length > 0 && first.length <= 10 && second.length <= 10);
  t.strictSame(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  t.ok(first.every(({ level, facility }) => level <= 7 && facility >= 0));
  const tiny = new KernelLog({ from: 'beginning', mostBytes: 1 });
  t.equal(tiny.read().length, 1, 'one record is more than enough bytes');
  tiny.close();
  const tail = new KernelLog({ from: 'end' });
  const after = tail.read();
  t.ok(after.every(({ sequence }) => sequence > (numbers.at(-1) ?? 0)), 'from the end on: nothing of before');
  tail.close();
  t.end();
});
