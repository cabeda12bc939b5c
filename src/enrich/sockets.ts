/** Addresses of sockets by inode, from /proc/PID/net (proc(5)). */
import { openSync, closeSync, readSync } from 'node:fs';
import { ipv6Text } from '../tools/addresses.js';

const MOST_BYTES = 16 << 20; // of one file: some hundred thousand sockets; those beyond keep their inode
const FILES = ['tcp', 'tcp6', 'udp', 'udp6', 'unix'] as const;

/** `TCP 127.0.0.1:80->10.0.0.7:51022` by inode, of the network namespace that a process is in. Empty where it may not be read. */
export function socketsOf(pid: number): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const file of FILES) {
    const lines = head(`/proc/${pid}/net/${file}`).split('\n').slice(1);
    for (const line of lines) {
      const socket = file === 'unix' ? parseUnix(line) : parseInet(file, line);
      if (socket && !found.has(socket.inode)) found.set(socket.inode, socket.text); // names in `unix` may hold whole lines
    }
  }
  return found;
}

export interface Socket {
  readonly inode: number;
  readonly text: string;
}

/** `  0: 0100007F:1F90 00000000:0000 0A … inode …` */
export function parseInet(protocol: string, line: string): Socket | undefined {
  const [, own, peer, , , , , , , inode] = line.trim().split(/\s+/);
  if (own === undefined || peer === undefined || !/^\d+$/.test(inode ?? '')) return undefined;
  const [from, to] = [address(own), address(peer)];
  if (from === undefined || to === undefined) return undefined;
  const connected = !/^0+:0000$/.test(peer);
  return { inode: Number(inode), text: `${protocol.replace('6', '').toUpperCase()} ${from}${connected ? `->${to}` : ''}` };
}

/** `ffff…: 00000002 00000000 00010000 0001 01 4711 /run/x.sock`; `@` begins an abstract name. */
export function parseUnix(line: string): Socket | undefined {
  const [, inode, path] = /^\S+:(?: \S+){5} +(\d+)(?: (.*))?$/.exec(line) ?? [];
  return inode === undefined ? undefined : { inode: Number(inode), text: path === undefined ? 'UNIX' : `UNIX ${path}` };
}

/** Words of four bytes in the order of the machine, which is little-endian. */
function address(text: string): string | undefined {
  const [, host = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (host === '') return undefined;
  const bytes = (host.match(/.{8}/g) ?? []).flatMap((word) => [6, 4, 2, 0].map((at) => parseInt(word.slice(at, at + 2), 16)));
  return `${bytes.length === 4 ? bytes.join('.') : `[${ipv6Text(bytes)}]`}:${parseInt(port, 16)}`;
}

/** Its beginning, to the end of the last whole line. */
function head(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const chunks: Buffer[] = [];
    const chunk = Buffer.alloc(1 << 16);
    for (let size = 0; size < MOST_BYTES; ) {
      const length = readSync(file, chunk);
      if (length === 0) return Buffer.concat(chunks).toString();
      chunks.push(Buffer.from(chunk.subarray(0, length)));
      size += length;
    }
    const text = Buffer.concat(chunks).toString();
    return text.slice(0, text.lastIndexOf('\n'));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
