// One system call for each kind of thing that an argument points to, between two calls of umask; each can be told in full when it is over.
// Its lines are compared with those of strace(1), so it makes none that differ from run to run.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sockets(void)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/socket" };
	int one = 1, pair[2];
	socklen_t length = sizeof(one);
	char text[] = "hello", control[64] = { 0 };
	struct iovec parts[2] = { { text, 5 }, { text, 3 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct mmsghdr messages[2] = { { .msg_hdr = message }, { .msg_hdr = message } };

	syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_setsockopt, 3, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	syscall(SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	syscall(SYS_connect, 3, &ipv4, sizeof(ipv4));
	syscall(SYS_connect, -1, &ipv4, 1);
	syscall(SYS_close, 3);
	syscall(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
	syscall(SYS_bind, -1, &ipv6, sizeof(ipv6));
	syscall(SYS_close, 3);
	syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
	syscall(SYS_connect, 3, &local, sizeof(local));
	memcpy(local.sun_path, "\0abstract", 9);
	syscall(SYS_connect, 3, &local, offsetof(struct sockaddr_un, sun_path) + 9);
	syscall(SYS_sendto, 3, "hello\n\1\0019\377", 10, MSG_DONTWAIT | MSG_NOSIGNAL, &local, offsetof(struct sockaddr_un, sun_path) + 9);
	syscall(SYS_getsockopt, -1, SOL_SOCKET, SO_ERROR, &one, &length);
	syscall(SYS_shutdown, 3, SHUT_WR);
	syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	syscall(SYS_sendmsg, 4, &message, MSG_NOSIGNAL);
	syscall(SYS_sendmmsg, 4, messages, 2, MSG_DONTWAIT);
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	syscall(SYS_recvmsg, 5, &message, MSG_DONTWAIT);
	syscall(SYS_close, 3);
	syscall(SYS_close, 4);
	syscall(SYS_close, 5);
	syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 12);
	syscall(SYS_close, 3);
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 6);
	syscall(SYS_connect, -1, &ipv4, 5);
}

static void events(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 7 };
	struct pollfd polled[2] = { { .fd = 3, .events = POLLIN }, { .fd = -1 } };
	struct itimerspec timer = { .it_value = { 1, 5 } };
	char buffer[200] = { 0 };
	int ends[2];

	syscall(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK);
	syscall(SYS_write, 4, buffer, sizeof(buffer));
	syscall(SYS_ppoll, polled, 2, NULL, NULL, 8);
	syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	syscall(SYS_epoll_ctl, 5, EPOLL_CTL_ADD, 3, &event);
	syscall(SYS_epoll_pwait, 5, &event, 1, 0, NULL, 8);
	syscall(SYS_read, 3, buffer, 33);
	syscall(SYS_pread64, 3, buffer, 10, 0);
	syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
	syscall(SYS_timerfd_settime, 6, 0, &timer, NULL);
	for (int fd = 3; fd < 7; fd++)
		syscall(SYS_close, fd);
}

static void files(void)
{
	struct timespec times[2] = { { 1, 2 }, { 3, 4 } };
	struct flock lock = { .l_type = F_RDLCK, .l_start = 5, .l_len = 6 };
	struct stat status;
	struct statx extended;
	char path[300], buffer[64];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	syscall(SYS_fcntl, 3, F_SETFL, O_NONBLOCK);
	syscall(SYS_fcntl, 3, F_SETFD, FD_CLOEXEC);
	syscall(SYS_fcntl, 3, F_SETLK, &lock);
	syscall(SYS_fcntl, 3, F_DUPFD_CLOEXEC, 10);
	syscall(SYS_newfstatat, 3, "", &status, AT_EMPTY_PATH);
	syscall(SYS_newfstatat, AT_FDCWD, "/dev/null", &status, 0);
	syscall(SYS_newfstatat, AT_FDCWD, "/nonexistent", &status, AT_SYMLINK_NOFOLLOW);
	syscall(SYS_statx, AT_FDCWD, "/", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &extended);
	syscall(SYS_renameat2, AT_FDCWD, "/nonexistent/a", AT_FDCWD, "/nonexistent/b\n\"", 1);
	syscall(SYS_symlinkat, "target", AT_FDCWD, "/nonexistent/link");
	syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", buffer, 4);
	syscall(SYS_utimensat, AT_FDCWD, "/nonexistent", times, 0);
	syscall(SYS_faccessat, AT_FDCWD, path + 200, R_OK | W_OK);
	syscall(SYS_mkdirat, AT_FDCWD, NULL, 0755);
	syscall(SYS_flock, 3, 6);
	syscall(SYS_faccessat2, AT_FDCWD, "/etc/passwd", R_OK, 0x200);
	syscall(SYS_preadv2, 3, NULL, 0, 5, 0, 8);
	syscall(SYS_fadvise64, 3, 0, 10, 2);
	syscall(SYS_mknodat, AT_FDCWD, "/nonexistent/node", S_IFIFO | 0600, 0);
	syscall(SYS_fallocate, 3, 1, 0, 10);
	syscall(SYS_dup3, 3, 20, O_CLOEXEC);
	syscall(SYS_lseek, 3, -1, SEEK_END);
	syscall(SYS_close, 3);
}

static void processes(void)
{
	struct timespec moment = { 0, 1000 };
	struct rlimit limit;
	sigset_t some, all;
	struct { // as the kernel has it, linux/signal.h
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} action = { .handler = SIG_IGN, .flags = SA_RESTART | SA_NODEFER, .mask = 1 << (SIGHUP - 1) };
	unsigned word = 1;
	int status;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGCHLD);
	sigfillset(&all);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &some, NULL, 8);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &some, 8);
	syscall(SYS_rt_sigaction, SIGUSR2, &action, NULL, 8);
	syscall(SYS_rt_sigtimedwait, &all, NULL, &moment, 8);
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &moment, NULL);
	syscall(SYS_nanosleep, &moment, NULL);
	syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &moment);
	syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, -1);
	syscall(SYS_futex, &word, FUTEX_WAKE, 3);
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit);
	syscall(SYS_prctl, 15, "a name"); // PR_SET_NAME
	if (!fork())
		_exit(3);
	syscall(SYS_wait4, -1, &status, 0, NULL);
	if (!fork())
		kill(getpid(), SIGKILL);
	syscall(SYS_wait4, -1, &status, __WALL, NULL);
	syscall(SYS_wait4, -1, &status, WNOHANG, NULL);
	syscall(SYS_mmap, NULL, 4096, 3, 0x22, -1, 0);
	syscall(SYS_madvise, NULL, 4096, 4);
	syscall(SYS_kill, 0, 0);
}

// The same of a 32-bit program: other numbers, other sizes, and what has 64 bits is two arguments. Memory it can name lies low.
static void thirty_two_bits(void)
{
#if defined(__x86_64__)
	struct low {
		struct {
			int seconds, nanoseconds;
		} time;
		struct {
			unsigned base, length;
		} part;
		char path[16];
		struct pollfd polled;
	} *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
#define CALL_32(number, one, two, three, four, five)                                                                   \
	({                                                                                                             \
		long result = number;                                                                                  \
		__asm__ volatile("int $0x80" : "+a"(result) : "b"((long)(one)), "c"((long)(two)), "d"((long)(three)),  \
			"S"((long)(four)), "D"((long)(five)) : "memory", "r8", "r9", "r10", "r11");                    \
		result;                                                                                                \
	})
	low->time.nanoseconds = 1000;
	low->part.base = 0x10;
	low->part.length = 5;
	low->polled = (struct pollfd){ .fd = -1 };
	strcpy(low->path, "/nonexistent/a");
	CALL_32(5, low->path, O_RDWR | O_CREAT | O_EXCL, 0640, 0, 0);	 // open
	CALL_32(162, &low->time, 0, 0, 0, 0);				 // nanosleep
	CALL_32(146, -1, &low->part, 1, 0, 0);				 // writev
	CALL_32(168, &low->polled, 1, 0, 0, 0);				 // poll
	CALL_32(19, -1, -5, SEEK_END, 0, 0);				 // lseek
	CALL_32(195, low->path, 0, 0, 0, 0);				 // stat64
	CALL_32(192, 0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1); // mmap2
	CALL_32(240, &low->time, FUTEX_WAIT, 1, &low->time, 0);		 // futex
#endif
}

// What strace(1) tells in another form.
static void told_otherwise(void)
{
	struct sockaddr_in own;
	socklen_t length = 4;
	int poll = epoll_create1(0), udp = socket(AF_INET, SOCK_DGRAM, 0);

	memset(&own, 'A', sizeof(own));
	syscall(SYS_getsockname, udp, &own, &length); // has room for the family and the port; the length becomes that of the whole
	syscall(SYS_epoll_ctl, poll, EPOLL_CTL_DEL, udp, NULL);
	dup2(open("/dev/null", O_RDONLY), poll); // who looks now finds another file
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 0;
	alarm(60);
	syscall(SYS_umask, 022);
	sockets();
	events();
	files();
	processes();
	thirty_two_bits();
	syscall(SYS_umask, 022);
	told_otherwise();
	execl("/proc/self/exe", argv[0], "once", "more", NULL);
}
