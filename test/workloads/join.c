// The main thread joins N threads, each alive until it has seen main asleep in pthread_join. No lock is contended.
#include "workload.h"

static _Atomic uint64_t joined_word;

static NOINLINE void live_until_joined(void *argument)
{
	(void)argument;
	until(sleeps_on(getpid(), SYS_futex));
	joined_word = sleeps_on(getpid(), SYS_futex);
	nap(HOLD_NS);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	struct thread *sleepers = map_shared(workload.count * sizeof *sleepers);
	uint64_t *words = map_shared(workload.count * sizeof *words);
	struct tally waits = tally_of(workload.count);
	start_gate();
	for (long i = 0; i < workload.count; i++) {
		start(&sleepers[i], "sleeper", live_until_joined, NULL);
		uint64_t begun = now_ns();
		pthread_join(sleepers[i].handle, NULL);
		record(&waits, begun);
		words[i] = joined_word;
	}

	json_begin("join");
	json_number("waits", waits.length);
	json_times(&waits);
	json_open("joined", '[');
	for (long i = 0; i < workload.count; i++) {
		json_open(NULL, '{');
		json_number("tid", sleepers[i].tid);
		json_address("address", (void *)words[i]);
		json_close('}');
	}
	json_close(']');
	json_end();
}
