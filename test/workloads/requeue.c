// N threads wait at one address, FUTEX_REQUEUE moves them all to a second, and they are woken there. Then the same with
// FUTEX_CMP_REQUEUE. The call that ends names the first address, the wake that ends it the second.
#include "workload.h"

static _Atomic uint32_t first, second;
static struct tally *tallies;

static NOINLINE void wait_at_first(void *argument)
{
	uint64_t begun = now_ns();
	check(!futex_wait(&first, 0), "FUTEX_WAIT");
	record(argument, begun);
}

static void move_and_wake(int op)
{
	long count = workload.count;
	struct thread *movers = map_shared(count * sizeof *movers);
	for (long i = 0; i < count; i++)
		start(&movers[i], "mover", wait_at_first, &tallies[i]);
	for (long i = 0; i < count; i++)
		wait_until_blocked(movers[i].tid, &first);
	check(futex_two(&first, op, 0, INT_MAX, &second, 0) == count, "not all were moved");
	check(futex_wake(&first, INT_MAX) == 0, "some stayed behind");
	nap(HOLD_NS);
	check(futex_wake(&second, INT_MAX) == count, "not all were woken");
	for (long i = 0; i < count; i++)
		finish(&movers[i]);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	long count = workload.count;
	struct tally all = tally_of(2 * count);
	tallies = map_shared(count * sizeof *tallies);
	for (long i = 0; i < count; i++)
		tallies[i] = (struct tally){.samples = all.samples + 2 * i, .capacity = 2};
	start_gate();
	move_and_wake(FUTEX_REQUEUE_PRIVATE);
	move_and_wake(FUTEX_CMP_REQUEUE_PRIVATE);
	all.length = all.capacity;

	json_begin("requeue");
	json_number("waits", all.length);
	json_number("requeueCalls", 2);
	json_number("requeued", 2 * count);
	json_number("wakes", 4);
	json_number("woken", 2 * count);
	json_times(&all);
	json_address("first", &first);
	json_address("second", &second);
	json_end();
}
