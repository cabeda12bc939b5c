// A healthy worker pool: eight workers idle on a condition variable, N jobs come one by one, nothing is ever contended.
#include "workload.h"

#define WORKERS 8

struct worker {
	struct thread thread;
	struct tally waits;
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_filled = PTHREAD_COND_INITIALIZER;
static struct worker workers[WORKERS];
static _Atomic long jobs, done;

static NOINLINE void take_job(struct worker *self)
{
	pthread_mutex_lock(&pool_lock);
	while (!jobs) {
		uint64_t begun = now_ns();
		pthread_cond_wait(&pool_filled, &pool_lock);
		record(&self->waits, begun);
	}
	jobs--;
	pthread_mutex_unlock(&pool_lock);
}

static void work(void *argument)
{
	for (;;) {
		take_job(argument);
		done++;
	}
}

static bool all_idle(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (!sleeps_inside(workers[i].thread.tid, &pool_filled, sizeof pool_filled))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static const char *const names[WORKERS] = {"pool-0", "pool-1", "pool-2", "pool-3", "pool-4", "pool-5", "pool-6", "pool-7"};
	workload_begin(argc, argv, "");
	for (int i = 0; i < WORKERS; i++)
		workers[i].waits = tally_of(workload.count);
	start_gate();
	for (int i = 0; i < WORKERS; i++) {
		start(&workers[i].thread, names[i], work, &workers[i]);
		until(sleeps_inside(workers[i].thread.tid, &pool_filled, sizeof pool_filled));
	}
	for (long job = 1; job <= workload.count; job++) {
		until(all_idle());
		nap(HOLD_NS);
		pthread_mutex_lock(&pool_lock);
		jobs++;
		pthread_mutex_unlock(&pool_lock);
		pthread_cond_signal(&pool_filled);
		until(done == job);
	}
	until(all_idle());

	struct tally all = tally_of(workload.count * WORKERS);
	json_begin("idle");
	json_open("threads", '[');
	for (int i = 0; i < WORKERS; i++) {
		struct tally *waits = &workers[i].waits;
		json_thread(&workers[i].thread, waits->length);
		memcpy(all.samples + all.length, waits->samples, waits->length * sizeof(uint64_t));
		all.length += waits->length;
	}
	json_close(']');
	json_number("waits", all.length);
	json_times(&all);
	json_number("inFlight", WORKERS);
	json_number("contended", 0);
	json_address("object", &pool_filled);
	json_number("objectSize", sizeof pool_filled);
	json_text("objectName", "pool_filled");
	json_end();
	exit(0);
}
