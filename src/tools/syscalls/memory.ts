/** What lies in memory where an argument points to, as strace(1) writes it. Layouts are those of the kernel's uapi headers. */
import { ipv6Text } from '../addresses.js';
import { signalName } from '../signals.js';
import { flagNames } from './flags.js';
import { quoted, textOf, type Memory } from './text.js';

/** Whose memory it is: numbers, sizes and flags differ. */
export interface Abi {
  /** As Node.js names it. */
  readonly machine: string;
  /** Bytes of a pointer: 4 in a 32-bit program. */
  readonly word: 4 | 8;
}

export interface Shape {
  /** Bytes of one element. */
  unit(abi: Abi): number;
  /** Elements where the signature does not say how many. */
  readonly count: number;
  /** Throws RangeError where the bytes do not suffice. `result`: what the call returned; undefined while it lasts. */
  show(memory: Memory, abi: Abi, result: bigint | undefined): string;
}

const SHOWN_BYTES = 32; // as strace(1) does
const MOST_SIGNALS = 64;

const whole = (size: number, show: (bytes: Buffer, abi: Abi) => string): Shape => ({ unit: () => size, count: 1, show: ({ bytes }, abi) => show(bytes, abi) });

/** `[a, b, ...]` */
function list(size: number | ((abi: Abi) => number), show: (element: Buffer, abi: Abi, result: bigint | undefined) => string, count = 1): Shape {
  const unit = (abi: Abi): number => (typeof size === 'number' ? size : size(abi));
  return {
    unit,
    count,
    show({ bytes, cut }, abi, result) {
      const texts = Array.from({ length: Math.floor(bytes.length / unit(abi)) }, (_, i) => show(bytes.subarray(i * unit(abi), (i + 1) * unit(abi)), abi, result));
      return `[${[...texts, ...(cut ? ['...'] : [])].join(', ')}]`;
    },
  };
}

export const hex = (value: number | bigint): string => (value === 0 || value === 0n ? '0' : `0x${value.toString(16)}`);
const named = (set: string, value: number, { machine }: Abi): string => flagNames(set, value, machine) ?? hex(value);
const word = (bytes: Buffer, index: number, abi: Abi): bigint => (abi.word === 4 ? BigInt(bytes.readUInt32LE(4 * index)) : bytes.readBigUInt64LE(8 * index));
const signed = (bytes: Buffer, index: number, abi: Abi): bigint => BigInt.asIntN(8 * abi.word, word(bytes, index, abi));

const time = (fraction: string, at = 0) => (bytes: Buffer, abi: Abi): string => `{tv_sec=${signed(bytes, at, abi)}, ${fraction}=${signed(bytes, at + 1, abi)}}`;
const words = (count: number, show: (bytes: Buffer, abi: Abi) => string): Shape => ({ unit: ({ word: size }) => count * size, count: 1, show: ({ bytes }, abi) => show(bytes, abi) });
/** The same in 32-bit programs. */
const wide = (shape: Shape): Shape => ({ ...shape, unit: ({ machine }) => shape.unit({ machine, word: 8 }), show: (memory, { machine }, result) => shape.show(memory, { machine, word: 8 }, result) });

/** Bytes of an address of each family, without which it is none. */
const LEAST: Readonly<Record<string, number>> = { AF_INET: 16, AF_INET6: 28, AF_NETLINK: 12 };

function sockaddr({ bytes, cut }: Memory, abi: Abi): string {
  const family = bytes.readUInt16LE(0);
  const domain = named('domain', family, abi);
  switch (bytes.length >= (LEAST[domain] ?? 2) ? domain : '') {
    case 'AF_INET':
      return `{sa_family=AF_INET, sin_port=htons(${bytes.readUInt16BE(2)}), sin_addr=inet_addr("${[...bytes.subarray(4, 8)].join('.')}")}`;
    case 'AF_INET6':
      return `{sa_family=AF_INET6, sin6_port=htons(${bytes.readUInt16BE(2)}), sin6_flowinfo=htonl(${bytes.readUInt32BE(4)}), inet_pton(AF_INET6, "${ipv6Text([...bytes.subarray(8, 24)])}", &sin6_addr), sin6_scope_id=${bytes.readUInt32LE(24)}}`;
    case 'AF_UNIX':
      if (bytes.length > 2 && bytes[2] === 0) return `{sa_family=AF_UNIX, sun_path=@${quoted(bytes.subarray(3))}}`;
      return `{sa_family=AF_UNIX${bytes.length > 2 ? `, sun_path=${textOf({ bytes: bytes.subarray(2), cut })}` : ''}}`;
    case 'AF_NETLINK':
      return `{sa_family=AF_NETLINK, nl_pid=${bytes.readUInt32LE(4)}, nl_groups=${bytes.readUInt32LE(8).toString(16).padStart(8, '0')}}`;
    default:
      return `{sa_family=${domain}, sa_data=${quoted(bytes.subarray(2))}}`;
  }
}

/** What came is told by a call that returned something. */
function pollfd(bytes: Buffer, abi: Abi, result: bigint | undefined): string {
  const [fd, events, revents] = [bytes.readInt32LE(0), bytes.readUInt16LE(4), bytes.readUInt16LE(6)];
  if (fd < 0) return `{fd=${fd}}`;
  return `{fd=${fd}, events=${named('poll', events, abi)}${revents === 0 || result === undefined || result <= 0n ? '' : `, revents=${named('poll', revents, abi)}`}}`;
}

/** Packed on x86 (`EPOLL_PACKED`, linux/eventpoll.h). */
const epollData = ({ machine }: Abi): number => (machine === 'arm64' ? 8 : 4);
const epollEvent = (bytes: Buffer, abi: Abi): string =>
  `{events=${named('epoll_events', bytes.readUInt32LE(0), abi)}, data=${hex(bytes.readBigUInt64LE(epollData(abi)))}}`;

/** wait(2): of what wait4 wrote. */
function wstatus(bytes: Buffer): string {
  const status = bytes.readUInt32LE(0);
  const signal = status & 0x7f;
  if (status === 0xffff) return '[{WIFCONTINUED(s)}]';
  if (signal === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}]`;
  if ((status & 0xff) === 0x7f) return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName((status >> 8) & 0xff)}}]`;
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(signal)}${(status & 0x80) === 0 ? '' : ' && WCOREDUMP(s)'}}]`;
}

/** `[USR1 CHLD]`, or what is missing: `~[KILL STOP]`. */
function sigset(bytes: Buffer): string {
  const bits = bytes.readBigUInt64LE(0);
  const has = (signal: number): boolean => ((bits >> BigInt(signal - 1)) & 1n) === 1n;
  const all = Array.from({ length: MOST_SIGNALS }, (_, i) => i + 1);
  const inverted = all.filter(has).length >= (MOST_SIGNALS * 2) / 3;
  return `${inverted ? '~' : ''}[${all.filter((signal) => has(signal) !== inverted).map((signal) => signalName(signal).replace(/^SIG/, '')).join(' ')}]`;
}

function sigaction(bytes: Buffer, abi: Abi): string {
  const [handler, flags] = [word(bytes, 0, abi), Number(BigInt.asUintN(32, word(bytes, 1, abi)))];
  const restorer = (flags & 0x04000000) !== 0; // SA_RESTORER
  const name = ['SIG_DFL', 'SIG_IGN'][Number(handler < 2n ? handler : 2n)] ?? hex(handler);
  const mask = sigset(bytes.subarray(3 * abi.word));
  return `{sa_${(flags & 4) === 0 ? 'handler' : 'sigaction'}=${name}, sa_mask=${mask}, sa_flags=${named('sa_flags', flags, abi)}${restorer ? `, sa_restorer=${hex(word(bytes, 2, abi))}` : ''}}`;
}

function limit(value: bigint, { word: size }: Abi): string {
  if (value === (1n << BigInt(8 * size)) - 1n) return size === 8 ? 'RLIM64_INFINITY' : 'RLIM_INFINITY';
  return value > 1024n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value);
}

/** `S_IFREG|0644` */
export const mode = (bits: number, abi: Abi): string => `${named('file_type', bits & 0o170000, abi)}|0${(bits & 0o7777).toString(8)}`;

/** struct stat of 64-bit machines (asm/stat.h, asm-generic/stat.h); 32-bit programs have several. */
function stat(bytes: Buffer, abi: Abi): string {
  const [modeAt, deviceAt] = abi.machine === 'arm64' ? [16, 32] : [24, 40];
  const bits = bytes.readUInt32LE(modeAt);
  const device = bytes.readBigUInt64LE(deviceAt);
  const isDevice = ['S_IFCHR', 'S_IFBLK'].includes(named('file_type', bits & 0o170000, abi));
  const numbers = [((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn), (device & 0xffn) | ((device >> 12n) & ~0xffn)];
  return `{st_mode=${mode(bits, abi)}, ${isDevice ? `st_rdev=makedev(${numbers.map(hex).join(', ')})` : `st_size=${bytes.readBigInt64LE(48)}`}, ...}`;
}

const statx = (bytes: Buffer, abi: Abi): string =>
  `{stx_mask=${named('statx_mask', bytes.readUInt32LE(0), abi)}, stx_attributes=${named('statx_attributes', bytes.readUInt32LE(8), abi)}, stx_mode=${mode(bytes.readUInt16LE(28), abi)}, stx_size=${bytes.readBigUInt64LE(40)}, ...}`;

/** struct clone_args (linux/sched.h), its first and most telling fields. */
const cloneArgs = (bytes: Buffer, abi: Abi): string =>
  `{flags=${[bytes.readUInt32LE(0) === 0 ? '' : named('clone', bytes.readUInt32LE(0), abi), bytes.readUInt32LE(4) === 0 ? '' : named('clone_high', bytes.readUInt32LE(4), abi)].filter((text) => text !== '').join('|') || '0'}, exit_signal=${signalName(Number(bytes.readBigUInt64LE(32)))}, ...}`;

/** An int, as most options are; others may be secrets. */
function sockval({ bytes }: Memory): string {
  if (bytes.length !== 4) throw new RangeError('no int');
  return `[${bytes.readInt32LE(0)}]`;
}

/** struct flock64 of 32-bit programs on x86: nothing is aligned there. */
const flock64 = (bytes: Buffer, abi: Abi): string =>
  `{l_type=${named('lock', bytes.readUInt16LE(0), abi)}, l_whence=${named('whence', bytes.readUInt16LE(2), abi)}, l_start=${bytes.readBigInt64LE(4)}, l_len=${bytes.readBigInt64LE(12)}}`;

const data = ({ bytes, cut }: Memory): string => `${quoted(bytes.subarray(0, SHOWN_BYTES))}${cut || bytes.length > SHOWN_BYTES ? '...' : ''}`;

/** struct flock (asm-generic/fcntl.h): two shorts and, on 64-bit machines, a hole before the rest. */
const flock = (bytes: Buffer, abi: Abi): string =>
  `{l_type=${named('lock', bytes.readUInt16LE(0), abi)}, l_whence=${named('whence', bytes.readUInt16LE(2), abi)}, l_start=${signed(bytes, 1, abi)}, l_len=${signed(bytes, 2, abi)}}`;

const pointer = (value: bigint): string => (value === 0n ? 'NULL' : hex(value));
const int = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** struct user_msghdr (linux/socket.h): what it points to lies elsewhere. */
function msghdr(bytes: Buffer, abi: Abi): string {
  const [name = 0n, nameLength = 0n, iov = 0n, parts = 0n, control = 0n, controlLength = 0n, flags = 0n] = Array.from({ length: MSGHDR_WORDS }, (_, i) => word(bytes, i, abi));
  const controlText = controlLength === 0n ? '' : ` msg_control=${pointer(control)},`;
  return `{msg_name=${pointer(name)}, msg_namelen=${int(nameLength)}, msg_iov=${pointer(iov)}, msg_iovlen=${parts},${controlText} msg_controllen=${controlLength}, msg_flags=${named('msg', int(flags), abi)}}`;
}

const MSGHDR_WORDS = 7; // an int has a word of its own in it

/** struct mmsghdr. */
const mmsghdr = (bytes: Buffer, abi: Abi): string => `{msg_hdr=${msghdr(bytes, abi)}, msg_len=${bytes.readUInt32LE(MSGHDR_WORDS * abi.word)}}`;

/** Kinds of arguments that are a shape in some calls, or of some size. */
export const SHAPE_OF: Readonly<Record<string, string>> = { wstatus: 'status', fcntl_arg: 'flock', fcntl64_arg: 'flock64', futex_arg: 'timespec', futex_arg64: 'timespec64' };

/** By the names that signatures.ts uses. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  data: { unit: () => 1, count: 0, show: data },
  buffer: { unit: () => 1, count: 0, show: textOf },
  sockaddr: { unit: () => 1, count: 0, show: sockaddr },
  timespec: words(2, time('tv_nsec')),
  timespec64: wide(words(2, time('tv_nsec'))),
  timeval: words(2, time('tv_usec')),
  timespecs: words(4, (bytes, abi) => `[${time('tv_nsec')(bytes, abi)}, ${time('tv_nsec', 2)(bytes, abi)}]`),
  itimerspec: words(4, (bytes, abi) => `{it_interval=${time('tv_nsec')(bytes, abi)}, it_value=${time('tv_nsec', 2)(bytes, abi)}}`),
  itimerval: words(4, (bytes, abi) => `{it_interval=${time('tv_usec')(bytes, abi)}, it_value=${time('tv_usec', 2)(bytes, abi)}}`),
  iovec: list(({ word: size }) => 2 * size, (bytes, abi) => `{iov_base=${hex(word(bytes, 0, abi))}, iov_len=${word(bytes, 1, abi)}}`),
  msghdr: words(MSGHDR_WORDS, msghdr),
  mmsghdr: list(({ word: size }) => (MSGHDR_WORDS + 1) * size, mmsghdr),
  sockval: { unit: () => 1, count: 0, show: sockval },
  flock64: whole(20, flock64),
  pair: list(4, (bytes) => String(bytes.readInt32LE(0)), 2),
  pollfd: list(8, pollfd),
  epoll: { ...whole(0, epollEvent), unit: (abi) => 8 + epollData(abi) },
  epolls: list((abi) => 8 + epollData(abi), epollEvent),
  status: whole(4, wstatus),
  sigset: whole(8, sigset),
  sigaction: { ...whole(0, sigaction), unit: ({ word: size }) => 3 * size + 8 },
  rlimit: words(2, (bytes, abi) => `{rlim_cur=${limit(word(bytes, 0, abi), abi)}, rlim_max=${limit(word(bytes, 1, abi), abi)}}`),
  rlimit64: wide(words(2, (bytes, abi) => `{rlim_cur=${limit(word(bytes, 0, abi), abi)}, rlim_max=${limit(word(bytes, 1, abi), abi)}}`)),
  stat: whole(64, stat),
  statx: whole(48, statx),
  clone_args: whole(64, cloneArgs),
  flock: words(3, flock),
};
