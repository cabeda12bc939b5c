// A process forks three children, and all four contend at the same time on their own copy of one mutex: same address, four locks.
#include "duel.h"

#define PROCESSES 4

static pthread_mutex_t copied_lock = PTHREAD_MUTEX_INITIALIZER;

static NOINLINE void take_copy(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_copy(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	struct duel *duels = map_shared(PROCESSES * sizeof *duels);
	_Atomic bool *parent_done = map_shared(sizeof *parent_done);
	pid_t pids[PROCESSES] = {getpid()};
	for (int i = 0; i < PROCESSES; i++)
		duels[i] = duel_of(&copied_lock, &copied_lock, take_copy, give_copy);
	start_gate();
	for (int i = 1; i < PROCESSES; i++) {
		pids[i] = fork_child();
		if (!pids[i]) {
			duel_run(&duels[i]);
			until(*parent_done); // a traced parent would have its waits broken by SIGCHLD
			return 0;
		}
	}
	duel_run(&duels[0]);
	*parent_done = true;
	for (int i = 1; i < PROCESSES; i++)
		reap(pids[i]);

	json_begin("forker");
	json_number("waits", PROCESSES * workload.count);
	json_open("processes", '[');
	for (int i = 0; i < PROCESSES; i++) {
		json_open(NULL, '{');
		json_number("pid", pids[i]);
		json_duel(&duels[i], "copied_lock");
		json_close('}');
	}
	json_close(']');
	json_end();
}
