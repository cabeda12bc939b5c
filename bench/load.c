// What the bench loads a tracer with. `load COUNT MODE…`: waits for a line on stdin, then runs COUNT batches of each mode in turn and
// prints for each the time of one call, or of one round trip. Batches are shorter than a time slice of the scheduler, so even on a
// busy machine some run undisturbed: the fastest tenth says what the kernel's work takes when nothing else interferes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 500, ROUND_TRIPS = 20, PROGRAMS = 2, CONNECTIONS = 20, MAX_MODES = 8 };

static uint32_t word;
static _Atomic uint32_t ball;
static int there[2], back[2];

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static void futexes(int op, uint32_t value)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_futex, &word, op, value, NULL, NULL, 0);
}

static void wait_private(void) { futexes(FUTEX_WAIT_PRIVATE, 1); } /* the word is 0: EAGAIN */
static void wait_shared(void) { futexes(FUTEX_WAIT, 1); }
static void wake(void) { futexes(FUTEX_WAKE_PRIVATE, 1); }

static void parent_id(void)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
}

/* The yardstick: work that no tracer sees, and that a busy neighbour on the same core slows as much as the rest. */
static void spin(void)
{
	static uint32_t table[4096];
	uint32_t at = 1;
	for (int i = 0; i < CALLS * 32; i++) {
		at = at * 1664525 + 1013904223;
		table[at >> 20] += at;
		at ^= table[(at >> 8) & 4095];
	}
	table[0] += at;
}

/* One side of a hand-over: give the ball to the other and sleep until it is back. */
static void play(uint32_t side)
{
	ball = !side;
	syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (ball != side)
		syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, !side, NULL, NULL, 0);
}

static void *partner(void *unused)
{
	(void)unused;
	while (ball != 1)
		syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	for (;;)
		play(1);
	return NULL;
}

static void hand_over(void)
{
	static pthread_t thread;
	if (!thread && pthread_create(&thread, NULL, partner, NULL))
		exit(1);
	for (int i = 0; i < ROUND_TRIPS; i++)
		play(0);
}

static void pass(int from, int to)
{
	char byte;
	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		exit(1);
}

static void echo(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pass(there[0], back[1]);
}

static void pipes(void)
{
	static pid_t child;
	if (!child) {
		if (pipe(there) || pipe(back) || (child = fork()) < 0)
			exit(1);
		if (child == 0)
			echo();
		if (write(there[1], "x", 1) != 1)
			exit(1);
	}
	for (int i = 0; i < ROUND_TRIPS; i++)
		pass(back[0], there[1]);
}

static void programs(void)
{
	for (int i = 0; i < PROGRAMS; i++) {
		pid_t child = vfork();
		if (child == 0) {
			execl("/proc/self/exe", "load", "--end", NULL);
			_exit(1);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			exit(1);
	}
}

static void check(int result)
{
	if (result >= 0)
		return;
	perror("load");
	exit(1);
}

/* To a listener of its own, and reset, so that no port stays in TIME_WAIT. */
static void connections(void)
{
	static int listener = -1;
	static struct sockaddr_in there_in = {.sin_family = AF_INET};
	struct linger at_once = {.l_onoff = 1};
	socklen_t size = sizeof(there_in);

	if (listener < 0) {
		there_in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		check(listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		check(bind(listener, (void *)&there_in, size));
		check(listen(listener, 2 * CONNECTIONS));
		check(getsockname(listener, (void *)&there_in, &size));
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		check(connect(client, (void *)&there_in, size));
		int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		check(server);
		setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(client);
		close(server);
	}
}

static const struct mode {
	const char *name;
	void (*batch)(void);
	int operations;
} modes[] = {
	{"spin", spin, CALLS},           {"wait", wait_private, CALLS}, {"wait-shared", wait_shared, CALLS},    {"wake", wake, CALLS},
	{"getppid", parent_id, CALLS}, {"hand-over", hand_over, ROUND_TRIPS}, {"pipes", pipes, ROUND_TRIPS},
	{"exec", programs, PROGRAMS}, {"connect", connections, CONNECTIONS},
};

static const struct mode *mode_of(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	fprintf(stderr, "load: there is no mode %s\n", name);
	exit(2);
}

/* Both sides of a hand-over on one CPU: else most of the time is the waking of an idle CPU, which a virtual machine makes a lottery. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int ascending(const void *a, const void *b)
{
	return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

static double timed(const struct mode *mode)
{
	double begun = now_ns();
	mode->batch();
	return (now_ns() - begun) / mode->operations;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, used = argc - 2;
	const struct mode *chosen[MAX_MODES];
	char line[8];

	if (argc == 2 && !strcmp(argv[1], "--end"))
		return 0;
	if (count < 1 || used < 1 || used > MAX_MODES)
		return 2;
	for (int i = 0; i < used; i++)
		chosen[i] = mode_of(argv[2 + i]);
	double *samples = calloc(used * count, sizeof(*samples));
	alarm(600); // a forgotten one ends by itself
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!samples || !fgets(line, sizeof(line), stdin))
		return 1;
	stay_on_this_cpu();
	for (int i = 0; i < used; i++)
		timed(chosen[i]); // warm up
	for (int batch = 0; batch < count; batch++)
		for (int i = 0; i < used; i++)
			samples[i * count + batch] = timed(chosen[i]);
	for (int i = 0; i < used; i++) {
		qsort(samples + i * count, count, sizeof(*samples), ascending);
		printf("%s\"%s\":%.1f", i ? "," : "{", chosen[i]->name, samples[i * count + count / 10]);
	}
	printf("}\n");
	return 0;
}
