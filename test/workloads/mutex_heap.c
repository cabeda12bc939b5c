// A mutex that no symbol names: in malloc'ed memory, or with --stack on the stack of the thread that holds it, or at the beginning (--first)
// or end (--last) of a mapping that has none beside it.
#include "duel.h"

static NOINLINE void take_nameless(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_nameless(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static NOINLINE void hold_on_own_stack(void *argument)
{
	struct duel *duel = argument;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	duel->word = (void *)&lock;
	duel->object = &lock;
	hold_side(duel);
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--stack --first --last");
	bool edge = flag("--first") || flag("--last");
	pthread_mutex_t *lock = edge ? memory_at_edge(sizeof *lock, flag("--last")) : malloc(sizeof *lock);
	pthread_mutex_init(lock, NULL);
	start_gate();

	struct duel duel = duel_of(lock, lock, take_nameless, give_nameless);
	duel.turns = &duel.own_turns;
	start(&duel.holder, "holder", flag("--stack") ? hold_on_own_stack : hold_side, &duel);
	until(duel.turns->holder);
	start(&duel.waiter, "waiter", wait_side, &duel);
	duel_finish(&duel);

	json_begin("mutex_heap");
	json_text("memory", edge ? "mapping" : flag("--stack") ? "stack" : "heap");
	json_duel(&duel, "");
	json_end();
}
