// N children by vfork, which end at once, and N whose second thread executes this program again, while the first sleeps in rt_sigsuspend.
#include "workload.h"

static void execute(void *leader)
{
	until(sleeps_on(*(pid_t *)leader, SYS_rt_sigsuspend));
	execl("/proc/self/exe", workload.argv[0], "--leave", NULL);
	die("exec");
}

int main(int argc, char **argv)
{
	struct thread executor;

	workload_begin(argc, argv, "--leave");
	if (flag("--leave"))
		return 0;
	start_gate();
	for (long i = 0; i < workload.count; i++) {
		pid_t child = vfork();

		if (!child)
			_exit(0);
		reap(child);
	}
	for (long i = 0; i < workload.count; i++) {
		pid_t child = fork_child();

		if (!child) {
			child = getpid();
			start(&executor, "executor", execute, &child);
			for (;;)
				syscall(SYS_rt_sigsuspend, &(uint64_t){ 0 }, sizeof(uint64_t));
		}
		reap(child);
	}

	json_begin("lives");
	json_number("count", workload.count);
	json_end();
}
