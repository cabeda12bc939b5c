/** What the arguments of system calls are, as data: by section 2 of the manual pages. */

/**
 * Kinds of arguments: fd, at (a directory, or AT_FDCWD), path, text, ptr, int, uint, size, off, mode (octal), hex, pid, sig, flags by the name of their set
 * (flags.ts), and what they point to by the name of its shape (memory.ts). How much of it there is: `:2` as many as argument 2 says, counted from 0;
 * `@2` as the int says that argument 2 points to; `=2` as the call returned, but no more than argument 2 says; else one. `>`: the call writes it. `<`: the call changes
 * it, so that it tells what was asked for only while the call lasts.
 * Calls that are not here are shown with six numbers in hex.
 */
const TEXT = `
read fd data=2> size
write fd data:2 size
open path open mode
openat at path open mode
openat2 at path ptr size
creat path mode
close fd
close_range uint uint close_range
stat path stat>
lstat path stat>
fstat fd stat>
newfstatat at path stat> at_flags
statx at path statx_flags statx_mask statx>
access path access
faccessat at path access
faccessat2 at path access eaccess
poll pollfd:1 uint int
ppoll pollfd:1 uint timespec< sigset size
select int ptr ptr ptr timeval<
pselect6 int ptr ptr ptr timespec< ptr
lseek fd off whence
mmap ptr size prot map fd hex
mprotect ptr size prot
munmap ptr size
mremap ptr size size mremap ptr
msync ptr size msync
madvise ptr size madvise
brk ptr
rt_sigaction sig sigaction sigaction> size
rt_sigprocmask how sigset sigset> size
rt_sigreturn
rt_sigsuspend sigset size
rt_sigtimedwait sigset ptr timespec size
sigaltstack ptr ptr
ioctl fd ioctl ptr
pread64 fd data=2> size off
pwrite64 fd data:2 size off
readv fd iovec:2 uint
writev fd iovec:2 uint
preadv fd iovec:2 uint off
pwritev fd iovec:2 uint off
pipe pair>
pipe2 pair> descriptor
dup fd
dup2 fd int
dup3 fd int descriptor
pause
nanosleep timespec ptr
clock_nanosleep clock timer timespec ptr
clock_gettime clock timespec>
getpid
getppid
gettid
getuid
geteuid
getgid
getegid
sendfile fd fd ptr size
copy_file_range fd ptr fd ptr size uint
splice fd ptr fd ptr size hex
socket domain socket protocol
socketpair domain socket int pair>
connect fd sockaddr:2 uint
accept fd sockaddr@2> ptr
accept4 fd sockaddr@2> ptr accept
bind fd sockaddr:2 uint
listen fd int
sendto fd data:2 size msg sockaddr:5 uint
recvfrom fd data=2> size msg sockaddr@5> ptr
sendmsg fd ptr msg
recvmsg fd ptr msg
sendmmsg fd ptr uint msg
recvmmsg fd ptr uint msg ptr
shutdown fd shutdown
getsockname fd sockaddr@2> ptr
getpeername fd sockaddr@2> ptr
setsockopt fd sol sockopt sockval:4 uint
getsockopt fd sol sockopt sockval@4> ptr
clone clone_flags ptr ptr ptr ptr
clone3 clone_args size
fork
vfork
execve path argv ptr
execveat at path argv ptr at_flags
exit int
exit_group int
wait4 int wstatus> wait ptr
waitid idtype int ptr wait ptr
kill int sig
tkill pid sig
tgkill pid pid sig
uname ptr
fcntl fd fcntl fcntl_arg
flock fd flock_op
fsync fd
fdatasync fd
sync
syncfs fd
truncate path off
ftruncate fd off
fallocate fd fallocate off off
getdents fd ptr uint
getdents64 fd ptr uint
getcwd buffer=1> size
chdir path
fchdir fd
rename path path
renameat at path at path
renameat2 at path at path rename
mkdir path mode
mkdirat at path mode
rmdir path
link path path
linkat at path at path at_flags
unlink path
unlinkat at path at_flags
symlink path path
symlinkat path at path
readlink path buffer=2> size
readlinkat at path buffer=3> size
chmod path mode
fchmod fd mode
fchmodat at path mode
chown path int int
lchown path int int
fchown fd int int
fchownat at path int int at_flags
umask mode
statfs path ptr
fstatfs fd ptr
utimensat at path timespecs at_flags
mount path path text mount ptr
umount2 path umount
chroot path
pivot_root path path
getxattr path text ptr size
setxattr path text ptr size int
fgetxattr fd text ptr size
inotify_add_watch fd path hex
inotify_rm_watch fd int
epoll_create int
epoll_create1 epoll_create
epoll_ctl fd epoll_ctl fd epoll
epoll_wait fd epolls=2> int int
epoll_pwait fd epolls=2> int int sigset size
epoll_pwait2 fd epolls=2> int timespec sigset size
eventfd2 uint eventfd
timerfd_create clock timerfd
timerfd_settime fd timerfd_time itimerspec ptr
signalfd4 fd sigset size signalfd
futex ptr futex_op uint futex_arg ptr bitset
futex_waitv ptr uint uint ptr clock
futex_wait ptr hex hex hex ptr clock
futex_wake ptr hex int hex
set_tid_address ptr
set_robust_list ptr size
rseq ptr hex int hex
sched_yield
sched_getaffinity pid size ptr
sched_setaffinity pid size ptr
prctl prctl prctl_arg hex hex hex
arch_prctl arch_prctl ptr
prlimit64 pid resource rlimit64 rlimit64>
getrlimit resource rlimit>
getrandom ptr size getrandom
memfd_create text memfd
io_uring_enter fd uint uint hex ptr size
io_getevents ptr int int ptr ptr
restart_syscall
unshare clone
setns fd clone
pidfd_open pid hex
pidfd_send_signal fd sig ptr hex
process_vm_readv pid ptr uint ptr uint hex
ptrace int pid ptr ptr
bpf int ptr uint
mlock ptr size
munlock ptr size
fadvise64 fd off size fadvise
readahead fd off size
sync_file_range fd off off sync_range
msgrcv int ptr size off hex
msgsnd int ptr size hex
semop int ptr uint
mq_timedreceive fd ptr size ptr ptr
setrlimit resource rlimit
setitimer itimer itimerval itimerval>
getitimer itimer itimerval>
alarm uint
gettimeofday timeval> ptr
clock_getres clock timespec>
getpgrp
setsid
getpgid pid
setpgid pid pid
getsid pid
inotify_init1 inotify_init
eventfd uint
setuid int
setgid int
setresuid int int int
setresgid int int int
setgroups int ptr
getgroups int ptr
capset ptr ptr
capget ptr ptr
mlockall mlockall
munlockall
mlock2 ptr size hex
mincore ptr size ptr
personality hex
pwritev2 fd iovec:2 uint off hex rwf
preadv2 fd iovec:2 uint off hex rwf
flistxattr fd ptr size
listxattr path ptr size
lgetxattr path text ptr size
sysinfo ptr
times ptr
getrusage int ptr
shmget hex size hex
shmat int ptr hex
shmctl int hex ptr
shmdt ptr
semget hex int hex
msgget hex hex
msgctl int hex ptr
mq_open path open mode ptr
mq_unlink path
membarrier int hex int
seccomp int hex ptr
io_uring_setup uint ptr
io_uring_register uint uint ptr uint
mmap2 ptr size prot map fd pages
clock_gettime64 clock timespec64>
clock_nanosleep_time64 clock timer timespec64 ptr
ppoll_time64 pollfd:1 uint timespec64< sigset size
pselect6_time64 int ptr ptr ptr timespec64< ptr
futex_time64 ptr futex_op uint futex_arg64 ptr bitset
_newselect int ptr ptr ptr timeval<
waitpid int wstatus> wait
stat64 path ptr
lstat64 path ptr
fstat64 fd ptr
fstatat64 at path ptr at_flags
fcntl64 fd fcntl fcntl64_arg
_llseek fd uint uint ptr whence
ugetrlimit resource rlimit>
truncate64 path uint uint
ftruncate64 fd uint uint
getuid32
geteuid32
getgid32
getegid32
set_thread_area ptr
mknod path node hex
mknodat at path node hex
fchmodat2 at path mode at_flags
utime path ptr
utimes path ptr
futimesat at path ptr
lsetxattr path text ptr size int
fsetxattr fd text ptr size int
llistxattr path ptr size
removexattr path text
lremovexattr path text
fremovexattr fd text
swapon path hex
swapoff path
acct path
open_tree at path hex
move_mount at path at path hex
fspick at path hex
name_to_handle_at at path ptr ptr hex
open_by_handle_at fd ptr open
fanotify_init hex hex
fanotify_mark fd hex hex at path
quotactl hex text int ptr
timer_create clock ptr ptr
timer_settime int timer itimerspec ptr
timer_gettime int ptr
timer_getoverrun int
timer_delete int
timerfd_gettime fd ptr
clock_settime clock timespec
clock_adjtime clock ptr
settimeofday timeval ptr
adjtimex ptr
setpriority int int int
getpriority int int
sched_setparam pid ptr
sched_getparam pid ptr
sched_setscheduler pid int ptr
sched_getscheduler pid
sched_setattr pid ptr hex
sched_getattr pid ptr uint hex
sched_get_priority_max int
sched_get_priority_min int
sched_rr_get_interval pid timespec>
setreuid int int
setregid int int
setfsuid int
setfsgid int
getresuid ptr ptr ptr
getresgid ptr ptr ptr
ioprio_set int int int
ioprio_get int int
pkey_mprotect ptr size prot int
pkey_alloc hex hex
pkey_free int
userfaultfd descriptor
vmsplice fd iovec:2 uint hex
tee fd fd size hex
process_vm_writev pid ptr uint ptr uint hex
process_madvise fd iovec:2 uint madvise hex
pidfd_getfd fd int hex
rt_sigpending sigset> size
rt_sigqueueinfo pid sig ptr
rt_tgsigqueueinfo pid pid sig ptr
signalfd fd sigset size
inotify_init
io_setup uint ptr
io_destroy ptr
io_submit ptr int ptr
io_cancel ptr ptr ptr
mq_timedsend fd ptr size uint timespec
mq_notify fd ptr
mq_getsetattr fd ptr ptr
semctl int int int hex
semtimedop int ptr uint timespec
add_key text text ptr size int
request_key text text text int
keyctl int hex hex hex hex
sethostname text size
setdomainname text size
init_module ptr size text
finit_module fd text hex
delete_module text hex
kexec_load hex uint ptr hex
reboot hex hex hex ptr
syslog int ptr int
vhangup
getcpu ptr ptr ptr
mbind ptr size int ptr size hex
get_mempolicy ptr ptr size ptr hex
set_mempolicy int ptr size
migrate_pages pid size ptr ptr
move_pages pid size ptr ptr ptr hex
get_robust_list pid ptr ptr
set_mempolicy_home_node ptr size size hex
landlock_create_ruleset ptr size hex
landlock_add_rule fd int ptr hex
landlock_restrict_self fd hex
cachestat fd ptr ptr hex
perf_event_open ptr pid int int hex
lookup_dcookie hex ptr size
modify_ldt int ptr size
ioperm size size int
iopl int
fsopen text hex
fsconfig fd uint text ptr int
fsmount fd hex hex
mount_setattr at path hex ptr size
recvmmsg_time64 fd ptr uint msg ptr
chown32 path int int
lchown32 path int int
fchown32 fd int int
setuid32 int
setgid32 int
setreuid32 int int
setregid32 int int
setresuid32 int int int
setresgid32 int int int
getresuid32 ptr ptr ptr
getresgid32 ptr ptr ptr
setgroups32 int ptr
getgroups32 int ptr
setfsuid32 int
setfsgid32 int
statfs64 path size ptr
fstatfs64 fd size ptr
sendfile64 fd fd ptr size
sigaction sig ptr ptr
sigprocmask how ptr ptr
sigpending ptr
signal sig ptr
nice int
ipc uint int int int ptr int
socketcall int ptr
sigreturn
time ptr`;

/** What differs in 32-bit programs: numbers of 64 bits are two arguments. */
const I386 = `
mmap ptr
select ptr
pread64 fd data=2> size uint uint
pwrite64 fd data:2 size uint uint
fallocate fd fallocate uint uint uint uint
readahead fd uint uint size
stat path ptr
lstat path ptr
fstat fd ptr
preadv fd iovec:2 uint uint uint
pwritev fd iovec:2 uint uint uint
preadv2 fd iovec:2 uint uint uint rwf
pwritev2 fd iovec:2 uint uint uint rwf
fadvise64 fd uint uint size fadvise
sync_file_range fd uint uint uint uint sync_range
epoll_pwait2 fd epolls=2> int timespec64 sigset size`;

export interface Parameter {
  readonly kind: string;
  /** How much memory it points to: as many elements as argument `index` says, or the int that it points to, or the call returned; one if left out. */
  readonly length?: { readonly by: 'argument' | 'pointed' | 'result'; readonly index: number };
  /** Of account from its beginning to its end and then, after it alone, or while it lasts alone. */
  readonly told: 'always' | 'after' | 'during';
}

const BY = { ':': 'argument', '@': 'pointed', '=': 'result' } as const;

function parse(word: string): Parameter {
  const [, kind = '', how, index, told] = /^(\w+)(?:([:@=])(\d?))?([<>])?$/.exec(word) ?? [];
  const length = how === undefined ? {} : { length: { by: BY[how as keyof typeof BY], index: Number(index) } };
  return { kind, ...length, told: told === '>' ? 'after' : told === '<' ? 'during' : 'always' };
}

const parseAll = (text: string): [string, readonly Parameter[]][] => text.trim().split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).map(parse)]);
/** Calls that have a signature. */
export const SIGNATURES = (): readonly string[] => [TEXT, I386].flatMap((text) => parseAll(text).map(([name]) => name));

let tables: readonly ReadonlyMap<string, readonly Parameter[]>[] | undefined;

/** Undefined for calls whose arguments are not known here. `compat`: of a 32-bit program. */
export function signatureOf(name: string, compat = false): readonly Parameter[] | undefined {
  tables ??= [new Map(parseAll(TEXT)), new Map(parseAll(I386))];
  return (compat ? tables[1]?.get(name) : undefined) ?? tables[0]?.get(name);
}
