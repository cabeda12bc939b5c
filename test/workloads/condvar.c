// A condition variable: N waits ended by a signal, then N timed waits that run out after 5 ms.
#include "workload.h"

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static _Atomic long queued, taken;
static struct tally waits, timeouts;

static NOINLINE void await_signal(long round)
{
	pthread_mutex_lock(&queue_lock);
	uint64_t begun = now_ns();
	check(!pthread_cond_wait(&queue_filled, &queue_lock), "pthread_cond_wait");
	record(&waits, begun);
	check(queued == round, "a spurious wake-up");
	pthread_mutex_unlock(&queue_lock);
}

static NOINLINE void await_timeout(void)
{
	pthread_mutex_lock(&queue_lock);
	struct timespec deadline = after(CLOCK_REALTIME, HOLD_NS);
	uint64_t begun = now_ns();
	check(pthread_cond_timedwait(&queue_filled, &queue_lock, &deadline) == ETIMEDOUT, "pthread_cond_timedwait");
	record(&timeouts, begun);
	pthread_mutex_unlock(&queue_lock);
}

static void consume(void *argument)
{
	(void)argument;
	for (long round = 1; round <= workload.count; round++) {
		await_signal(round);
		taken = round;
	}
	for (long round = 1; round <= workload.count; round++)
		await_timeout();
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	waits = tally_of(workload.count);
	timeouts = tally_of(workload.count);
	start_gate();
	struct thread consumer;
	start(&consumer, "consumer", consume, NULL);
	for (long round = 1; round <= workload.count; round++) {
		until(sleeps_inside(consumer.tid, &queue_filled, sizeof queue_filled));
		nap(HOLD_NS);
		queued = round;
		pthread_cond_signal(&queue_filled);
		until(taken == round);
	}
	finish(&consumer);

	json_begin("condvar");
	json_number("waits", waits.length);
	json_times(&waits);
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_address("object", &queue_filled);
	json_number("objectSize", sizeof queue_filled);
	json_text("objectName", "queue_filled");
	json_open("threads", '[');
	json_thread(&consumer, waits.length + timeouts.length);
	json_close(']');
	json_end();
}
