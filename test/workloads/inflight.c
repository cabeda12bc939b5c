// Blocked before it says "ready": "waiter" on a mutex that "holder" keeps, and "idler" on a condition variable. A line on stdin
// (or its end) frees the waiter; the idler stays for ever. Always gated; for tracers that attach to a wait under way.
// --naps: the waiter sleeps elsewhere for three seconds before it calls futex again.
// --late: blocks only after the gate, says "asleep", and is freed by a second line.
#include "workload.h"

static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER, idle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle_condition = PTHREAD_COND_INITIALIZER;
static struct tally waits;
static _Atomic bool is_held, let_go;
static uint64_t begun_ns, ended_ns;

static NOINLINE void keep_lock(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&held_lock);
	is_held = true;
	while (!let_go)
		nap(MILLISECOND);
	pthread_mutex_unlock(&held_lock);
}

static NOINLINE void want_lock(void *argument)
{
	(void)argument;
	begun_ns = now_ns();
	pthread_mutex_lock(&held_lock);
	record(&waits, begun_ns);
	ended_ns = now_ns();
	for (int i = 0; flag("--naps") && i < 300; i++)
		nap(10 * MILLISECOND);
	pthread_mutex_unlock(&held_lock);
}

static NOINLINE void idle_for_ever(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&idle_lock);
	for (;;)
		pthread_cond_wait(&idle_condition, &idle_lock);
}

int main(int argc, char **argv)
{
	static struct thread holder, waiter, idler;
	workload_begin(argc, argv, "--naps --late");
	waits = tally_of(1);
	workload.gate = true;
	if (flag("--late"))
		start_gate();
	start(&holder, "holder", keep_lock, NULL);
	until(is_held);
	start(&waiter, "waiter", want_lock, NULL);
	start(&idler, "idler", idle_for_ever, NULL);
	wait_until_blocked(waiter.tid, &held_lock);
	until(sleeps_on(idler.tid, SYS_futex));

	uint64_t ready_ns = now_ns();
	if (flag("--late")) {
		printf("asleep\n");
		fflush(stdout);
		read_line();
	} else {
		start_gate();
	}
	uint64_t told_ns = now_ns();
	let_go = true;
	finish(&holder);
	finish(&waiter);

	json_begin("inflight");
	json_number("waits", 1);
	json_times(&waits);
	json_number("begunNs", begun_ns);
	json_number("readyNs", ready_ns);
	json_number("toldNs", told_ns);
	json_number("endedNs", ended_ns);
	json_open("locks", '[');
	json_lock(&held_lock, "held_lock", 1);
	json_close(']');
	json_key("idleFutex");
	printf("\"0x%lx\"", sleeps_on(idler.tid, SYS_futex));
	json_open("threads", '[');
	json_thread(&waiter, 1);
	json_thread(&holder, 0);
	json_thread(&idler, 1);
	json_close(']');
	json_number("holder", holder.tid);
	json_end();
}
