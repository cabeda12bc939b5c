// Every kind of futex call and outcome, N times each. `result` is what the caller saw (a count or -errno), `exit` what the
// kernel's sys_exit shows: a wait broken by a signal leaves with -512 or -516, whatever the caller gets to see.
#include "ops_steps.h"

static struct tally waits;
static _Atomic size_t begun, ended;
static _Atomic long signals;
static struct thread caller;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static NOINLINE long call(const struct step *step)
{
	clockid_t clock = step->deadline == REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct timespec relative = timespec_of(2 * MILLISECOND), far = timespec_of(60 * SECOND), absolute = after(clock, 2 * MILLISECOND);
	const struct timespec *deadlines[] = {NULL, &relative, &absolute, &absolute, &far};
	bool sleeps = step->help || step->deadline;
	uint64_t start_ns = now_ns();
	long result = futex(step->word ?: (void *)&word, step->op, step->value, deadlines[step->deadline], NULL, step->mask);
	result = result < 0 ? -errno : result;
	if (sleeps)
		record(&waits, start_ns);
	return result;
}

static void run_steps(void *argument)
{
	(void)argument;
	for (size_t i = 0; i < STEPS; i++) {
		const uint32_t owners[] = {0, gettid(), getpid(), 0x3ffffffe};
		for (long round = 0; round < workload.count; round++) {
			word = owners[steps[i].owner];
			begun++;
			long result = call(&steps[i]);
			if (result != steps[i].result) {
				errno = -result;
				die(steps[i].outcome);
			}
			ended++;
		}
	}
}

static void help(const struct step *step)
{
	long before = signals;
	wait_until_blocked(caller.tid, &word);
	if (step->help >= BREAK) {
		pthread_kill(caller.handle, step->help == BREAK ? SIGUSR1 : SIGUSR2);
		until(signals > before);
	}
	if (step->help == RESTART_AND_WAKE)
		wait_until_blocked(caller.tid, &word);
	if (step->help == WAKE_MASK)
		check(!futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, ~step->mask) &&
			      futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, step->mask) == 1, "FUTEX_WAKE_BITSET");
	if (step->help == WAKE || step->help == RESTART_AND_WAKE)
		check(futex(&word, FUTEX_WAKE | (step->op & FUTEX_PRIVATE_FLAG), 1, NULL, NULL, 0) == 1, "FUTEX_WAKE");
}

static void print_steps(const char *key, const struct step *list, size_t length)
{
	json_open(key, '[');
	for (const struct step *step = list; step < list + length; step++) {
		json_open(NULL, '{');
		json_text("op", step->name);
		json_number("number", step->op);
		json_text("outcome", step->outcome);
		json_number("result", step->result);
		json_number("exit", step->exit ?: step->result);
		json_number("count", workload.count);
		json_close('}');
	}
	json_close(']');
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "");
	waits = tally_of(STEPS * workload.count);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
	sigaction(SIGUSR2, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
	start_gate();
	start(&caller, "caller", run_steps, NULL);
	for (size_t i = 0, rounds = 0; i < STEPS; i++)
		for (long round = 0; round < workload.count; round++, rounds++) {
			until(begun > rounds);
			if (steps[i].help)
				help(&steps[i]);
			until(ended > rounds);
		}
	finish(&caller);

	json_begin("ops");
	json_number("waits", waits.length);
	json_times(&waits);
	json_address("address", &word);
	json_number("caller", caller.tid);
	print_steps("steps", steps, STEPS);
	print_steps("consequences", consequences, CONSEQUENCES);
	json_end();
}
