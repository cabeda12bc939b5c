// pthread_mutex_timedlock: N waits that get the lock in time, then N that run out after 5 ms.
#include "duel.h"

static pthread_mutex_t timed_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally timeouts;

static NOINLINE void take_in_time(void *lock)
{
	struct timespec deadline = after(CLOCK_REALTIME, 60 * SECOND);
	check(!pthread_mutex_timedlock(lock, &deadline), "pthread_mutex_timedlock");
}

static NOINLINE void give(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static NOINLINE void give_up(void *lock)
{
	for (long round = 0; round < workload.count; round++) {
		struct timespec deadline = after(CLOCK_REALTIME, HOLD_NS);
		uint64_t begun = now_ns();
		check(pthread_mutex_timedlock(lock, &deadline) == ETIMEDOUT, "no timeout");
		record(&timeouts, begun);
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	timeouts = tally_of(workload.count);
	start_gate();
	struct duel duel = duel_of(&timed_lock, &timed_lock, take_in_time, give);
	duel_run(&duel);

	struct thread impatient;
	pthread_mutex_lock(&timed_lock);
	start(&impatient, "impatient", give_up, &timed_lock);
	finish(&impatient);
	pthread_mutex_unlock(&timed_lock);

	json_begin("mutex_timed");
	json_duel(&duel, "timed_lock");
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_number("impatient", impatient.tid);
	json_end();
}
