// The first thread of the process ends before anything happens (pthread_exit in main) and stays a zombie; two other threads contend.
#include "duel.h"

static pthread_mutex_t orphan_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread heir;
static pid_t leader;

static NOINLINE void take(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void inherit(void *argument)
{
	(void)argument;
	until(state_of(leader) == 'Z');
	nap(1500 * MILLISECOND); // long enough for a tracer to look at the process several times
	struct duel duel = duel_of(&orphan_lock, &orphan_lock, take, give);
	duel_run(&duel);
	json_begin("leaderless");
	json_duel(&duel, "orphan_lock");
	json_end();
	exit(0);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	leader = getpid();
	start_gate();
	start(&heir, "heir", inherit, NULL);
	pthread_exit(NULL);
}
