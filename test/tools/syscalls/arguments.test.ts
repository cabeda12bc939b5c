import t from 'tap';
import { argumentsOf, execArguments, KINDS, mainArgument, type Meaning } from '../../../src/tools/syscalls/arguments.js';
import { callNames } from '../../../src/tools/call-names.js';
import { errnoName, errnoNumber } from '../../../src/tools/errno.js';
import { SIGNATURES, signatureOf } from '../../../src/tools/syscalls/signatures.js';
import { SHAPES } from '../../../src/tools/syscalls/memory.js';
import { FLAG_SETS, flagNames } from '../../../src/tools/syscalls/flags.js';
import { textOf, textsOf } from '../../../src/tools/syscalls/text.js';

const TEXTS = new Map([[0x1000n, { bytes: Buffer.from('/etc/"x"\n'), cut: false }], [0x3000n, { bytes: Buffer.from('/very/long'), cut: true }]]);
const meaning: Meaning = {
  abi: { machine: 'x64', word: 8 },
  data: false,
  result: 0n,
  descriptor: (fd) => ({ 3: '/var/log/app.log', 5: 'TCP 127.0.0.1:80->127.0.0.1:9' })[fd],
  memory: (_index, address, bytes) => (bytes === 'text' ? TEXTS.get(address) : undefined),
};
const AT_FDCWD = 0xffffff9cn;
const shown = (name: string, ...args: (number | bigint)[]): string => argumentsOf(name, args.map(BigInt), meaning).join(', ');

t.test('arguments as strace(1) writes them', (t) => {
  t.equal(shown('openat', AT_FDCWD, 0x1000, 0o2000000), 'AT_FDCWD, "/etc/\\"x\\"\\n", O_RDONLY|O_CLOEXEC');
  t.equal(shown('openat', 3, 0x1000, 0o1101, 0o644), '3</var/log/app.log>, "/etc/\\"x\\"\\n", O_WRONLY|O_CREAT|O_TRUNC, 0644');
  t.equal(shown('open', 0x1000, 0o20200002, 0o600), '"/etc/\\"x\\"\\n", O_RDWR|O_TMPFILE, 0600');
  t.equal(shown('read', 3, 0x7fff0000, 4096), '3</var/log/app.log>, 0x7fff0000, 4096');
  t.equal(shown('sendto', 5, 0x10, 12, 0x4040, 0, 0), '5<TCP 127.0.0.1:80->127.0.0.1:9>, 0x10, 12, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0');
  t.equal(shown('mmap', 0, 8192, 3, 0x22, 0xffffffffn, 0), 'NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0');
  t.equal(shown('lseek', 3, 0xffffffffffffffffn, 1), '3</var/log/app.log>, -1, SEEK_CUR');
  t.equal(shown('kill', 0xffffffffn, 9), '-1, SIGKILL');
  t.equal(shown('rt_sigaction', 33, 0, 0, 8), 'SIGRT_1, NULL, NULL, 8');
  t.equal(shown('futex', 0x10, 137, 2), '0x10, FUTEX_WAIT_BITSET_PRIVATE, 2, NULL, NULL, 0');
  t.equal(shown('close', 77), '77', 'what is closed by now has no name');
  t.equal(shown('unlink', 0x2000), '0x2000', 'what cannot be read is an address');
  t.equal(shown('unlink', 0x3000), '"/very/long"...', 'what is cut says so');
  t.equal(shown('epoll_create1', 0o2000000), 'EPOLL_CLOEXEC');
  t.equal(shown('getppid'), '');
  t.equal(shown('nfsservctl', 1, 2, 3, 4, 5, 6), '0x1, 0x2, 0x3, 0x4, 0x5, 0x6', 'unknown calls');
  t.equal(flagNames('open', 0o40000, 'arm64'), 'O_RDONLY|O_DIRECTORY');
  t.equal(flagNames('access', 0, 'x64'), 'F_OK');
  t.equal(flagNames('prot', 0x41, 'x64'), 'PROT_READ|0x40');
  t.end();
});

/** Memory at addresses as bytes of so many sizes. */
function pack(...fields: readonly (readonly [size: number, value: number | bigint])[]): Buffer {
  return Buffer.concat(fields.map(([size, value]) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    return bytes.subarray(0, size);
  }));
}

t.test('of one argument at most the length is kept from the beginning: there is one place for it', (t) => {
  for (const name of SIGNATURES()) {
    for (const compat of [false, true]) t.ok((signatureOf(name, compat) ?? []).filter(({ length }) => length?.by === 'pointed').length <= 1, name);
  }
  t.end();
});

t.test('what arguments point to', (t) => {
  const AT = 0x2000n;
  const told = (memory: Buffer, changes: Partial<Meaning>, name: string, ...args: (number | bigint)[]): string =>
    argumentsOf(name, args.map(BigInt), { ...meaning, descriptor: () => undefined, memory: (_index, address, bytes) => (address !== AT || bytes === 'text' ? undefined : { bytes: memory.subarray(0, Math.min(bytes, memory.length)), cut: bytes > memory.length }), ...changes }).join(', ');
  const compat = { abi: { machine: 'x64', word: 4 } } as const;
  const arm = { abi: { machine: 'arm64', word: 8 } } as const;
  const time = pack([8, 3], [8, 7]);
  t.equal(told(time, {}, 'nanosleep', AT, 0), '{tv_sec=3, tv_nsec=7}, NULL');
  t.equal(told(pack([8, 0x40], [4, 16], [4, 9], [8, 0x50], [8, 2], [8, 0x60], [8, 20], [8, 0x20]), { result: 5n }, 'recvmsg', 3, AT, 0), '3, {msg_name=0x40, msg_namelen=16, msg_iov=0x50, msg_iovlen=2, msg_control=0x60, msg_controllen=20, msg_flags=MSG_TRUNC}, 0');
  t.equal(told(pack([4, 0], [4, 0], [4, 0x50], [4, 1], [4, 0], [4, 0], [4, 0], [4, 7]), { ...compat, result: 1n }, 'sendmmsg', 3, AT, 1, 0), '3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=0x50, msg_iovlen=1, msg_controllen=0, msg_flags=0}, msg_len=7}], 1, 0');
  t.equal(told(pack([4, 3], [4, -1]), compat, 'nanosleep', AT, 0), '{tv_sec=3, tv_nsec=-1}, NULL', 'of a 32-bit program');
  t.equal(told(time, compat, 'clock_nanosleep_time64', 1, 1, AT, 0), 'CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=3, tv_nsec=7}, NULL');
  t.equal(told(time, { result: undefined }, 'ppoll', 0, 0, AT, 0, 8), 'NULL, 0, {tv_sec=3, tv_nsec=7}, NULL, 8', 'while it lasts');
  t.equal(told(time, {}, 'ppoll', 0, 0, AT, 0, 8), 'NULL, 0, 0x2000, NULL, 8', 'the kernel has put there what was left of it');
  t.equal(told(pack([4, 7], [4, 8]), {}, 'pipe2', AT, 0o2004000), '[7, 8], O_NONBLOCK|O_CLOEXEC');
  t.equal(told(pack([4, 7], [4, 8]), { result: -24n }, 'pipe2', AT, 0), '0x2000, 0', 'what was not written is not told');
  t.equal(told(pack([4, 7], [4, 8]), { result: undefined }, 'pipe2', AT, 0), '0x2000, 0', 'or not yet');
  const epolls = [[4, 1], [4, 9], [4, 0]] as const;
  t.equal(told(pack(...epolls, ...epolls), { result: 2n }, 'epoll_wait', 4, AT, 8, -1), '4, [{events=EPOLLIN, data=0x9}, {events=EPOLLIN, data=0x9}], 8, -1');
  t.equal(told(pack([4, 1], [4, 0], [8, 9]), { ...arm, result: 1n }, 'epoll_pwait', 4, AT, 8, -1, 0, 8), '4, [{events=EPOLLIN, data=0x9}], 8, -1, NULL, 8');
  t.equal(told(pack([8, 0x10], [8, 5]), {}, 'writev', 4, AT, 3), '4, [{iov_base=0x10, iov_len=5}, ...], 3', 'what is cut says so');
  t.equal(told(pack([4, 0x10], [4, 5]), compat, 'writev', 4, AT, 1), '4, [{iov_base=0x10, iov_len=5}], 1');
  for (const [status, words] of [[0x300, 'WIFEXITED(s) && WEXITSTATUS(s) == 3'], [9, 'WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL'], [0x8b, 'WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)'], [0x137f, 'WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP'], [0xffff, 'WIFCONTINUED(s)']] as const) {
    t.equal(told(pack([4, status]), { result: 5n }, 'wait4', -1, AT, 0, 0), `-1, [{${words}}], 0, NULL`);
  }
  t.equal(told(pack([4, 9]), {}, 'wait4', -1, AT, 1, 0), '-1, 0x2000, WNOHANG, NULL', 'nobody had ended');
  t.equal(told(Buffer.from('\x02\0\x1f\x90\x0a\0\0\x01\0\0\0\0\0\0\0\0', 'latin1'), {}, 'connect', 3, AT, 16), '3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("10.0.0.1")}, 16');
  t.equal(told(Buffer.from('\x02\0\x1f', 'latin1'), {}, 'connect', 3, AT, 3), '3, {sa_family=AF_INET, sa_data="\\37"}, 3', 'shorter than such an address can be');
  t.equal(told(pack([2, 16], [2, 0], [4, 7], [4, 255]), {}, 'bind', 3, AT, 12), '3, {sa_family=AF_NETLINK, nl_pid=7, nl_groups=000000ff}, 12');
  t.equal(told(pack([2, 1]), {}, 'bind', 3, AT, 2), '3, {sa_family=AF_UNIX}, 2');
  t.equal(told(pack([2, 77], [2, 0x4142]), {}, 'bind', 3, AT, 4), '3, {sa_family=0x4d, sa_data="BA"}, 4');
  t.equal(told(Buffer.from('/a/path\0'), { result: 8n }, 'getcwd', AT, 64), '"/a/path", 64');
  t.equal(told(Buffer.alloc(0), { data: true }, 'read', 3, AT, 9), '3, "", 9', 'the end of a file');
  t.equal(told(Buffer.from('ab\x80'), { data: true, result: 40n }, 'read', 3, AT, 40), '3, "ab\\302\\200"..., 40');
  t.equal(told(Buffer.from('ab'), { result: 2n }, 'read', 3, AT, 2), '3, 0x2000, 2', 'without --data');
  t.equal(told(pack([8, 4096n * 1024n], [8, -1]), {}, 'prlimit64', 0, 3, AT, 0), '0, RLIMIT_STACK, {rlim_cur=4096*1024, rlim_max=RLIM64_INFINITY}, NULL');
  t.equal(told(pack([8, 0x5000], [8, 0x14000004], [8, 0x6000], [8, 2]), {}, 'rt_sigaction', 10, AT, 0, 8), 'SIGUSR1, {sa_sigaction=0x5000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART|SA_SIGINFO, sa_restorer=0x6000}, NULL, 8');
  t.equal(told(pack([8, 0], [8, 0], [8, 0], [8, -1]), {}, 'rt_sigaction', 10, AT, 0, 8), 'SIGUSR1, {sa_handler=SIG_DFL, sa_mask=~[], sa_flags=0}, NULL, 8');
  t.equal(told(pack([8, 0], [8, 1], [8, 0o020620], [8, 0], [8, 0], [8, 0x8801]), {}, 'fstat', 3, AT), '3, 0x2000', 'too short');
  t.equal(told(pack([8, 0], [8, 1], [8, 1], [4, 0o020620], [4, 0], [4, 0], [4, 0], [8, 0x8801], [8, 0], [8, 0]), {}, 'fstat', 3, AT), '3, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x1), ...}');
  t.equal(told(pack([8, 0], [8, 1], [4, 0o100644], [4, 1], [8, 0], [8, 0], [8, 0], [8, 77], [8, 0]), arm, 'fstat', 3, AT), '3, {st_mode=S_IFREG|0644, st_size=77, ...}');
  t.equal(told(pack([4, 100], [4, 0], [8, 0]), {}, 'setsockopt', 3, 1, 7, AT, 4), '3, SOL_SOCKET, SO_SNDBUF, [100], 4');
  t.equal(told(pack([8, 0x3d0f00], [8, 0], [8, 0], [8, 0], [8, 17], [8, 0], [8, 0], [8, 0]), {}, 'clone3', AT, 88), '{flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, exit_signal=SIGCHLD, ...}, 88');
  t.equal(told(time, {}, 'futex', 0x10, 128, 2, AT, 0, 0), '0x10, FUTEX_WAIT_PRIVATE, 2, {tv_sec=3, tv_nsec=7}');
  t.equal(told(time, {}, 'futex', 0x10, 4, 1, 0x7fffffff, 0x20, 9), '0x10, FUTEX_CMP_REQUEUE, 1, 2147483647, 0x20, 0x9');
  t.equal(told(time, {}, 'flock', 3, 6), '3, LOCK_EX|LOCK_NB');
  t.equal(told(time, {}, 'faccessat2', -100, 0, 0, 0x200), 'AT_FDCWD, NULL, F_OK, AT_EACCESS');
  t.equal(told(time, {}, 'preadv2', 3, 0, 1, 5, 0, 8), '3, NULL, 1, 5, 0, RWF_NOWAIT');
  t.equal(told(time, {}, 'socket', 16, 3, 6), 'AF_NETLINK, SOCK_RAW, NETLINK_XFRM');
  t.equal(told(time, {}, 'socket', 1, 1, 6), 'AF_UNIX, SOCK_STREAM, 6');
  t.equal(told(time, {}, 'clone', 0x01200013, 0, 0, 0, 0), 'CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGSTOP, NULL, NULL, NULL, NULL');
  t.equal(told(time, {}, 'clone', 17), 'SIGCHLD, NULL, NULL, NULL, NULL');
  t.equal(told(time, {}, 'unshare', 0x20000), 'CLONE_NEWNS');
  t.equal(told(pack([4, 0x100], [4, 2], [8, 0], [8, 0], [8, 0], [8, 0], [8, 0], [8, 0], [8, 0]), {}, 'clone3', AT, 88), '{flags=CLONE_VM|CLONE_INTO_CGROUP, exit_signal=0, ...}, 88');
  t.equal(told(pack([2, 0], [2, 0], [8, 5], [8, 6], [4, 0]), compat, 'fcntl64', 3, 37, AT), '3, F_OFD_SETLK, {l_type=F_RDLCK, l_whence=SEEK_SET, l_start=5, l_len=6}');
  t.equal(told(pack([2, 1], [2, 0], [4, 5], [4, 6]), compat, 'fcntl64', 3, 6, AT), '3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=5, l_len=6}');
  t.equal(told(time, compat, 'fcntl64', 3, 3, 0x1234), '3, F_GETFL');
  t.equal(told(time, compat, 'fadvise64', 3, 0, 0, 0, 2), '3, 0, 0, 0, POSIX_FADV_SEQUENTIAL');
  t.equal(told(time, compat, 'mmap2', 0, 4096, 3, 2, 3, 0x80), 'NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE, 3, 0x80000', 'pages are told in bytes');
  t.equal(told(Buffer.alloc(200, 83), {}, 'setsockopt', 3, 282, 1, AT, 40), '3, 0x11a, 1, 0x2000, 40', 'keys are not shown');
  t.equal(told(pack([4, 3], [2, 1], [2, 1]), { result: undefined }, 'poll', AT, 1, -1), '[{fd=3, events=POLLIN}], 1, -1', 'what came before does not count');
  t.equal(told(pack([4, 3], [2, 1], [2, 1]), { result: 1n }, 'poll', AT, 1, -1), '[{fd=3, events=POLLIN, revents=POLLIN}], 1, -1');
  t.equal(told(Buffer.from('XXXXSSSS'), { data: true, result: 100n }, 'recvfrom', 3, AT, 4, 0x20, 0, 0), '3, "XXXX", 4, MSG_TRUNC, NULL, NULL');
  t.equal(told(time, {}, 'dup2', 3, 4), '3, 4');
  t.equal(told(time, {}, 'close_range', 900, 0xffffffff, 4), '900, 4294967295, CLOSE_RANGE_CLOEXEC');
  t.equal(textOf({ bytes: Buffer.from('/tmp/\xff\xfe', 'latin1'), cut: false }), '"/tmp/\\377\\376"');
  t.equal(textOf({ bytes: Buffer.from('/tmp/é').subarray(0, 6), cut: true }), '"/tmp/"...', 'no half of a letter');
  t.equal(told(time, {}, 'fcntl', 3, 4, 0o4000), '3, F_SETFL, O_RDONLY|O_NONBLOCK');
  t.equal(told(time, {}, 'fcntl', 3, 3, 77), '3, F_GETFL');
  t.equal(told(time, compat, 'lseek', 3, 0xffffffffn, 2), '3, -1, SEEK_END');
  t.equal(told(time, compat, 'pread64', 3, 0, 5, 0, 1), '3, NULL, 5, 0, 1', 'numbers of 64 bits are two arguments');
  t.strictSame(execArguments('execveat', '"/x"', '["x"]'), ['?', '"/x"', '["x"]', '?', '?']);
  t.equal(textsOf({ bytes: Buffer.from('sh\0-c\0\0a b\0'), cut: false }), '["sh", "-c", "", "a b"]');
  t.equal(textsOf({ bytes: Buffer.from('sh\0-c\0a'), cut: true }), '["sh", "-c", "a"...]');
  t.end();
});

t.test('the argument that says most', (t) => {
  t.equal(mainArgument('openat', ['AT_FDCWD', '"/x"', 'O_RDONLY']), '"/x"');
  t.equal(mainArgument('epoll_wait', ['4<anon_inode:[eventpoll]>', '0x1']), '4<anon_inode:[eventpoll]>');
  t.equal(mainArgument('nanosleep', ['0x1', 'NULL']), '0x1');
  t.equal(mainArgument('getppid', []), '');
  t.end();
});

t.test('every signature is of a call that there is, with kinds that there are', (t) => {
  const { names } = callNames('x64');
  const described = names.filter((name) => signatureOf(name) !== undefined);
  t.ok(described.length > 180, `${described.length} calls`);
  for (const name of described) t.notMatch(argumentsOf(name, [1n, 1n, 1n, 1n, 1n, 1n], { ...meaning, data: true, memory: (_index, _address, bytes) => ({ bytes: Buffer.alloc(bytes === 'text' ? 1 : Math.min(bytes, 160)), cut: false }) }).join(' '), /undefined/, name);
  const calls = new Set([...names, ...callNames('arm64').names]);
  t.strictSame(SIGNATURES().filter((name) => !calls.has(name)), [], 'calls');
  const kinds = new Map([...Object.keys(SHAPES), ...Object.keys(KINDS), ...FLAG_SETS].map((kind) => [kind, [SHAPES[kind], KINDS[kind], FLAG_SETS.includes(kind) || undefined].filter(Boolean).length]));
  const used = new Set([false, true].flatMap((compat) => SIGNATURES().flatMap((name) => signatureOf(name, compat) ?? []).map(({ kind }) => kind)));
  t.strictSame([...used].filter((kind) => kinds.get(kind) !== 1), [], 'each kind is one thing');
  for (const name of SIGNATURES()) t.ok((signatureOf(name) ?? []).length <= 6, name);
  t.end();
});

t.test('errors by name', (t) => {
  t.strictSame(['ENOENT', 'enoent', '2', 'EWOULDBLOCK', 'EHWPOISON', '4095'].map(errnoNumber), [2, 2, 2, 11, 133, 4095]);
  for (let error = 1; error <= 133; error++) {
    const name = errnoName(error);
    if (name.startsWith('E')) t.equal(errnoNumber(name), error);
  }
  for (const wrong of ['EFOO', '0', '4096', '', '41x', 'errno 41']) t.throws(() => errnoNumber(wrong), { code: 'USAGE', message: /There is no error/ });
  t.end();
});
