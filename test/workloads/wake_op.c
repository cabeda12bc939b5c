// FUTEX_WAKE_OP: N calls whose comparison holds wake a waiter at each of two addresses, N whose comparison fails wake only
// the first; the second is then woken by FUTEX_WAKE.
#include "workload.h"

struct sleeper {
	struct thread thread;
	struct tally waits;
	_Atomic uint32_t word;
	_Atomic long done;
};

static struct sleeper left, right;

static NOINLINE void sleep_and_wake(void *argument)
{
	struct sleeper *self = argument;
	for (long round = 1; round <= 2 * workload.count; round++) {
		uint64_t begun = now_ns();
		check(!futex_wait(&self->word, 0), "FUTEX_WAIT");
		record(&self->waits, begun);
		self->done = round;
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	left.waits = tally_of(2 * workload.count);
	right.waits = tally_of(2 * workload.count);
	start_gate();
	start(&left.thread, "left", sleep_and_wake, &left);
	start(&right.thread, "right", sleep_and_wake, &right);
	for (long round = 1; round <= 2 * workload.count; round++) {
		bool holds = round <= workload.count;
		wait_until_blocked(left.thread.tid, &left.word);
		wait_until_blocked(right.thread.tid, &right.word);
		nap(MILLISECOND);
		// right.word += 0, and wake there too if it was 0 (or 1, which it is not)
		uint32_t operation = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, holds ? 0 : 1);
		long woken = futex_two(&left.word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &right.word, operation);
		check(woken == (holds ? 2 : 1), "FUTEX_WAKE_OP");
		if (!holds)
			check(futex_wake(&right.word, 1) == 1, "FUTEX_WAKE");
		until(left.done == round && right.done == round);
	}
	finish(&left.thread);
	finish(&right.thread);

	struct tally all = tally_of(4 * workload.count);
	memcpy(all.samples, left.waits.samples, left.waits.length * sizeof(uint64_t));
	memcpy(all.samples + left.waits.length, right.waits.samples, right.waits.length * sizeof(uint64_t));
	all.length = left.waits.length + right.waits.length;
	json_begin("wake_op");
	json_number("waits", all.length);
	json_number("wakeOps", 2 * workload.count);
	json_number("wokenByWakeOp", 3 * workload.count);
	json_number("wakes", workload.count);
	json_number("woken", all.length);
	json_times(&all);
	json_open("locks", '[');
	json_lock(&left.word, "left", left.waits.length);
	json_lock(&right.word, "right", right.waits.length);
	json_close(']');
	json_open("threads", '[');
	json_thread(&left.thread, left.waits.length);
	json_thread(&right.thread, right.waits.length);
	json_close(']');
	json_end();
}
