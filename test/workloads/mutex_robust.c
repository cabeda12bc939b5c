// A robust mutex. --owner-dies: in every round a new holder ends without unlocking, and the waiter is told EOWNERDEAD.
#include "duel.h"

static pthread_mutex_t robust_lock;

static NOINLINE void take_robust(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void take_from_the_dead(void *lock)
{
	check(pthread_mutex_lock(lock) == EOWNERDEAD, "the owner did not die");
	check(!pthread_mutex_consistent(lock), "pthread_mutex_consistent");
}

static NOINLINE void give_robust(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void hold_until_death(void *argument)
{
	struct duel *duel = argument;
	take_robust(duel->object);
	duel->turns->held++;
	wait_until_blocked(duel->turns->waiter, duel->word);
	nap(HOLD_NS);
}

static void outlive_holders(struct duel *duel)
{
	duel->turns = &duel->own_turns;
	duel->lock = take_from_the_dead;
	start(&duel->waiter, "waiter", wait_side, duel);
	until(duel->turns->waiter);
	for (long round = 1; round <= duel->rounds; round++) {
		start(&duel->holder, "holder", hold_until_death, duel);
		finish(&duel->holder);
		until(duel->turns->done == round);
	}
	finish(&duel->waiter);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--owner-dies");
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust_lock, &attributes);
	start_gate();

	struct duel duel = duel_of(&robust_lock, &robust_lock, take_robust, give_robust);
	(flag("--owner-dies") ? outlive_holders : duel_run)(&duel);

	json_begin("mutex_robust");
	json_duel(&duel, "robust_lock");
	json_end();
}
