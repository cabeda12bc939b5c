// N system calls of each kind: that succeed and fail, that work and wait, of a 32-bit program, that end with their thread, and one that does
// not return: a thread in a read of a pipe that nobody writes to. Each is made by its number, so that no library comes between.
#include "workload.h"
#include <fcntl.h>

static int quiet[2]; // a pipe for the thread that stays
static int talk[2];
static _Atomic long *reads; // in memory that both processes share

static void handler(int number)
{
	(void)number;
}

static void stay(void *unused)
{
	char byte;

	(void)unused;
	syscall(SYS_read, quiet[0], &byte, 1);
}

// Writes a byte whenever the other one has been seen asleep in its read.
static void wake_reader(pid_t reader)
{
	for (long i = 0; i < workload.count; i++) {
		until(sleeps_on(reader, SYS_read));
		nap(2 * MILLISECOND); // above the shortest read that is looked at
		check(write(talk[1], "x", 1) == 1, "write");
		until(*reads > i);
	}
}

static long getppid_of_32_bit(void)
{
#if defined(__x86_64__)
	long result = 64; // getppid in asm/unistd_32.h
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	return result;
#else
	return 0;
#endif
}

static void make_calls(struct tally *sleeps)
{
	struct timespec moment = timespec_of(MILLISECOND);
	char byte;

	for (long i = 0; i < workload.count; i++) {
		syscall(SYS_getppid);
		check(getppid_of_32_bit() >= 0, "int 0x80");
		check(syscall(SYS_openat, AT_FDCWD, "/nonexistent/file", O_RDONLY) < 0 && errno == ENOENT, "openat");
		check(syscall(SYS_close, -1) < 0 && errno == EBADF, "close");
		syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1); // and an rt_sigreturn
		uint64_t begun = now_ns();
		check(syscall(SYS_nanosleep, &moment, NULL) == 0, "nanosleep");
		record(sleeps, begun);
		check(syscall(SYS_read, talk[0], &byte, 1) == 1, "read");
		++*reads;
	}
}

// A child that is killed in a call.
static void kill_one(void)
{
	pid_t child = fork_child();

	if (!child) {
		for (;;)
			syscall(SYS_rt_sigsuspend, &(uint64_t){ 0 }, sizeof(uint64_t));
	}
	until(sleeps_on(child, SYS_rt_sigsuspend));
	kill(child, SIGKILL);
	check(waitpid(child, NULL, 0) == child, "waitpid");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	struct thread staying;

	workload_begin(argc, argv, "");
	reads = map_shared(sizeof *reads);
	check(pipe(quiet) == 0 && pipe(talk) == 0, "pipe");
	check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
	struct tally sleeps = tally_of(workload.count);
	start(&staying, "stays", stay, NULL);
	until(sleeps_on(staying.tid, SYS_read));
	start_gate();
	pid_t waker = fork_child();
	if (!waker) {
		wake_reader(getppid());
		return 0;
	}
	make_calls(&sleeps);
	reap(waker);
	for (long i = 0; i < workload.count; i++)
		kill_one();

	json_begin("calls");
	json_number("count", workload.count);
	json_number("stays", staying.tid);
	json_number("sleeps", sleeps.length);
	json_number("sleepsNs", total_ns(&sleeps));
	json_end();
}
