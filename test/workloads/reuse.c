// Two mutexes, one after the other, at one heap address: the first is destroyed before the second is made there.
#include "duel.h"

static NOINLINE void take_reused(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_reused(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void use(pthread_mutex_t *lock, int kind, const char *name, const char *holder, const char *waiter)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, kind);
	pthread_mutex_init(lock, &attributes);
	struct duel duel = duel_of(lock, lock, take_reused, give_reused);
	uint64_t first_ns = now_ns();
	duel_start(&duel, holder, waiter);
	duel_finish(&duel);
	uint64_t last_ns = now_ns();
	pthread_mutex_destroy(lock);

	json_open(NULL, '{');
	json_text("name", name);
	json_number("firstUseNs", first_ns);
	json_number("lastUseNs", last_ns);
	json_duel(&duel, name);
	json_close('}');
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	pthread_mutex_t *lock = malloc(sizeof *lock);
	start_gate();
	json_begin("reuse");
	json_number("waits", 2 * workload.count);
	json_address("address", lock);
	json_open("lives", '[');
	use(lock, PTHREAD_MUTEX_NORMAL, "first", "holder-1", "waiter-1");
	use(lock, PTHREAD_MUTEX_ERRORCHECK, "second", "holder-2", "waiter-2");
	json_close(']');
	json_end();
}
