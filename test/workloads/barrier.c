// A barrier for two: "early" comes first and sleeps until "late" comes, N times.
#include "workload.h"

static pthread_barrier_t barrier;
static _Atomic long passed;
static struct thread early, late;
static struct tally waits;

static NOINLINE void come_early(void *argument)
{
	(void)argument;
	for (long round = 1; round <= workload.count; round++) {
		uint64_t begun = now_ns();
		pthread_barrier_wait(&barrier);
		record(&waits, begun);
		passed = round;
	}
}

static NOINLINE void come_late(void *argument)
{
	(void)argument;
	for (long round = 1; round <= workload.count; round++) {
		until(sleeps_inside(early.tid, &barrier, sizeof barrier));
		nap(HOLD_NS);
		pthread_barrier_wait(&barrier);
		until(passed == round);
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	waits = tally_of(workload.count);
	pthread_barrier_init(&barrier, NULL, 2);
	start_gate();
	start(&early, "early", come_early, NULL);
	start(&late, "late", come_late, NULL);
	finish(&early);
	finish(&late);

	json_begin("barrier");
	json_number("waits", waits.length);
	json_times(&waits);
	json_address("object", &barrier);
	json_number("objectSize", sizeof barrier);
	json_text("objectName", "barrier");
	json_open("threads", '[');
	json_thread(&early, waits.length);
	json_thread(&late, 0);
	json_close(']');
	json_end();
}
