// A timed FUTEX_WAIT in the main thread, stopped by a child process with SIGSTOP and continued, N times: each wait leaves futex
// with -516 and goes on in restart_syscall. The child then wakes it. --timeout: nobody wakes it, it runs out 250 ms after its start.
// --untimed: no timeout, so it leaves with -512 and goes on in a second futex call.
#include "workload.h"

static struct {
	_Atomic uint32_t word;
	_Atomic long round, done, restarted;
} *both;

static bool is_stopped(pid_t pid)
{
	char state = state_of(pid);
	return state == 'T' || state == 't';
}

static void stop_and_continue(pid_t target, long round)
{
	long again = flag("--untimed") ? SYS_futex : SYS_restart_syscall;
	until(both->round == round);
	wait_until_blocked(target, &both->word);
	kill(target, SIGSTOP);
	until(is_stopped(target));
	kill(target, SIGCONT);
	bool back = false;
	until((back = sleeps_on(target, again) == (uintptr_t)&both->word) || both->done == round);
	both->restarted += back;
	nap(HOLD_NS);
	if (!flag("--timeout"))
		check(futex(&both->word, FUTEX_WAKE, 1, NULL, NULL, 0) == 1, "nobody to wake");
	until(both->done == round);
}

static long wait_once(struct tally *waits)
{
	struct timespec limit = timespec_of(flag("--timeout") ? 250 * MILLISECOND : 60 * SECOND);
	uint64_t begun = now_ns();
	long result = futex(&both->word, FUTEX_WAIT, 0, flag("--untimed") ? NULL : &limit, NULL, 0);
	record(waits, begun);
	return result ? -errno : 0;
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--timeout --untimed");
	both = map_shared(sizeof *both);
	struct tally waits = tally_of(workload.count);
	start_gate();
	pid_t child = fork_child();
	if (!child) {
		for (long round = 1; round <= workload.count; round++)
			stop_and_continue(getppid(), round);
		return 0;
	}
	for (long round = 1; round <= workload.count; round++) {
		both->round = round;
		check(wait_once(&waits) == (flag("--timeout") ? -ETIMEDOUT : 0), "FUTEX_WAIT");
		both->done = round;
	}
	reap(child);

	json_begin("restart");
	json_number("waits", waits.length);
	json_number("restarted", both->restarted);
	json_number("timeouts", flag("--timeout") ? waits.length : 0);
	json_times(&waits);
	json_open("locks", '[');
	json_lock(&both->word, "", waits.length);
	json_close(']');
	json_number("child", child);
	json_end();
}
