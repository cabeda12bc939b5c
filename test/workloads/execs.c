// N processes of each kind, one after the other, in the order of KINDS: programs that end by themselves, by a signal, or cannot begin. Tells of
// each what wait4(2) said. Children execute this program again with --be; a thread of them does in `thread`, a script in `script`, a file without
// a name in `memfd`, and one that sh has replaced itself by in `twice`. --storm: N that end at once, --at-once of them at a time.
// --again: instead N processes, one after the other, with the same id; every second one executes nothing. --loop: N that end with 7, by one
// process. --zombies: N that nobody waits for before the second line of input. --names: one whose name and arguments are hostile.
#include "workload.h"
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LONG_ARGUMENTS 100
#define LONG_BYTES 1000

extern char **environ;

static const char *const KINDS[] = {"code", "killed", "execveat", "thread", "script", "memfd", "burn", "long", "longer", "deleted", "twice", "fork", "missing", "denied", "failat", "unreadable"};
#define KIND_COUNT (sizeof KINDS / sizeof *KINDS)

static char self[4096], script[4096], copy[4096];
static char *arguments[4]; // of all children: the path, --be, a kind

// Part of a child.

static void become(const char *path)
{
	execve(path, arguments, environ);
}

static void become_in_thread(void *path)
{
	become(path);
	die("execve");
}

static void from_thread(void)
{
	static struct thread thread;

	start(&thread, "executor", become_in_thread, self);
	for (;;)
		pause();
}

static int memory_file(void)
{
	int in = open(self, O_RDONLY), out = memfd_create("nameless", MFD_CLOEXEC);
	char bytes[65536];

	for (ssize_t count; (count = read(in, bytes, sizeof bytes)) > 0;)
		check(write(out, bytes, count) == count, "write");
	close(in);
	return out;
}

static void copy_self(void)
{
	int in = open(self, O_RDONLY), out = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char bytes[65536];

	for (ssize_t count; (count = read(in, bytes, sizeof bytes)) > 0;)
		check(write(out, bytes, count) == count, "write");
	close(in);
	close(out);
}

// Executes a file that loses its name before the interpreter of the kernel is through with it: the open descriptor is what is executed.
static void become_deleted(void)
{
	copy_self();
	int file = open(copy, O_RDONLY | O_CLOEXEC);
	unlink(copy);
	syscall(SYS_execveat, file, "", arguments, environ, AT_EMPTY_PATH);
}

static char **long_arguments(int count)
{
	char **list = calloc(count + 4, sizeof *list), *argument = malloc(LONG_BYTES + 1);

	memset(argument, 'a', LONG_BYTES);
	argument[LONG_BYTES] = 0;
	memcpy(list, arguments, 3 * sizeof *list);
	for (int i = 0; i < count; i++)
		list[3 + i] = argument;
	return list;
}

static void child(const char *kind)
{
	if (!strcmp(kind, "code") || !strcmp(kind, "killed") || !strcmp(kind, "burn"))
		become(self);
	if (!strcmp(kind, "execveat")) {
		int directory = open("/", O_PATH | O_CLOEXEC);
		syscall(SYS_execveat, directory, self + 1, arguments, environ, 0);
	}
	if (!strcmp(kind, "thread"))
		from_thread();
	if (!strcmp(kind, "script"))
		become(script);
	if (!strcmp(kind, "memfd"))
		syscall(SYS_execveat, memory_file(), "", arguments, environ, AT_EMPTY_PATH);
	if (!strcmp(kind, "long"))
		execve(self, long_arguments(20), environ);
	if (!strcmp(kind, "longer"))
		execve(self, long_arguments(LONG_ARGUMENTS), environ);
	if (!strcmp(kind, "deleted"))
		become_deleted();
	if (!strcmp(kind, "twice"))
		execl("/bin/sh", "sh", "-c", "exec \"$0\" --be twice", self, NULL);
	if (!strcmp(kind, "fork"))
		_exit(5);
	if (!strcmp(kind, "missing"))
		become("/no/such/file");
	if (!strcmp(kind, "denied"))
		become("/");
	if (!strcmp(kind, "failat"))
		syscall(SYS_execveat, AT_FDCWD, "no-such-file", arguments, environ, 0);
	if (!strcmp(kind, "unreadable"))
		syscall(SYS_execve, self, 8, environ);
	_exit(9);
}

// What a child does when it has become this program again.
static int be(const char *kind)
{
	if (!strcmp(kind, "killed"))
		kill(getpid(), SIGTERM);
	if (!strcmp(kind, "burn")) {
		for (struct timespec used = {}; used.tv_nsec < 20 * (long)MILLISECOND;)
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	}
	return strcmp(kind, "code") ? 0 : 7;
}

static uint64_t used_ns(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * SECOND + (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * MICROSECOND;
}

// Names and arguments that would move a cursor, hide rows or forge lines.
static void hostile(void)
{
	char *list[] = {"\033[1A\033[2Kfake", "--be", "killed\r\n", "\x9b" "31m", "\xff\xfe", "a b'c", "\xe2\x80\xae" "reversed", NULL};
	pid_t pid = fork_child();

	if (!pid) {
		execve(self, list, environ);
		_exit(9);
	}
	reap(pid); // what it is told to be is nothing
}

// A process of a chosen id: 0 lets the kernel choose.
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = pid ? (uintptr_t)&pid : 0, .set_tid_size = pid != 0};

	fflush(stdout);
	return syscall(SYS_clone3, &args, sizeof args);
}

static void again(void)
{
	pid_t pid = 0;

	arguments[2] = "code";
	for (long i = 0; i < workload.count; i++) {
		pid_t child = fork_as(pid);

		if (!child && i % 2)
			_exit(5);
		if (!child) {
			become(self);
			_exit(9);
		}
		check(child > 0, "clone3");
		pid = child;
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
}

static void zombies(void)
{
	arguments[2] = "code";
	for (long i = 0; i < workload.count; i++) {
		pid_t child = fork_child();

		if (!child) {
			become(self);
			_exit(9);
		}
		siginfo_t info;
		check(!waitid(P_PID, child, &info, WEXITED | WNOWAIT), "waitid");
	}
}

static void live(const char *kind)
{
	struct rusage usage;
	int status;

	arguments[2] = (char *)kind;
	uint64_t begun = now_ns();
	pid_t pid = fork_child();

	if (!pid)
		child(kind);
	check(wait4(pid, &status, 0, &usage) == pid, "wait4");
	json_open(NULL, '{');
	json_text("kind", kind);
	json_number("pid", pid);
	json_number("status", status);
	json_number("begun", begun);
	json_number("ended", now_ns());
	json_number("cpuNs", used_ns(&usage));
	json_number("peakBytes", usage.ru_maxrss * 1024ull);
	json_close('}');
}

static NOINLINE pid_t spawn(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execve(self, arguments, environ);
		_exit(9);
	}
	return pid;
}

static void storm(long at_once)
{
	long running = 0;

	arguments[2] = "storm";
	for (long i = 0; i < workload.count || running > 0;) {
		if (i < workload.count && running < at_once) {
			check(spawn() > 0, "vfork");
			i++;
			running++;
			continue;
		}
		check(wait(NULL) > 0, "wait");
		running--;
	}
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--be"))
		return be(argv[2]);
	workload_begin(argc, argv, "--storm --at-once= --again --loop --zombies --names");
	check(readlink("/proc/self/exe", self, sizeof self - 1) > 0, "readlink");
	arguments[0] = self;
	arguments[1] = "--be";
	snprintf(script, sizeof script, "/tmp/ktrace-execs-%d.sh", getpid());
	snprintf(copy, sizeof copy, "/tmp/ktrace-execs-%d", getpid());
	int file = open(script, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	check(file >= 0 && dprintf(file, "#!/bin/sh -e\nexit 3\n") > 0 && !close(file), "script");
	start_gate();
	uint64_t begun = now_ns();
	json_begin("execs");
	json_open("lives", '[');
	if (flag("--storm"))
		storm(number_option("--at-once", 4));
	else if (flag("--again"))
		again();
	else if (flag("--zombies"))
		zombies();
	else if (flag("--names"))
		hostile();
	else if (flag("--loop"))
		for (long i = 0; i < workload.count; i++)
			live("code");
	else
		for (size_t kind = 0; kind < KIND_COUNT; kind++)
			for (long i = 0; i < workload.count; i++)
				live(KINDS[kind]);
	json_close(']');
	json_number("tookNs", now_ns() - begun);
	json_number("pid", getpid());
	json_text("self", self);
	json_text("script", script);
	unlink(script);
	json_end();
}
