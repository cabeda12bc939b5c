// A holder and a waiter meet at one lock, `rounds` times, and each round is exactly one sleep of the waiter.
#pragma once
#include "workload.h"

// What the two sides tell each other; in shared memory when they are two processes.
struct turns {
	_Atomic long held, done;
	_Atomic pid_t waiter, holder;
};

struct duel {
	void (*lock)(void *), (*unlock)(void *);
	void *object;
	volatile void *word; // the futex address, as the waiter sees it
	long rounds;
	uint64_t hold_ns; // after the waiter has blocked
	struct turns *turns;
	struct turns own_turns;
	struct tally waits;
	struct thread holder, waiter;
};

static inline struct duel duel_of(void *object, volatile void *word, void (*lock)(void *), void (*unlock)(void *))
{
	return (struct duel){.object = object, .word = word, .lock = lock, .unlock = unlock,
			     .rounds = workload.count, .hold_ns = HOLD_NS, .waits = tally_of(workload.count)};
}

static NOINLINE void hold_side(void *argument)
{
	struct duel *duel = argument;
	struct turns *turns = duel->turns;
	turns->holder = gettid();
	until(turns->waiter);
	for (long round = 1; round <= duel->rounds; round++) {
		duel->lock(duel->object);
		turns->held = round;
		wait_until_blocked(turns->waiter, duel->word);
		nap(duel->hold_ns);
		duel->unlock(duel->object);
		until(turns->done == round);
	}
}

static NOINLINE void wait_side(void *argument)
{
	struct duel *duel = argument;
	struct turns *turns = duel->turns;
	turns->waiter = gettid();
	for (long round = 1; round <= duel->rounds; round++) {
		until(turns->held == round);
		uint64_t begun = now_ns();
		duel->lock(duel->object);
		record(&duel->waits, begun);
		duel->unlock(duel->object);
		turns->done = round;
	}
}

static inline void duel_start(struct duel *duel, const char *holder, const char *waiter)
{
	duel->turns = &duel->own_turns;
	start(&duel->waiter, waiter, wait_side, duel);
	start(&duel->holder, holder, hold_side, duel);
}

static inline void duel_finish(struct duel *duel)
{
	finish(&duel->holder);
	finish(&duel->waiter);
}

static inline void duel_run(struct duel *duel)
{
	duel_start(duel, "holder", "waiter");
	duel_finish(duel);
}

static inline void json_duel(struct duel *duel, const char *lock_name)
{
	json_number("waits", duel->waits.length);
	json_number("acquisitions", 2 * duel->rounds);
	json_times(&duel->waits);
	json_open("locks", '[');
	json_lock(duel->word, lock_name, duel->waits.length);
	json_close(']');
	json_open("threads", '[');
	json_thread(&duel->holder, 0);
	json_thread(&duel->waiter, duel->waits.length);
	json_close(']');
	json_number("holder", duel->holder.tid);
}
