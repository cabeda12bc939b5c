// N children, one after the other, each of which makes one call and ends. --orphan: one more, which makes N calls long after its parent has ended.
#include "workload.h"

static void outlive(pid_t parent)
{
	until(getppid() != parent);
	nap(5 * SECOND / 2);
	for (long i = 0; i < workload.count; i++)
		syscall(SYS_getsid, 0);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--orphan");
	pid_t parent = getpid();
	start_gate();
	for (long i = 0; i < workload.count; i++) {
		pid_t child = fork_child();

		if (!child) {
			syscall(SYS_getsid, 0);
			_exit(0);
		}
		reap(child);
	}
	if (flag("--orphan") && !fork()) {
		outlive(parent);
		_exit(0);
	}

	json_begin("children");
	json_number("count", workload.count);
	json_end();
}
