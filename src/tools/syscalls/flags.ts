/** Flags and choices of system calls by name, as Linux has them on x86-64; `ARM64` has what differs there (asm/fcntl.h). */

interface FlagSet {
  /** Bits of which one value is taken, and its names. */
  readonly mask: number;
  readonly choices: Readonly<Record<number, string>>;
  readonly bits: readonly (readonly [number, string])[];
}

/** `NAME=1` is a bit or several; `0:NAME` a choice among those below `mask`. */
function flagSet(mask: number, text: string): FlagSet {
  const words = text.trim().split(/\s+/);
  const choices = words.filter((word) => word.includes(':')).map((word) => word.split(':'));
  const bits = words.filter((word) => word.includes('=')).map((word) => word.split('='));
  return {
    mask,
    choices: Object.fromEntries(choices.map(([value, name]) => [Number(value), name ?? ''])),
    bits: bits.map(([name, value]) => [Number(value), name ?? ''] as const).sort(([a], [b]) => bitCount(b) - bitCount(a)),
  };
}

const bitCount = (value: number): number => value.toString(2).replaceAll('0', '').length;
const ALL = 0xffffffff;

const OPEN = '0:O_RDONLY 1:O_WRONLY 2:O_RDWR O_CREAT=0o100 O_EXCL=0o200 O_NOCTTY=0o400 O_TRUNC=0o1000 O_APPEND=0o2000 O_NONBLOCK=0o4000 O_DSYNC=0o10000 O_ASYNC=0o20000 O_NOATIME=0o1000000 O_CLOEXEC=0o2000000 O_SYNC=0o4010000 O_PATH=0o10000000';

const SETS: Readonly<Record<string, FlagSet>> = {
  open: flagSet(3, `${OPEN} O_DIRECT=0o40000 O_LARGEFILE=0o100000 O_DIRECTORY=0o200000 O_NOFOLLOW=0o400000 O_TMPFILE=0o20200000`),
  descriptor: flagSet(0, 'O_CLOEXEC=0o2000000 O_NONBLOCK=0o4000 O_DIRECT=0o40000'),
  access: flagSet(0, 'R_OK=4 W_OK=2 X_OK=1'),
  at_flags: flagSet(0, 'AT_SYMLINK_NOFOLLOW=0x100 AT_REMOVEDIR=0x200 AT_SYMLINK_FOLLOW=0x400 AT_NO_AUTOMOUNT=0x800 AT_EMPTY_PATH=0x1000'),
  whence: flagSet(ALL, '0:SEEK_SET 1:SEEK_CUR 2:SEEK_END 3:SEEK_DATA 4:SEEK_HOLE'),
  prot: flagSet(0, 'PROT_READ=1 PROT_WRITE=2 PROT_EXEC=4'),
  map: flagSet(15, '1:MAP_SHARED 2:MAP_PRIVATE 3:MAP_SHARED_VALIDATE MAP_FIXED=0x10 MAP_ANONYMOUS=0x20 MAP_GROWSDOWN=0x100 MAP_DENYWRITE=0x800 MAP_LOCKED=0x2000 MAP_NORESERVE=0x4000 MAP_POPULATE=0x8000 MAP_NONBLOCK=0x10000 MAP_STACK=0x20000 MAP_HUGETLB=0x40000 MAP_FIXED_NOREPLACE=0x100000'),
  madvise: flagSet(ALL, '0:MADV_NORMAL 1:MADV_RANDOM 2:MADV_SEQUENTIAL 3:MADV_WILLNEED 4:MADV_DONTNEED 8:MADV_FREE 9:MADV_REMOVE 12:MADV_MERGEABLE 14:MADV_HUGEPAGE 15:MADV_NOHUGEPAGE 16:MADV_DONTDUMP 20:MADV_COLD 21:MADV_PAGEOUT 25:MADV_COLLAPSE'),
  how: flagSet(ALL, '0:SIG_BLOCK 1:SIG_UNBLOCK 2:SIG_SETMASK'),
  clock: flagSet(ALL, '0:CLOCK_REALTIME 1:CLOCK_MONOTONIC 2:CLOCK_PROCESS_CPUTIME_ID 3:CLOCK_THREAD_CPUTIME_ID 4:CLOCK_MONOTONIC_RAW 5:CLOCK_REALTIME_COARSE 6:CLOCK_MONOTONIC_COARSE 7:CLOCK_BOOTTIME'),
  domain: flagSet(ALL, '0:AF_UNSPEC 1:AF_UNIX 2:AF_INET 10:AF_INET6 16:AF_NETLINK 17:AF_PACKET 40:AF_VSOCK'),
  socket: flagSet(15, '1:SOCK_STREAM 2:SOCK_DGRAM 3:SOCK_RAW 5:SOCK_SEQPACKET SOCK_NONBLOCK=0o4000 SOCK_CLOEXEC=0o2000000'),
  msg: flagSet(0, 'MSG_OOB=1 MSG_PEEK=2 MSG_DONTROUTE=4 MSG_TRUNC=0x20 MSG_DONTWAIT=0x40 MSG_WAITALL=0x100 MSG_NOSIGNAL=0x4000 MSG_MORE=0x8000 MSG_CMSG_CLOEXEC=0x40000000'),
  clone: flagSet(0, 'CLONE_VM=0x100 CLONE_FS=0x200 CLONE_FILES=0x400 CLONE_SIGHAND=0x800 CLONE_PIDFD=0x1000 CLONE_PTRACE=0x2000 CLONE_VFORK=0x4000 CLONE_PARENT=0x8000 CLONE_THREAD=0x10000 CLONE_NEWNS=0x20000 CLONE_SYSVSEM=0x40000 CLONE_SETTLS=0x80000 CLONE_PARENT_SETTID=0x100000 CLONE_CHILD_CLEARTID=0x200000 CLONE_CHILD_SETTID=0x1000000 CLONE_NEWCGROUP=0x2000000 CLONE_NEWUTS=0x4000000 CLONE_NEWIPC=0x8000000 CLONE_NEWUSER=0x10000000 CLONE_NEWPID=0x20000000 CLONE_NEWNET=0x40000000 SIGCHLD=17'),
  wait: flagSet(0, 'WNOHANG=1 WUNTRACED=2 WEXITED=4 WCONTINUED=8 WNOWAIT=0x1000000 __WCLONE=0x80000000 __WALL=0x40000000'),
  fcntl: flagSet(ALL, '0:F_DUPFD 1:F_GETFD 2:F_SETFD 3:F_GETFL 4:F_SETFL 5:F_GETLK 6:F_SETLK 7:F_SETLKW 8:F_SETOWN 9:F_GETOWN 36:F_OFD_GETLK 37:F_OFD_SETLK 38:F_OFD_SETLKW 1024:F_SETLEASE 1030:F_DUPFD_CLOEXEC 1031:F_SETPIPE_SZ 1032:F_GETPIPE_SZ 1033:F_ADD_SEALS'),
  flock: flagSet(3, '1:LOCK_SH 2:LOCK_EX LOCK_NB=4 LOCK_UN=8'),
  epoll_ctl: flagSet(ALL, '1:EPOLL_CTL_ADD 2:EPOLL_CTL_DEL 3:EPOLL_CTL_MOD'),
  futex: flagSet(127, '0:FUTEX_WAIT 1:FUTEX_WAKE 3:FUTEX_REQUEUE 4:FUTEX_CMP_REQUEUE 5:FUTEX_WAKE_OP 6:FUTEX_LOCK_PI 7:FUTEX_UNLOCK_PI 8:FUTEX_TRYLOCK_PI 9:FUTEX_WAIT_BITSET 10:FUTEX_WAKE_BITSET 11:FUTEX_WAIT_REQUEUE_PI 12:FUTEX_CMP_REQUEUE_PI 13:FUTEX_LOCK_PI2 FUTEX_PRIVATE_FLAG=128 FUTEX_CLOCK_REALTIME=256'),
};

const ARM64: Readonly<Record<string, FlagSet>> = {
  open: flagSet(3, `${OPEN} O_DIRECTORY=0o40000 O_NOFOLLOW=0o100000 O_DIRECT=0o200000 O_LARGEFILE=0o400000 O_TMPFILE=0o20040000`),
};

/** `O_RDONLY|O_CLOEXEC`; what has no name in hex. Undefined where there is no such set. */
export function flagNames(set: string, value: number, machine: string): string | undefined {
  const flags = (machine === 'arm64' ? ARM64[set] : undefined) ?? SETS[set];
  if (!flags) return undefined;
  const choice = (value & flags.mask) >>> 0;
  let rest = (value & ~flags.mask) >>> 0;
  const names = flags.mask !== 0 && (choice !== 0 || flags.choices[0] !== undefined) ? [flags.choices[choice] ?? `0x${choice.toString(16)}`] : [];
  for (const [bits, name] of flags.bits) {
    if (((rest & bits) >>> 0) !== bits) continue;
    names.push(name);
    rest = (rest & ~bits) >>> 0;
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return names.length > 0 ? names.join('|') : '0';
}

const SIGNALS = `0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP
  SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS`.split(/\s+/);

export const signalName = (number: number): string => SIGNALS[number] ?? (number >= 32 && number <= 64 ? `SIGRT_${number - 32}` : String(number));
