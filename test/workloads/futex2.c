// The calls that split futex(2) up (Linux 6.7): futex_wait woken, timed out and refused, futex_wake with and without a waiter,
// and futex_requeue to a second word; N times each.
#include "workload.h"

#define FLAGS (2 /* 32 bits */ | FUTEX_PRIVATE_FLAG)
#define ANY FUTEX_BITSET_MATCH_ANY

static _Atomic uint32_t first, second;
static _Atomic long done;
static struct tally waits, timeouts;

static long wait2(uint32_t value, const struct timespec *deadline)
{
	return syscall(SYS_futex_wait, &first, (long)value, (long)ANY, FLAGS, deadline, CLOCK_MONOTONIC);
}

static long wake2(void *word)
{
	return syscall(SYS_futex_wake, word, (long)ANY, 1, FLAGS);
}

static long requeue2(void)
{
	struct futex_waitv pair[2] = {{.uaddr = (uintptr_t)&first, .flags = FLAGS}, {.uaddr = (uintptr_t)&second, .flags = FLAGS}};
	return syscall(SYS_futex_requeue, pair, 0, 0, 1);
}

static NOINLINE void wait_both_ways(void *argument)
{
	(void)argument;
	for (long round = 1; round <= 2 * workload.count; round++) {
		uint64_t begun = now_ns();
		check(!wait2(0, NULL), "futex_wait");
		record(&waits, begun);
		done = round;
	}
	for (long round = 0; round < workload.count; round++) {
		struct timespec deadline = after(CLOCK_MONOTONIC, HOLD_NS);
		uint64_t begun = now_ns();
		check(wait2(0, &deadline) < 0 && errno == ETIMEDOUT, "no timeout");
		record(&timeouts, begun);
		check(wait2(1, NULL) < 0 && errno == EAGAIN, "no EAGAIN");
		check(!wake2(&first), "somebody was there");
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	if (wake2(&first) && errno == ENOSYS)
		return skip("futex2", "futex_wait, futex_wake and futex_requeue need Linux 6.7");
	waits = tally_of(2 * workload.count);
	timeouts = tally_of(workload.count);
	start_gate();
	struct thread waiter;
	start(&waiter, "waiter", wait_both_ways, NULL);
	for (long round = 1; round <= 2 * workload.count; round++) {
		bool requeued = round > workload.count;
		until(sleeps_on(waiter.tid, SYS_futex_wait));
		nap(MILLISECOND);
		check(!requeued || requeue2() == 1, "futex_requeue");
		check(wake2(requeued ? &second : &first) == 1, "futex_wake");
		until(done == round);
	}
	finish(&waiter);

	json_begin("futex2");
	json_number("waits", waits.length);
	json_times(&waits);
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_number("eagain", workload.count);
	json_number("wakes", 3 * workload.count);
	json_number("woken", waits.length);
	json_number("requeued", workload.count);
	json_number("probes", 1); // the call that asked, before the gate, whether the kernel has it
	json_address("first", &first);
	json_address("second", &second);
	json_open("threads", '[');
	json_thread(&waiter, waits.length + timeouts.length);
	json_close(']');
	json_end();
}
