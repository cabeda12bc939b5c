/** Kinds of system calls by name, those of 32-bit programs among them. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Their time is waiting by design, whatever their arguments are: for an event, a child, a signal, a message, or time to pass. */
export const WAITING = words(`
  epoll_wait epoll_pwait epoll_pwait2 epoll_wait_old poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 nanosleep clock_nanosleep
  clock_nanosleep_time64 futex_wait futex_waitv accept accept4 wait4 waitid waitpid pause rt_sigsuspend sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  io_getevents io_pgetevents io_pgetevents_time64 msgrcv mq_timedreceive mq_timedreceive_time64 restart_syscall`);

/** Their time is waiting by design where the first argument is a pipe, a socket, a terminal or what notifies, and they took a millisecond or more. */
export const READING = words('read readv preadv preadv2 recvfrom recvmsg recvmmsg recvmmsg_time64 splice tee');

/** Waits or wakes, by its second argument. */
export const FUTEX = 'futex';
export const RESTART = 'restart_syscall';
/** They make a program another one. */
export const EXEC = words('execve execveat');
/** They do not return. */
export const LAST = words('exit exit_group');

/** As strace(1) has them with `-e trace=%CLASS`. */
export const CLASSES: Readonly<Record<string, ReadonlySet<string>>> = {
  file: words(`
    open openat openat2 creat access faccessat faccessat2 stat lstat newfstatat statx stat64 lstat64 fstatat64 oldstat oldlstat readlink readlinkat rename renameat
    renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat mknod mknodat rmdir chmod fchmodat fchmodat2 chown lchown fchownat chown32 lchown32
    truncate truncate64 utime utimes utimensat utimensat_time64 futimesat chdir chroot getcwd execve execveat mount umount umount2 pivot_root statfs
    statfs64 swapon swapoff acct quotactl uselib inotify_add_watch fanotify_mark name_to_handle_at setxattr lsetxattr getxattr lgetxattr listxattr llistxattr
    removexattr lremovexattr setxattrat getxattrat listxattrat removexattrat open_tree open_tree_attr move_mount fsconfig fspick mount_setattr file_getattr file_setattr`),
  process: words(`
    fork vfork clone clone3 execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal`),
  network: words(`
    socket connect accept accept4 bind listen getsockname getpeername socketpair sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg recvmmsg_time64
    shutdown setsockopt getsockopt socketcall sendfile sendfile64 getpmsg putpmsg`),
  memory: words(`
    brk mmap mmap2 munmap mprotect mremap madvise mlock mlock2 munlock mlockall munlockall mincore msync mbind get_mempolicy set_mempolicy
    set_mempolicy_home_node migrate_pages move_pages pkey_mprotect remap_file_pages io_setup io_destroy io_uring_register shmat shmdt map_shadow_stack mseal break`),
  signal: words(`
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend sigaltstack
    kill tkill tgkill pause signalfd signalfd4 pidfd_send_signal sigaction sigreturn sigprocmask sigpending sigsuspend signal sgetmask ssetmask
    io_uring_enter`),
  desc: words(`
    read write open openat openat2 creat close fstat fstat64 oldfstat newfstatat fstatat64 statx poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 lseek
    _llseek mmap mmap2 ioctl pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 pipe pipe2 dup dup2 dup3 sendfile sendfile64 fcntl fcntl64 flock fsync fdatasync
    ftruncate ftruncate64 getdents getdents64 readdir fchdir fchmod fchown fchown32 fstatfs fstatfs64 readahead fsetxattr fgetxattr flistxattr fremovexattr setxattrat
    getxattrat listxattrat removexattrat epoll_create epoll_create1 epoll_wait epoll_pwait epoll_pwait2 epoll_ctl fadvise64 fadvise64_64 mq_open mq_timedsend
    mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch mkdirat mknodat
    fchownat futimesat unlinkat renameat renameat2 linkat symlinkat readlinkat fchmodat fchmodat2 faccessat faccessat2 splice tee sync_file_range vmsplice utimensat
    utimensat_time64 signalfd signalfd4 timerfd_create eventfd eventfd2 fallocate timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64 perf_event_open
    fanotify_init fanotify_mark name_to_handle_at open_by_handle_at syncfs setns finit_module memfd_create kexec_file_load bpf execveat userfaultfd copy_file_range
    pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick pidfd_open pidfd_getfd
    process_madvise mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease cachestat file_getattr
    file_setattr socketcall`),
  creds: words(`
    getuid getgid geteuid getegid setuid setgid setreuid setregid getgroups setgroups setresuid getresuid setresgid getresgid setfsuid setfsgid capget capset prctl
    getuid32 getgid32 geteuid32 getegid32 setuid32 setgid32 setreuid32 setregid32 getgroups32 setgroups32 setresuid32 getresuid32 setresgid32 getresgid32 setfsuid32
    setfsgid32`),
  clock: words(`
    gettimeofday settimeofday adjtimex time stime clock_settime clock_gettime clock_getres clock_adjtime clock_settime64 clock_gettime64 clock_getres_time64
    clock_adjtime64`),
  ipc: words('shmget shmat shmctl shmdt semget semop semctl semtimedop semtimedop_time64 msgget msgsnd msgrcv msgctl ipc'),
};
