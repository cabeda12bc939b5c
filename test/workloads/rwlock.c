// Readers wait for a writer, a writer for a reader, and a writer for a writer: N rounds each, every wait exactly one sleep.
#include "workload.h"

struct actor {
	struct thread thread;
	struct tally waits;
	_Atomic int order;           // 0 rest, 1 read, 2 write
	_Atomic long done;
};

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct actor reader_0, reader_1, writer_0, writer_1;
static _Atomic bool over;

static NOINLINE void read_table(struct tally *waits)
{
	uint64_t begun = now_ns();
	check(!pthread_rwlock_rdlock(&table_lock), "pthread_rwlock_rdlock");
	record(waits, begun);
}

static NOINLINE void write_table(struct tally *waits)
{
	uint64_t begun = now_ns();
	check(!pthread_rwlock_wrlock(&table_lock), "pthread_rwlock_wrlock");
	record(waits, begun);
}

static void act(void *argument)
{
	struct actor *self = argument;
	while (!over) {
		int order = self->order;
		if (order) {
			(order == 1 ? read_table : write_table)(&self->waits);
			pthread_rwlock_unlock(&table_lock);
			self->order = 0;
			self->done++;
		}
		nap(50 * MICROSECOND);
	}
}

static void send_and_see_blocked(struct actor *actor, int order, const volatile void *word)
{
	actor->order = order;
	wait_until_blocked(actor->thread.tid, word);
}

static void release_and_see_done(struct actor *first, struct actor *second)
{
	nap(HOLD_NS);
	pthread_rwlock_unlock(&table_lock);
	until(!first->order && (!second || !second->order));
}

static void print_actor(struct actor *actor)
{
	json_thread(&actor->thread, actor->waits.length);
}

int main(int argc, char **argv)
{
	static struct actor *const actors[] = {&reader_0, &reader_1, &writer_0, &writer_1};
	static const char *const names[] = {"reader-0", "reader-1", "writer-0", "writer-1"};
	const volatile void *phase = &table_lock.__data.__wrphase_futex, *writers = &table_lock.__data.__writers_futex;
	workload_begin(argc, argv, "");
	start_gate();
	for (int i = 0; i < 4; i++) {
		actors[i]->waits = tally_of(workload.count);
		start(&actors[i]->thread, names[i], act, actors[i]);
	}
	pthread_setname_np(pthread_self(), "main-holder");

	for (long i = 0; i < workload.count; i++) {
		pthread_rwlock_wrlock(&table_lock);
		send_and_see_blocked(&reader_0, 1, phase);
		send_and_see_blocked(&reader_1, 1, phase);
		release_and_see_done(&reader_0, &reader_1);

		pthread_rwlock_rdlock(&table_lock);
		send_and_see_blocked(&writer_0, 2, phase);
		release_and_see_done(&writer_0, NULL);

		pthread_rwlock_wrlock(&table_lock);
		send_and_see_blocked(&writer_1, 2, writers);
		release_and_see_done(&writer_1, NULL);
	}
	over = true;

	struct tally all = tally_of(4 * workload.count);
	for (int i = 0; i < 4; i++) {
		finish(&actors[i]->thread);
		for (size_t j = 0; j < actors[i]->waits.length; j++)
			all.samples[all.length++] = actors[i]->waits.samples[j];
	}
	json_begin("rwlock");
	json_number("waits", all.length);
	json_number("acquisitions", all.length + 3 * workload.count);
	json_times(&all);
	json_address("object", &table_lock);
	json_text("objectName", "table_lock");
	json_open("locks", '[');
	json_lock(phase, "table_lock+8", 3 * workload.count);
	json_lock(writers, "table_lock+12", workload.count);
	json_close(']');
	json_open("threads", '[');
	for (int i = 0; i < 4; i++)
		print_actor(actors[i]);
	json_close(']');
	json_number("holder", getpid());
	json_end();
}
