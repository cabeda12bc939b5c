/** Calls of processes, memory, signals, time, and all others. As signatures.ts says. */
export const SYSTEM = `
close_range uint uint close_range
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
sync
umask mode
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
io_getevents ptr int int ptr ptr
restart_syscall
unshare clone
pidfd_send_signal fd sig ptr hex
process_vm_readv pid ptr uint ptr uint hex
ptrace int pid ptr ptr
mlock ptr size
munlock ptr size
msgrcv int ptr size off hex
msgsnd int ptr size hex
semop int ptr uint
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
mq_unlink path
membarrier int hex int
seccomp int hex ptr
set_thread_area ptr
timer_create clock ptr ptr
timer_settime int timer itimerspec ptr
timer_gettime int ptr
timer_getoverrun int
timer_delete int
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
process_vm_writev pid ptr uint ptr uint hex
rt_sigpending sigset> size
rt_sigqueueinfo pid sig ptr
rt_tgsigqueueinfo pid pid sig ptr
io_setup uint ptr
io_destroy ptr
io_submit ptr int ptr
io_cancel ptr ptr ptr
semctl int int int hex
semtimedop int ptr uint timespec
add_key text text ptr size int
request_key text text text int
keyctl int hex hex hex hex
sethostname text size
setdomainname text size
init_module ptr size text
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
lookup_dcookie hex ptr size
modify_ldt int ptr size
ioperm size size int
iopl int
time ptr`;
