// futex_waitv (Linux 5.16) on three words: woken through each of them N times, then N timeouts, then N times EAGAIN.
#include "workload.h"

#define WORDS 3

static _Atomic uint32_t words[WORDS];
static struct futex_waitv vector[WORDS];
static struct tally waits, timeouts;
static _Atomic long done;

static long waitv(const struct timespec *deadline)
{
	return syscall(SYS_futex_waitv, vector, WORDS, 0, deadline, CLOCK_MONOTONIC);
}

static NOINLINE void wait_for_any(void *argument)
{
	(void)argument;
	for (long round = 0; round < WORDS * workload.count; round++) {
		uint64_t begun = now_ns();
		check(waitv(NULL) == round % WORDS, "woken through another word");
		record(&waits, begun);
		done = round + 1;
	}
	for (long round = 0; round < workload.count; round++) {
		struct timespec deadline = after(CLOCK_MONOTONIC, HOLD_NS);
		uint64_t begun = now_ns();
		check(waitv(&deadline) < 0 && errno == ETIMEDOUT, "no timeout");
		record(&timeouts, begun);
	}
	words[WORDS - 1] = 1;
	for (long round = 0; round < workload.count; round++)
		check(waitv(NULL) < 0 && errno == EAGAIN, "no EAGAIN");
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	for (int i = 0; i < WORDS; i++)
		vector[i] = (struct futex_waitv){.uaddr = (uintptr_t)&words[i], .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
	if (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) && errno == ENOSYS)
		return skip("waitv", "futex_waitv needs Linux 5.16");
	waits = tally_of(WORDS * workload.count);
	timeouts = tally_of(workload.count);
	start_gate();
	struct thread waiter;
	start(&waiter, "waiter", wait_for_any, NULL);
	for (long round = 0; round < WORDS * workload.count; round++) {
		until(sleeps_on(waiter.tid, SYS_futex_waitv));
		nap(MILLISECOND);
		check(futex_wake(&words[round % WORDS], 1) == 1, "FUTEX_WAKE");
		until(done == round + 1);
	}
	finish(&waiter);

	json_begin("waitv");
	json_number("waits", waits.length);
	json_times(&waits);
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_number("eagain", workload.count);
	json_number("probes", 1); // the call that asked, before the gate, whether the kernel has it
	json_number("wakes", waits.length);
	json_number("woken", waits.length);
	json_address("vector", vector);
	json_open("locks", '[');
	for (int i = 0; i < WORDS; i++)
		json_lock(&words[i], "words", workload.count);
	json_close(']');
	json_open("threads", '[');
	json_thread(&waiter, waits.length + timeouts.length);
	json_close(']');
	json_end();
}
