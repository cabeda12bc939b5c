// A real deadlock: -t threads dl-0, dl-1 … (2 or 5, at most 64) each hold a lock and wait for the next one's, for ever.
// Prints one line of JSON with the cycle, then "hung PID", then hangs until killed (or ten minutes have passed).
// --robust, --pi, --rwlock: other kinds of lock. --edge: in memory with none beside it. --join: the last thread joins dl-0 instead of taking its lock.
// --leader-joins: the leader hangs in pthread_join, too, instead of in pause.
#include "workload.h"

#define MOST 64

struct member {
	struct thread thread;
	long index;
	_Atomic bool holds_first, may_go_on;
};

static pthread_mutex_t dl_locks[MOST], *dl_mutexes[MOST];
static pthread_rwlock_t dl_rwlocks[MOST];
static struct member members[MOST];
static long size;

static void take(long index)
{
	if (flag("--rwlock"))
		pthread_rwlock_wrlock(&dl_rwlocks[index]);
	else
		pthread_mutex_lock(dl_mutexes[index]);
}

static NOINLINE void take_next_for_ever(long index)
{
	if (flag("--join") && index == 0)
		pthread_join(members[0].thread.handle, NULL);
	else
		take(index);
}

static void walk_into_it(void *argument)
{
	struct member *self = argument;
	take(self->index);
	self->holds_first = true;
	until(self->may_go_on);
	take_next_for_ever((self->index + 1) % size);
}

static void make_locks(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, flag("--robust") ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
	pthread_mutexattr_setprotocol(&attributes, flag("--pi") ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
	for (long i = 0; i < size; i++) {
		dl_mutexes[i] = flag("--edge") ? memory_at_edge(sizeof *dl_mutexes[i], i % 2) : &dl_locks[i];
		pthread_mutex_init(dl_mutexes[i], &attributes);
		pthread_rwlock_init(&dl_rwlocks[i], NULL);
	}
}

static void print_member(long index)
{
	struct member *self = &members[index], *next = &members[(index + 1) % size];
	bool joins = flag("--join") && next->index == 0;
	char lock[32];
	snprintf(lock, sizeof lock, "dl_%slocks[%ld]", flag("--rwlock") ? "rw" : "", next->index);
	json_open(NULL, '{');
	json_number("tid", self->thread.tid);
	json_text("name", self->thread.name);
	json_text("waitsFor", joins ? "the end of a thread" : lock);
	json_key("futex");
	printf("\"0x%lx\"", sleeps_on(self->thread.tid, SYS_futex));
	json_number("owner", next->thread.tid);
	json_text("ownerName", next->thread.name);
	json_close('}');
}

int main(int argc, char **argv)
{
	static char names[MOST][16];
	workload_begin(argc, argv, "-t= --robust --pi --rwlock --edge --join --leader-joins");
	size = number_option("-t", 2);
	check(size >= 2 && size <= MOST, "-t must be 2 to 64");
	start_gate();
	make_locks();
	for (long i = 0; i < size; i++) {
		snprintf(names[i], sizeof names[i], "dl-%ld", i);
		members[i].index = i;
		start(&members[i].thread, names[i], walk_into_it, &members[i]);
		until(members[i].holds_first);
	}
	for (long i = 0; i < size; i++) { // one after the other, so that it is always the last that closes the cycle
		members[i].may_go_on = true;
		until(sleeps_on(members[i].thread.tid, SYS_futex));
	}

	json_begin("deadlock");
	json_number("waits", size);
	json_open("cycle", '[');
	for (long i = 0; i < size; i++)
		print_member(i);
	json_close(']');
	workload.hold = false;
	json_end();
	printf("hung %d\n", getpid());
	fflush(stdout);
	if (flag("--leader-joins"))
		pthread_join(members[0].thread.handle, NULL);
	for (;;)
		pause();
}
