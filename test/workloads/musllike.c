// A lock word of the kind musl has in a recursive or error-checking mutex: 0, or the owner's tid, with the top bit set while
// somebody waits. Private.
#include "duel.h"

#define WAITED_FOR 0x80000000u

static struct {
	uint32_t type;
	_Atomic uint32_t word;
} musl_lock = {.type = 2};

static NOINLINE void take_musl(void *lock)
{
	_Atomic uint32_t *word = lock;
	for (uint32_t seen = 0; !atomic_compare_exchange_strong(word, &seen, gettid()); seen = 0)
		if (seen & WAITED_FOR || atomic_compare_exchange_strong(word, &seen, seen | WAITED_FOR))
			futex_wait(word, seen | WAITED_FOR);
}

static NOINLINE void give_musl(void *lock)
{
	if (atomic_exchange((_Atomic uint32_t *)lock, 0) & WAITED_FOR)
		futex_wake(lock, 1);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	start_gate();
	struct duel duel = duel_of(&musl_lock.word, &musl_lock.word, take_musl, give_musl);
	duel_run(&duel);

	json_begin("musllike");
	json_duel(&duel, "musl_lock+4");
	json_end();
}
