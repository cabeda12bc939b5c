// --threads T threads, each of which makes 2 N system calls as fast as it can: getppid, and a dup that fails. --seconds S: until then instead.
#include "workload.h"

static _Atomic bool over;
static _Atomic long rounds;
static long seconds;

static void storm(void *unused)
{
	long done = 0;

	(void)unused;
	for (; seconds ? !over : done < workload.count; done++) {
		syscall(SYS_getppid);
		syscall(SYS_dup, -1);
	}
	rounds += done;
}

int main(int argc, char **argv)
{
	struct thread threads[64];

	workload_begin(argc, argv, "--threads= --seconds=");
	long count = number_option("--threads", 2);
	seconds = number_option("--seconds", 0);
	check(count <= 64, "threads");
	start_gate();
	for (long i = 0; i < count; i++)
		start(&threads[i], "storm", storm, NULL);
	if (seconds) {
		nap(seconds * SECOND);
		over = true;
	}
	for (long i = 0; i < count; i++)
		finish(&threads[i]);

	json_begin("storm");
	json_number("rounds", rounds);
	json_end();
}
