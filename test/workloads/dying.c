// Threads that never come back from their wait. N threads sleep in a futex when main ends the process. --in-handler: the process
// lives, and a signal handler ends each thread inside its wait. --killed ROUNDS: children with N such threads each, all SIGKILLed.
#include "workload.h"

static uint32_t word;
static struct thread *sleepers;

static void sleep_for_ever(void *argument)
{
	(void)argument;
	futex_wait(&word, 0);
	die("woken");
}

static void end_thread(int number)
{
	(void)number;
	syscall(SYS_exit, 0);
}

static void start_sleepers(void)
{
	for (long i = 0; i < workload.count; i++)
		start(&sleepers[i], "sleeper", sleep_for_ever, NULL);
	for (long i = 0; i < workload.count; i++)
		wait_until_blocked(sleepers[i].tid, &word);
}

static void kill_children(long rounds)
{
	_Atomic bool *all_asleep = map_shared(sizeof *all_asleep);
	for (long round = 0; round < rounds; round++) {
		*all_asleep = false;
		pid_t child = fork_child();
		if (!child) {
			start_sleepers();
			*all_asleep = true;
			for (;;)
				pause();
		}
		until(*all_asleep);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--in-handler --killed=");
	long rounds = number_option("--killed", 0);
	sleepers = map_shared(workload.count * sizeof *sleepers);
	signal(SIGUSR1, end_thread);
	start_gate();
	if (rounds)
		kill_children(rounds);
	else
		start_sleepers();
	for (long i = 0; flag("--in-handler") && i < workload.count; i++) {
		pthread_kill(sleepers[i].handle, SIGUSR1);
		finish(&sleepers[i]);
	}

	json_begin("dying");
	json_number("waitsBegun", workload.count * (rounds ?: 1));
	json_number("diedWaiting", flag("--in-handler") || rounds ? workload.count * (rounds ?: 1) : 0);
	json_number("inFlight", flag("--in-handler") || rounds ? 0 : workload.count);
	json_address("address", &word);
	json_end();
	exit(0); // with the sleepers asleep
}
