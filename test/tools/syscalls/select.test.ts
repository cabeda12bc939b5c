import t from 'tap';
import { CLASSES, WAITING } from '../../../src/tools/syscalls/classes.js';
import { errnoName } from '../../../src/tools/errno.js';
import { callNames } from '../../../src/tools/call-names.js';
import { bitsOf, selectCalls } from '../../../src/tools/syscalls/select.js';
import { signatureOf } from '../../../src/tools/syscalls/signatures.js';

const x64 = callNames('x64');
const arm64 = callNames('arm64');

t.test('numbers are those of the machine, and of its 32-bit programs', (t) => {
  const cases: [string, number, number | undefined, number][] = [
    ['read', 0, 3, 63], ['futex', 202, 240, 98], ['getppid', 110, 64, 173], ['restart_syscall', 219, 0, 128], ['io_uring_setup', 425, 425, 425], ['epoll_pwait2', 441, 441, 441], ['futex_waitv', 449, 449, 449], ['file_setattr', 469, 469, 469],
  ];
  for (const [name, native, compat, arm] of cases) {
    t.strictSame([x64.number(name, false), x64.number(name, true), arm64.number(name, false), arm64.number(name, true)], [native, compat, arm, undefined], name);
    t.strictSame([x64.name(native, false), arm64.name(arm, false)], [name, name]);
  }
  t.equal(x64.number('socketcall', false), undefined);
  t.equal(x64.number('socketcall', true), 102);
  t.strictSame([x64.name(400, false), x64.name(511, false), arm64.name(0, true)], ['0x190', 'other', '0x0']);
  for (const name of WAITING) t.ok(x64.names.includes(name), `${name} is a system call`);
  t.end();
});

t.test('expressions mean what they mean to strace', (t) => {
  const chosen = (expression: string): string[] => [...selectCalls(expression, x64)].sort();
  t.strictSame(chosen('openat,read'), ['openat', 'read']);
  t.strictSame(chosen('trace=openat'), ['openat']);
  t.strictSame(chosen('/^epoll_w'), ['epoll_wait', 'epoll_wait_old']);
  t.strictSame(chosen('none'), []);
  t.equal(chosen('all').length, x64.names.length);
  t.strictSame(chosen('file'), chosen('%file'));
  t.strictSame(chosen('%net'), chosen('%network'));
  t.strictSame(chosen('?read,?nosuchcall'), ['read']);
  t.ok(chosen('%file').includes('openat') && !chosen('%file').includes('read'));
  t.equal(chosen('!futex').length, x64.names.length - 1);
  t.notOk(chosen('trace=!futex,%file').some((name) => name === 'futex' || name === 'openat'));
  for (const [wrong, message] of [['openatt', 'There is no system call "openatt"'], ['read,', 'There is no system call ""'], ['/(', '( in --trace is no regular expression'], ['/^nothing', 'There is no system call "/^nothing"']] as const) {
    t.throws(() => selectCalls(wrong, x64), { code: 'USAGE', message }, wrong);
  }
  t.end();
});

t.test('a set is a bit for each number, those of 32-bit programs behind', (t) => {
  const bits = bitsOf(new Set(['read', 'futex']), x64);
  const numbers = bits.flatMap((word, i) => Array.from({ length: 64 }, (_, bit) => (word >> BigInt(bit)) & 1n ? [64 * i + bit] : []).flat());
  t.equal(bits.length, 16);
  t.strictSame(numbers, [0, 202, 512 + 3, 512 + 240]);
  t.end();
});

t.test('errors have the names of Linux', (t) => {
  for (const [number, name] of [[1, 'EPERM'], [2, 'ENOENT'], [11, 'EAGAIN'], [38, 'ENOSYS'], [40, 'ELOOP'], [42, 'ENOMSG'], [95, 'EOPNOTSUPP'], [110, 'ETIMEDOUT'], [111, 'ECONNREFUSED'], [115, 'EINPROGRESS'], [133, 'EHWPOISON'], [41, 'errno 41'], [134, 'errno 134']] as const) t.equal(errnoName(number), name);
  t.end();
});

t.test('classes hold calls that there are, and those whose arguments say so', (t) => {
  const known = new Set([...x64.names, ...arm64.names]);
  for (const [kind, calls] of Object.entries(CLASSES)) t.strictSame([...calls].filter((name) => !known.has(name)), [], kind);
  const first = (name: string): string | undefined => signatureOf(name)?.[0]?.kind;
  const either = (name: string): boolean => CLASSES['desc']?.has(name) === true || CLASSES['network']?.has(name) === true;
  t.strictSame(x64.names.filter((name) => (first(name) === 'fd' || first(name) === 'at') && name !== 'close_range' && !either(name)), [], 'descriptors');
  t.strictSame(x64.names.filter((name) => first(name) === 'path' && !CLASSES['file']?.has(name) && name !== 'mq_open' && name !== 'mq_unlink'), [], 'paths');
  t.end();
});
