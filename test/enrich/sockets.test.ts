import { createServer, connect, type AddressInfo } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Procfs } from '../../src/enrich/procfs.js';
import { parseInet, parseUnix } from '../../src/enrich/sockets.js';

t.test('lines of /proc/PID/net', (t) => {
  t.strictSame(parseInet('tcp', '   0: 0100007F:1F90 0200000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000'), { inode: 4711, text: 'TCP 127.0.0.1:8080->10.0.0.2:50000' });
  t.strictSame(parseInet('udp', '   0: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12 2 0000'), { inode: 12, text: 'UDP 0.0.0.0:53' });
  t.strictSame(parseInet('tcp6', '   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 7 1'), { inode: 7, text: 'TCP [::1]:80' });
  t.strictSame(parseInet('tcp6', '   0: 0000000000000000FFFF00000100007F:0050 B80D0120000000000000000001000000:0051 01 0:0 00:0 0 0 0 8 1'), { inode: 8, text: 'TCP [::ffff:127.0.0.1]:80->[2001:db8::1]:81' });
  t.equal(parseInet('tcp', 'nonsense'), undefined);
  t.equal(parseInet('tcp', '0: XX:1 YY:2 0 0 0 0 0 0 5'), undefined);
  t.strictSame(parseUnix('0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/a b.sock'), { inode: 4711, text: 'UNIX /run/a b.sock' });
  t.strictSame(parseUnix('0000000000000000: 00000003 00000000 00000000 0001 03  4712'), { inode: 4712, text: 'UNIX' });
  t.equal(parseUnix(''), undefined);
  t.end();
});

/** Descriptors of this process by what ktrace says of them. */
function descriptors(): string[] {
  const procfs = new Procfs();
  return readdirSync('/proc/self/fd').map((fd) => procfs.descriptor(process.pid, Number(fd)) ?? '');
}

t.test('what is behind the descriptors of a living process', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kt-')); // the name of a socket has 107 bytes at most
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'a.sock');
  const tcp = createServer((peer) => peer.resume()).listen(0, '127.0.0.1');
  const unix = createServer().listen(path);
  const udp = createSocket('udp6').bind(0, '::1');
  await Promise.all([once(tcp, 'listening'), once(unix, 'listening'), once(udp, 'listening')]);
  const { port } = tcp.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const file = openSync('/etc/passwd', 'r');
  const found = descriptors();
  closeSync(file);
  for (const text of [`TCP 127.0.0.1:${port}`, `TCP 127.0.0.1:${client.localPort}->127.0.0.1:${port}`, `UNIX ${path}`, `UDP [::1]:${udp.address().port}`, '/etc/passwd']) t.ok(found.includes(text), `${text} among ${found.join(' ')}`);
  t.equal(new Procfs().descriptor(process.pid, 9999), undefined);
  client.destroy();
  tcp.close();
  unix.close();
  udp.close();
});

/** The kernel's number of the device behind a descriptor of this process: that of its mount, which is not always what stat(2) says. */
function deviceOf(fd: number): number {
  const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  const [, major, minor] = new RegExp(`^${mount} \\d+ (\\d+):(\\d+) `, 'm').exec(readFileSync('/proc/self/mountinfo', 'utf8')) ?? [];
  return Number(major) * 2 ** 20 + Number(minor);
}

t.test('a descriptor that was seen to be a file is that file by inode and device, or nothing is said', (t) => {
  const fd = openSync('/etc/passwd', 'r');
  t.teardown(() => closeSync(fd));
  const [{ ino: inode }, device, procfs] = [fstatSync(fd, { bigint: true }), deviceOf(fd), new Procfs()];
  t.equal(procfs.descriptor(process.pid, fd, { inode, device }), '/etc/passwd');
  t.equal(procfs.descriptor(process.pid, fd, { inode: inode + 1n, device }), undefined);
  t.equal(procfs.descriptor(process.pid, fd, { inode, device: device + 1 }), undefined);
  t.equal(procfs.descriptor(process.pid, fd, { inode, device: 1 }), undefined, 'a device that is mounted nowhere');
  t.end();
});
