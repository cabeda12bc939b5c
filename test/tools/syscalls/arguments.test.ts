import t from 'tap';
import { argumentsOf, mainArgument, type Meaning } from '../../../src/tools/syscalls/arguments.js';
import { callNames } from '../../../src/tools/syscalls/names.js';
import { errnoName, errnoNumber } from '../../../src/tools/syscalls/errno.js';
import { signatureOf } from '../../../src/tools/syscalls/signatures.js';
import { flagNames } from '../../../src/tools/syscalls/flags.js';

const meaning: Meaning = {
  machine: 'x64',
  descriptor: (fd) => ({ 3: '/var/log/app.log', 5: 'TCP 127.0.0.1:80->127.0.0.1:9' })[fd],
  text: (address) => (address === 0x1000n ? { text: '/etc/"x"\n', cut: false } : address === 0x3000n ? { text: '/very/long', cut: true } : undefined),
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
  t.equal(shown('futex', 0x10, 137, 2), '0x10, FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0');
  t.equal(shown('close', 77), '77', 'what is closed by now has no name');
  t.equal(shown('unlink', 0x2000), '0x2000', 'what cannot be read is an address');
  t.equal(shown('unlink', 0x3000), '"/very/long"...', 'what is cut says so');
  t.equal(shown('epoll_create1', 0o2000000), 'O_CLOEXEC');
  t.equal(shown('getppid'), '');
  t.equal(shown('nfsservctl', 1, 2, 3, 4, 5, 6), '0x1, 0x2, 0x3, 0x4, 0x5, 0x6', 'unknown calls');
  t.equal(flagNames('open', 0o40000, 'arm64'), 'O_RDONLY|O_DIRECTORY');
  t.equal(flagNames('access', 0, 'x64'), '0');
  t.equal(flagNames('prot', 0x41, 'x64'), 'PROT_READ|0x40');
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
  for (const name of described) t.notMatch(argumentsOf(name, [1n, 1n, 1n, 1n, 1n, 1n], { ...meaning, text: () => ({ text: 'x', cut: false }) }).join(' '), /undefined/, name);
  t.ok((signatureOf('select') ?? []).length <= 6);
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
