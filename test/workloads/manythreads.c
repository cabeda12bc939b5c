// -t THREADS (2,000) idle on one condition variable for ever, while ten mutexes have N contended acquisitions each.
// --idle-first: the gate comes after the idle threads have gone to sleep, so that a tracer finds them waiting.
#include "duel.h"

#define LOCKS 10

static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER, busy_locks[LOCKS];
static pthread_cond_t idle_condition = PTHREAD_COND_INITIALIZER;

static void idle_for_ever(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&idle_lock);
	for (;;)
		pthread_cond_wait(&idle_condition, &idle_lock);
}

static NOINLINE void take_busy(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_busy(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void start_idlers(long threads)
{
	struct thread *idlers = map_shared(threads * sizeof *idlers);
	for (long i = 0; i < threads; i++) {
		start(&idlers[i], "idler", idle_for_ever, NULL);
		until(sleeps_inside(idlers[i].tid, &idle_condition, sizeof idle_condition));
	}
}

int main(int argc, char **argv)
{
	static struct duel duels[LOCKS];
	static char holders[LOCKS][16], waiters[LOCKS][16];
	workload_begin(argc, argv, "-t= --idle-first");
	long threads = number_option("-t", 2000);
	if (!flag("--idle-first"))
		start_gate();
	start_idlers(threads);
	if (flag("--idle-first"))
		start_gate();
	for (int i = 0; i < LOCKS; i++) {
		snprintf(holders[i], sizeof holders[i], "holder-%d", i);
		snprintf(waiters[i], sizeof waiters[i], "waiter-%d", i);
		duels[i] = duel_of(&busy_locks[i], &busy_locks[i], take_busy, give_busy);
		duel_start(&duels[i], holders[i], waiters[i]);
	}
	for (int i = 0; i < LOCKS; i++)
		duel_finish(&duels[i]);

	json_begin("manythreads");
	json_number("waits", LOCKS * workload.count);
	json_number("inFlight", threads);
	json_address("idleObject", &idle_condition);
	json_number("idleObjectSize", sizeof idle_condition);
	json_open("locks", '[');
	for (int i = 0; i < LOCKS; i++) {
		json_open(NULL, '{');
		json_address("address", &busy_locks[i]);
		json_duel(&duels[i], "busy_locks");
		json_close('}');
	}
	json_close(']');
	json_end();
	exit(0);
}
