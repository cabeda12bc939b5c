// cflags: -no-pie -fno-pie
// Two processes started apart from one program that is always loaded at one place: their private mutexes have the same
// address and are different locks.
#include "duel.h"
#include <sys/socket.h>

static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

static NOINLINE void take_own(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_own(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void contend_and_print(const char *holder, const char *waiter)
{
	struct duel duel = duel_of(&own_lock, &own_lock, take_own, give_own);
	duel_start(&duel, holder, waiter);
	duel_finish(&duel);
	json_open(NULL, '{');
	json_number("pid", getpid());
	json_duel(&duel, "own_lock");
	json_close('}');
}

static pid_t start_stranger(int *line)
{
	int ends[2];
	char count[24];
	snprintf(count, sizeof count, "%ld", workload.count);
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	pid_t stranger = fork_child();
	if (!stranger) {
		dup2(ends[1], STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		execl("/proc/self/exe", workload.argv[0], "--second", "-n", count, NULL);
		die("exec");
	}
	close(ends[1]);
	*line = ends[0];
	return stranger;
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--second");
	if (flag("--second")) {
		contend_and_print("holder-2", "waiter-2");
		read_line(); // the end of the first one: a traced parent would have its waits broken by SIGCHLD
		return 0;
	}
	start_gate();
	int line;
	pid_t stranger = start_stranger(&line);
	json_begin("strangers");
	json_number("waits", 2 * workload.count);
	json_open("processes", '[');
	contend_and_print("holder-1", "waiter-1");

	char text[4096];
	putchar(',');
	shutdown(line, SHUT_WR);
	for (ssize_t length; (length = read(line, text, sizeof text)) > 0;)
		fwrite(text, 1, length, stdout);
	reap(stranger);
	json_close(']');
	json_end();
}
