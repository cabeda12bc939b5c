// Contends for a mutex, then executes itself and contends again: same pid, new memory, a lock at another address. While it does, the
// thread "doomed" is asleep in a futex and never returns. --thread: it is not the main thread that executes.
#include "duel.h"

static pthread_mutex_t stage_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t doomed_word;

static NOINLINE void take_stage(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_stage(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void sleep_for_ever(void *argument)
{
	futex_wait(argument, 0);
}

static void execute_again(void *argument)
{
	struct duel *duel = argument;
	char first[256], count[24];
	snprintf(first, sizeof first, "{\"address\":\"%p\",\"waits\":%zu,\"totalNs\":%llu,\"holder\":%d,\"waiter\":%d,\"executedBy\":%d}",
		 (void *)duel->word, duel->waits.length, (unsigned long long)total_ns(&duel->waits), duel->holder.tid,
		 duel->waiter.tid, gettid());
	snprintf(count, sizeof count, "%ld", workload.count);
	execl("/proc/self/exe", workload.argv[0], "--first", first, "-n", count, workload.hold ? "--hold" : NULL, NULL);
	die("exec");
}

int main(int argc, char **argv)
{
	static struct thread doomed, executor;
	workload_begin(argc, argv, "--thread --first=");
	start_gate();
	struct duel duel = duel_of(&stage_lock, &stage_lock, take_stage, give_stage);
	duel_run(&duel);
	if (!flag("--first")) {
		start(&doomed, "doomed", sleep_for_ever, &doomed_word);
		wait_until_blocked(doomed.tid, &doomed_word);
		if (flag("--thread"))
			start(&executor, "executor", execute_again, &duel);
		else
			execute_again(&duel);
		for (;;)
			pause();
	}

	json_begin("execer");
	json_key("first");
	fputs(option("--first"), stdout);
	json_number("killedInWait", 1);
	json_open("second", '{');
	json_duel(&duel, "stage_lock");
	json_close('}');
	json_end();
}
