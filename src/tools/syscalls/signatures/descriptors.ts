/** Calls by descriptor, sockets among them, and those that open one. As signatures.ts says. */
export const DESCRIPTORS = `
read fd data=2> size
write fd data:2 size
close fd
fstat fd stat>
poll pollfd:1 uint int
ppoll pollfd:1 uint timespec< sigset size
select int ptr ptr ptr timeval<
pselect6 int ptr ptr ptr timespec< ptr
lseek fd off whence
mmap ptr size prot map fd hex
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
sendmsg fd msghdr msg
recvmsg fd msghdr> msg
sendmmsg fd mmsghdr:2 uint msg
recvmmsg fd mmsghdr=2> uint msg ptr
shutdown fd shutdown
getsockname fd sockaddr@2> ptr
getpeername fd sockaddr@2> ptr
setsockopt fd sol sockopt sockval:4 uint
getsockopt fd sol sockopt sockval@4> ptr
fcntl fd fcntl fcntl_arg
flock fd flock_op
fsync fd
fdatasync fd
syncfs fd
ftruncate fd off
fallocate fd fallocate off off
getdents fd ptr uint
getdents64 fd ptr uint
fchdir fd
fchmod fd mode
fchown fd int int
fstatfs fd ptr
fgetxattr fd text ptr size
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
memfd_create text memfd
io_uring_enter fd uint uint hex ptr size
setns fd clone
pidfd_open pid hex
bpf int ptr uint
fadvise64 fd off size fadvise
readahead fd off size
sync_file_range fd off off sync_range
mq_timedreceive fd ptr size ptr ptr
inotify_init1 inotify_init
eventfd uint
pwritev2 fd iovec:2 uint off hex rwf
preadv2 fd iovec:2 uint off hex rwf
flistxattr fd ptr size
mq_open path open mode ptr
io_uring_setup uint ptr
io_uring_register uint uint ptr uint
fsetxattr fd text ptr size int
fremovexattr fd text
open_by_handle_at fd ptr open
fanotify_init hex hex
timerfd_gettime fd ptr
userfaultfd descriptor
vmsplice fd iovec:2 uint hex
tee fd fd size hex
process_madvise fd iovec:2 uint madvise hex
pidfd_getfd fd int hex
signalfd fd sigset size
inotify_init
mq_timedsend fd ptr size uint timespec
mq_notify fd ptr
mq_getsetattr fd ptr ptr
finit_module fd text hex
landlock_create_ruleset ptr size hex
landlock_add_rule fd int ptr hex
landlock_restrict_self fd hex
cachestat fd ptr ptr hex
perf_event_open ptr pid int int hex
fsopen text hex
fsmount fd hex hex`;
