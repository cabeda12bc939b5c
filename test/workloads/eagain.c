// One system call in a loop, N = 1,000,000 times: FUTEX_WAIT that returns EAGAIN, or --wake: FUTEX_WAKE that finds nobody,
// or --getppid: no futex at all. --shared: without FUTEX_PRIVATE_FLAG. --between: getppid and some work after each of them.
// For measuring what a tracer costs, and for being in such a call at any moment.
#include "workload.h"

static uint32_t word;

static void between(void)
{
	static volatile unsigned work;

	syscall(SYS_getppid);
	for (int i = 0; i < 500; i++)
		work += i;
}

static long loop_futex(int op, uint32_t value, long expected)
{
	long unexpected = 0;
	bool has_between = flag("--between");
	for (long i = 0; i < workload.count; i++) {
		long result = syscall(SYS_futex, &word, op, value, NULL, NULL, 0);
		unexpected += (result < 0 ? -errno : result) != expected;
		if (has_between)
			between();
	}
	return unexpected;
}

static long loop_getppid(void)
{
	for (long i = 0; i < workload.count; i++)
		syscall(SYS_getppid);
	return 0;
}

int main(int argc, char **argv)
{
	workload.count = 1000000;
	workload_begin(argc, argv, "--wake --getppid --shared --between");
	int private = flag("--shared") ? 0 : FUTEX_PRIVATE_FLAG;
	start_gate();

	uint64_t begun = now_ns();
	long unexpected = flag("--getppid") ? loop_getppid()
			  : flag("--wake")  ? loop_futex(FUTEX_WAKE | private, 1, 0)
					    : loop_futex(FUTEX_WAIT | private, 1, -EAGAIN);
	uint64_t ns = now_ns() - begun;
	check(!unexpected, "an unexpected result");

	json_begin("eagain");
	json_text("call", flag("--getppid") ? "getppid" : flag("--wake") ? "FUTEX_WAKE" : "FUTEX_WAIT");
	json_number("calls", workload.count);
	json_number("waits", 0);
	json_number("eagain", flag("--getppid") || flag("--wake") ? 0 : workload.count);
	json_address("address", &word);
	json_number("elapsedNs", ns);
	json_key("nsPerCall");
	printf("%.1f", (double)ns / workload.count);
	json_end();
}
