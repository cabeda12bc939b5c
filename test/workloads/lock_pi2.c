// FUTEX_LOCK_PI2 (Linux 5.14) by hand: N waits, then N that run out after 5 ms on the monotonic clock.
#include "duel.h"

#define LOCK_PI2_PRIVATE (FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG)

static _Atomic uint32_t pi2_word;
static struct tally timeouts;

static NOINLINE void take_pi2(void *word)
{
	uint32_t free = 0;
	if (!atomic_compare_exchange_strong((_Atomic uint32_t *)word, &free, gettid()))
		check(!futex(word, LOCK_PI2_PRIVATE, 0, NULL, NULL, 0), "FUTEX_LOCK_PI2");
}

static NOINLINE void give_pi2(void *word)
{
	uint32_t mine = gettid();
	if (!atomic_compare_exchange_strong((_Atomic uint32_t *)word, &mine, 0))
		check(!futex(word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), "FUTEX_UNLOCK_PI");
}

static NOINLINE void give_up(void *word)
{
	for (long round = 0; round < workload.count; round++) {
		struct timespec deadline = after(CLOCK_MONOTONIC, HOLD_NS);
		uint64_t begun = now_ns();
		check(futex(word, LOCK_PI2_PRIVATE, 0, &deadline, NULL, 0) && errno == ETIMEDOUT, "no timeout");
		record(&timeouts, begun);
	}
}

static bool is_supported(void)
{
	uint32_t word = 0;
	return !futex(&word, LOCK_PI2_PRIVATE, 0, NULL, NULL, 0) || errno != ENOSYS;
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	if (!is_supported())
		return skip("lock_pi2", "FUTEX_LOCK_PI2 needs Linux 5.14");
	timeouts = tally_of(workload.count);
	start_gate();
	struct duel duel = duel_of(&pi2_word, &pi2_word, take_pi2, give_pi2);
	duel_run(&duel);

	struct thread impatient;
	take_pi2(&pi2_word);
	start(&impatient, "impatient", give_up, &pi2_word);
	finish(&impatient);
	give_pi2(&pi2_word);

	json_begin("lock_pi2");
	json_duel(&duel, "pi2_word");
	json_number("timeouts", timeouts.length);
	json_number("timeoutsNs", total_ns(&timeouts));
	json_number("impatient", impatient.tid);
	json_number("probes", 1); // the call that asked, before the gate, whether the kernel has it
	json_end();
}
