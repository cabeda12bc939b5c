/** What the arguments of system calls are, as data: by section 2 of the manual pages. */

/**
 * Kinds of arguments: fd, at (a directory, or AT_FDCWD), path, text, ptr, int, uint, size, off, mode (octal), hex, pid, sig, and flags by the name of
 * their set (flags.ts). Calls that are not here are shown with six numbers in hex.
 */
const TEXT = `
read fd ptr size
write fd ptr size
open path open mode
openat at path open mode
openat2 at path ptr size
creat path mode
close fd
close_range fd fd uint
stat path ptr
lstat path ptr
fstat fd ptr
newfstatat at path ptr at_flags
statx at path at_flags hex ptr
access path access
faccessat at path access
faccessat2 at path access at_flags
poll ptr uint int
ppoll ptr uint ptr ptr size
select int ptr ptr ptr ptr
pselect6 int ptr ptr ptr ptr ptr
lseek fd off whence
mmap ptr size prot map fd hex
mprotect ptr size prot
munmap ptr size
mremap ptr size size hex ptr
msync ptr size hex
madvise ptr size madvise
brk ptr
rt_sigaction sig ptr ptr size
rt_sigprocmask how ptr ptr size
rt_sigreturn
rt_sigsuspend ptr size
rt_sigtimedwait ptr ptr ptr size
sigaltstack ptr ptr
ioctl fd hex ptr
pread64 fd ptr size off
pwrite64 fd ptr size off
readv fd ptr uint
writev fd ptr uint
preadv fd ptr uint off
pwritev fd ptr uint off
pipe ptr
pipe2 ptr descriptor
dup fd
dup2 fd fd
dup3 fd fd descriptor
pause
nanosleep ptr ptr
clock_nanosleep clock int ptr ptr
clock_gettime clock ptr
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
socket domain socket int
socketpair domain socket int ptr
connect fd ptr uint
accept fd ptr ptr
accept4 fd ptr ptr socket
bind fd ptr uint
listen fd int
sendto fd ptr size msg ptr uint
recvfrom fd ptr size msg ptr ptr
sendmsg fd ptr msg
recvmsg fd ptr msg
sendmmsg fd ptr uint msg
recvmmsg fd ptr uint msg ptr
shutdown fd int
getsockname fd ptr ptr
getpeername fd ptr ptr
setsockopt fd int int ptr uint
getsockopt fd int int ptr ptr
clone clone ptr ptr ptr ptr
clone3 ptr size
fork
vfork
execve path ptr ptr
execveat at path ptr ptr at_flags
exit int
exit_group int
wait4 int ptr wait ptr
waitid int int ptr wait ptr
kill int sig
tkill pid sig
tgkill pid pid sig
uname ptr
fcntl fd fcntl hex
flock fd flock
fsync fd
fdatasync fd
sync
syncfs fd
truncate path off
ftruncate fd off
fallocate fd hex off off
getdents fd ptr uint
getdents64 fd ptr uint
getcwd ptr size
chdir path
fchdir fd
rename path path
renameat at path at path
renameat2 at path at path hex
mkdir path mode
mkdirat at path mode
rmdir path
link path path
linkat at path at path at_flags
unlink path
unlinkat at path at_flags
symlink path path
symlinkat path at path
readlink path ptr size
readlinkat at path ptr size
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
utimensat at path ptr at_flags
mount path path text hex ptr
umount2 path hex
chroot path
pivot_root path path
getxattr path text ptr size
setxattr path text ptr size int
fgetxattr fd text ptr size
inotify_add_watch fd path hex
inotify_rm_watch fd int
epoll_create int
epoll_create1 descriptor
epoll_ctl fd epoll_ctl fd ptr
epoll_wait fd ptr int int
epoll_pwait fd ptr int int ptr size
epoll_pwait2 fd ptr int ptr ptr size
eventfd2 uint descriptor
timerfd_create clock descriptor
timerfd_settime fd int ptr ptr
signalfd4 fd ptr size descriptor
futex ptr futex uint ptr ptr uint
futex_waitv ptr uint uint ptr clock
futex_wait ptr hex hex hex ptr clock
futex_wake ptr hex int hex
set_tid_address ptr
set_robust_list ptr size
rseq ptr uint hex uint
sched_yield
sched_getaffinity pid size ptr
sched_setaffinity pid size ptr
prctl int hex hex hex hex
arch_prctl hex ptr
prlimit64 pid int ptr ptr
getrlimit int ptr
getrandom ptr size hex
memfd_create text hex
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
fadvise64 fd off size int
readahead fd off size
sync_file_range fd off off hex
msgrcv int ptr size int hex
msgsnd int ptr size hex
semop int ptr uint
mq_timedreceive fd ptr size ptr ptr`;

let table: ReadonlyMap<string, readonly string[]> | undefined;

/** Undefined for calls whose arguments are not known here. */
export function signatureOf(name: string): readonly string[] | undefined {
  table ??= new Map(TEXT.trim().split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1)]));
  return table.get(name);
}
