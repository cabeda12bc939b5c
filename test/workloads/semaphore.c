// A semaphore: N waits ended by sem_post, then N timed waits that run out after 5 ms.
#include "workload.h"
#include <semaphore.h>

static sem_t slots;
static _Atomic long taken;
static struct tally waits, timeouts;

static NOINLINE void take_slots(void *argument)
{
	(void)argument;
	for (long round = 1; round <= workload.count; round++) {
		uint64_t begun = now_ns();
		check(!sem_wait(&slots), "sem_wait");
		record(&waits, begun);
		taken = round;
	}
	for (long round = 1; round <= workload.count; round++) {
		struct timespec deadline = after(CLOCK_REALTIME, HOLD_NS);
		uint64_t begun = now_ns();
		check(sem_timedwait(&slots, &deadline) && errno == ETIMEDOUT, "sem_timedwait");
		record(&timeouts, begun);
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	waits = tally_of(workload.count);
	timeouts = tally_of(workload.count);
	sem_init(&slots, 0, 0);
	start_gate();
	struct thread waiter;
	start(&waiter, "waiter", take_slots, NULL);
	for (long round = 1; round <= workload.count; round++) {
		wait_until_blocked(waiter.tid, &slots);
		nap(HOLD_NS);
		sem_post(&slots);
		until(taken == round);
	}
	finish(&waiter);

	json_begin("semaphore");
	json_number("waits", waits.length);
	json_times(&waits);
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_open("locks", '[');
	json_lock(&slots, "slots", waits.length + timeouts.length);
	json_close(']');
	json_open("threads", '[');
	json_thread(&waiter, waits.length + timeouts.length);
	json_close(']');
	json_end();
}
