// A priority-inheritance mutex: the waits are FUTEX_LOCK_PI and the word holds the owner's tid.
#include "duel.h"

static pthread_mutex_t pi_lock;

static NOINLINE void take_pi(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_pi(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&pi_lock, &attributes);
	start_gate();

	struct duel duel = duel_of(&pi_lock, &pi_lock, take_pi, give_pi);
	duel_run(&duel);

	json_begin("mutex_pi");
	json_duel(&duel, "pi_lock");
	json_end();
}
