// N reads of a pipe that nobody writes to, each interrupted by a signal whose handler makes a read, too, which fails.
#include "workload.h"

static int quiet[2];
static _Atomic long *rounds; // in memory that both processes share

static void handler(int number)
{
	char byte;

	(void)number;
	syscall(SYS_read, -1, &byte, 1);
}

static void interrupt(pid_t reader)
{
	for (long i = 0; i < workload.count; i++) {
		until(*rounds == i && sleeps_on(reader, SYS_read) == (uintptr_t)quiet[0]);
		nap(5 * MILLISECOND); // above the shortest read that is looked at
		kill(reader, SIGUSR1);
		until(*rounds > i);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	char byte;

	workload_begin(argc, argv, "");
	rounds = map_shared(sizeof *rounds);
	check(pipe(quiet) == 0, "pipe");
	check(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
	start_gate();
	pid_t child = fork_child();
	if (!child) {
		interrupt(getppid());
		return 0;
	}
	for (long i = 0; i < workload.count; i++) {
		check(syscall(SYS_read, quiet[0], &byte, 1) < 0 && errno == EINTR, "read");
		++*rounds;
	}
	reap(child);

	json_begin("handler");
	json_number("count", workload.count);
	json_end();
}
