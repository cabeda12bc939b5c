// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI, what a condition variable with a PI mutex would use. N rounds move the waiter to
// the mutex that main holds (it sleeps on there, in the same call), then N hand it the free mutex at once.
#include "workload.h"

static _Atomic uint32_t condition, mutex;
static _Atomic long done;
static _Atomic uint64_t unlock_calls;
static struct tally waits;

static void unlock(void)
{
	uint32_t mine = gettid();
	if (!atomic_compare_exchange_strong(&mutex, &mine, 0)) {
		check(!futex(&mutex, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), "FUTEX_UNLOCK_PI");
		unlock_calls++;
	}
}

static NOINLINE void wait_for_condition(void *argument)
{
	(void)argument;
	for (long round = 1; round <= 2 * workload.count; round++) {
		uint64_t begun = now_ns();
		check(!futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &mutex, 0), "FUTEX_WAIT_REQUEUE_PI");
		record(&waits, begun);
		check((mutex & FUTEX_TID_MASK) == (uint32_t)gettid(), "the mutex is not mine");
		unlock();
		done = round;
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	waits = tally_of(2 * workload.count);
	start_gate();
	struct thread waiter;
	start(&waiter, "waiter", wait_for_condition, NULL);
	for (long round = 1; round <= 2 * workload.count; round++) {
		bool held = round <= workload.count;
		wait_until_blocked(waiter.tid, &condition);
		if (held)
			mutex = gettid();
		check(futex_two(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 0, &mutex, 0) == 1, "FUTEX_CMP_REQUEUE_PI");
		if (held) {
			nap(HOLD_NS);
			unlock();
		}
		until(done == round);
	}
	finish(&waiter);

	json_begin("requeue_pi");
	json_number("waits", waits.length);
	json_number("requeued", workload.count);
	json_number("handedOver", workload.count);
	json_number("unlockCalls", unlock_calls);
	json_times(&waits);
	json_address("condition", &condition);
	json_address("mutex", &mutex);
	json_open("threads", '[');
	json_thread(&waiter, waits.length);
	json_close(']');
	json_number("holder", getpid());
	json_end();
}
