// Two hundred locks (-t), each fought over by one holder and one waiter in turn: N waits at each.
#include "duel.h"

#define MOST 1000

static pthread_mutex_t many_locks[MOST];

static NOINLINE void take(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "-t=");
	long locks = number_option("-t", 200);
	check(locks > 0 && locks <= MOST, "-t must be 1 to 1000");
	start_gate();
	uint64_t total = 0, waits = 0;
	for (long i = 0; i < locks; i++) {
		struct duel duel = duel_of(&many_locks[i], &many_locks[i], take, give);
		duel_run(&duel);
		waits += duel.waits.length;
		total += total_ns(&duel.waits);
	}
	json_begin("manylocks");
	json_number("waits", waits);
	json_number("totalNs", total);
	json_number("lockCount", locks);
	json_address("address", &many_locks[0]);
	json_end();
}
