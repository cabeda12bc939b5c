// A hot mutex: worker-0..3 take it as fast as they can, worker-3 keeps it 20 times longer. The counts differ from run to
// run: a contended acquisition (trylock failed, then lock) sleeps never, once or several times.
#include "workload.h"

#define WORKERS 4

struct worker {
	struct thread thread;
	struct tally waits;
	uint64_t acquisitions, hold_ns;
};

static pthread_mutex_t hot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker workers[WORKERS];
static uint64_t total;

static void burn(uint64_t ns)
{
	for (uint64_t end = now_ns() + ns; now_ns() < end;)
		;
}

static NOINLINE void use_hot(struct worker *self)
{
	uint64_t begun = now_ns();
	if (pthread_mutex_trylock(&hot_lock)) {
		check(!pthread_mutex_lock(&hot_lock), "pthread_mutex_lock");
		record(&self->waits, begun);
	}
	total++;
	burn(self->hold_ns);
	pthread_mutex_unlock(&hot_lock);
	self->acquisitions++;
}

static void work(void *argument)
{
	for (long i = 0; i < workload.count; i++) {
		use_hot(argument);
		nap(100 * MICROSECOND);
	}
}

int main(int argc, char **argv)
{
	static const char *const names[WORKERS] = {"worker-0", "worker-1", "worker-2", "worker-3"};
	workload.count = 200;
	workload_begin(argc, argv, "");
	start_gate();
	for (int i = 0; i < WORKERS; i++) {
		workers[i].waits = tally_of(workload.count);
		workers[i].hold_ns = i == 3 ? 2 * MILLISECOND : 100 * MICROSECOND;
	}
	for (int i = 0; i < WORKERS; i++)
		start(&workers[i].thread, names[i], work, &workers[i]);
	for (int i = 0; i < WORKERS; i++)
		finish(&workers[i].thread);

	struct tally all = tally_of(WORKERS * workload.count);
	for (int i = 0; i < WORKERS; i++) {
		memcpy(all.samples + all.length, workers[i].waits.samples, workers[i].waits.length * sizeof(uint64_t));
		all.length += workers[i].waits.length;
	}
	json_begin("mutex_many");
	json_number("acquisitions", total);
	json_number("contended", all.length);
	json_times(&all);
	json_open("locks", '[');
	json_open(NULL, '{');
	json_address("address", &hot_lock);
	json_text("name", "hot_lock");
	json_number("contended", all.length);
	json_close('}');
	json_close(']');
	json_open("threads", '[');
	for (int i = 0; i < WORKERS; i++) {
		json_open(NULL, '{');
		json_number("tid", workers[i].thread.tid);
		json_text("name", names[i]);
		json_number("acquisitions", workers[i].acquisitions);
		json_number("contended", workers[i].waits.length);
		json_number("totalNs", total_ns(&workers[i].waits));
		json_close('}');
	}
	json_close(']');
	json_number("holder", workers[3].thread.tid);
	json_end();
}
