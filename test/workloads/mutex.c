// A plain mutex in .bss: one holder, one waiter, N waits of 5 ms and more, or --long: 250 ms. --recursive, --errorcheck, --adaptive: other kinds.
#include "duel.h"

static pthread_mutex_t account_lock;

static NOINLINE void take_account(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_account(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static int kind(void)
{
	return flag("--recursive")    ? PTHREAD_MUTEX_RECURSIVE
	       : flag("--errorcheck") ? PTHREAD_MUTEX_ERRORCHECK
	       : flag("--adaptive")   ? PTHREAD_MUTEX_ADAPTIVE_NP
				      : PTHREAD_MUTEX_NORMAL;
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--recursive --errorcheck --adaptive --long");
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, kind());
	pthread_mutex_init(&account_lock, &attributes);
	start_gate();

	struct duel duel = duel_of(&account_lock, &account_lock, take_account, give_account);
	if (flag("--long"))
		duel.hold_ns = 250 * MILLISECOND;
	duel_run(&duel);

	json_begin("mutex");
	json_duel(&duel, "account_lock");
	json_text("waitsIn", "take_account");
	json_text("heldIn", "hold_side");
	json_end();
}
