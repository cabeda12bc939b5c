/** Calls of 32-bit programs. As signatures.ts says. */

/** Names that 64-bit machines do not have. */
export const COMPAT = `
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
recvmmsg_time64 fd mmsghdr=2> uint msg ptr
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
sigreturn`;

/** What differs in names that they have, too: numbers of 64 bits are two arguments, structures are others. */
export const I386 = `
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
