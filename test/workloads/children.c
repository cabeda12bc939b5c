// N children, one after the other, each of which makes one call and ends. --orphan: one more, which makes N calls long after its parent has
// ended. --chain: none of these, but generations for three seconds, each of which begins the next one, ends, and makes one call in between.
#include "workload.h"

static void tell(long count)
{
	json_begin("children");
	json_number("count", count);
	json_end();
}

static void outlive(pid_t parent)
{
	until(getppid() != parent);
	nap(5 * SECOND / 2);
	for (long i = 0; i < workload.count; i++)
		syscall(SYS_getsid, 0);
}

// The last one tells how many there were.
static void chain(void)
{
	uint64_t end = now_ns() + 3 * SECOND;
	long count = 0;

	while (now_ns() < end) {
		if (fork())
			_exit(0);
		syscall(SYS_getsid, 0);
		count++;
	}
	tell(count);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--orphan --chain");
	pid_t parent = getpid();
	start_gate();
	if (flag("--chain")) {
		chain();
		return 0;
	}
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
	tell(workload.count);
}
