/** Kinds of system calls by name, those of 32-bit programs among them. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Their time is waiting by design, whatever their arguments are: for an event, a child, a signal, a message, or time to pass. */
export const WAITING = words(`
  epoll_wait epoll_pwait epoll_pwait2 epoll_wait_old poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 nanosleep clock_nanosleep
  clock_nanosleep_time64 futex_wait futex_waitv accept accept4 wait4 waitid waitpid pause rt_sigsuspend sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  io_getevents io_pgetevents io_pgetevents_time64 msgrcv mq_timedreceive mq_timedreceive_time64 restart_syscall`);

/** Their time is waiting by design where the first argument is a pipe, a socket, a terminal or what notifies, and they took a millisecond or more. */
export const READING = words('read readv preadv preadv2 recv recvfrom recvmsg recvmmsg recvmmsg_time64 splice tee');

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
    truncate truncate64 utime utimes utimensat utimensat_time64 futimesat chdir chroot getcwd execve execveat mount umount umount2 oldumount pivot_root statfs
    statfs64 swapon swapoff acct quotactl uselib inotify_add_watch fanotify_mark name_to_handle_at setxattr lsetxattr getxattr lgetxattr listxattr llistxattr
    removexattr lremovexattr setxattrat getxattrat listxattrat removexattrat open_tree open_tree_attr move_mount fspick mount_setattr file_getattr file_setattr`),
  process: words(`
    fork vfork clone clone3 execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal unshare`),
  network: words(`
    socket connect accept accept4 bind listen getsockname getpeername socketpair send sendto recv recvfrom sendmsg recvmsg sendmmsg recvmmsg recvmmsg_time64
    shutdown setsockopt getsockopt socketcall sendfile sendfile64`),
  memory: words(`
    brk mmap mmap2 munmap mprotect mremap madvise mlock mlock2 munlock mlockall munlockall mincore msync mbind get_mempolicy set_mempolicy
    set_mempolicy_home_node migrate_pages move_pages pkey_mprotect remap_file_pages io_setup io_destroy shmat shmdt process_madvise map_shadow_stack mseal`),
  signal: words(`
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend sigaltstack
    kill tkill tgkill pause signalfd signalfd4 pidfd_send_signal sigaction sigreturn sigprocmask sigpending sigsuspend signal sgetmask ssetmask`),
  ipc: words('shmget shmat shmctl shmdt semget semop semctl semtimedop semtimedop_time64 msgget msgsnd msgrcv msgctl ipc'),
};
