// Two threads and one socket: --close ADDRESS: one connects to where no route leads while the other closes the descriptor. --twice ADDRESS: both
// connect at the same instant to where nobody answers. Prints how often connect(2) said what, by number of the error.
#include "workload.h"
#include "sockets.h"

#define ERRORS 256

static struct sockaddr_storage address;
static long told[ERRORS];

static void tell(int error)
{
	__atomic_fetch_add(&told[error < ERRORS ? error : 0], 1, __ATOMIC_RELAXED);
}

struct pair {
	int sock;
	int ready; // threads that are there
};

static void connect_it(void *argument)
{
	struct pair *pair = argument;

	__atomic_fetch_add(&pair->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&pair->ready, __ATOMIC_ACQUIRE) < 2)
		;
	tell(connect(pair->sock, (void *)&address, sizeof(struct sockaddr_in)) ? errno : 0);
}

static void close_it(void *argument)
{
	struct pair *pair = argument;

	__atomic_fetch_add(&pair->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&pair->ready, __ATOMIC_ACQUIRE) < 2)
		;
	for (volatile int i = rand() % 600; i > 0; i--)
		;
	close(pair->sock);
}

// All pairs at once: each lasts as long as nobody answers.
static void twice(long count)
{
	struct thread *threads = calloc(2 * count, sizeof *threads);
	struct pair *pairs = calloc(count, sizeof *pairs);

	for (long i = 0; i < 2 * count; i++) {
		if (i % 2 == 0)
			pairs[i / 2].sock = socket(AF_INET, SOCK_STREAM, 0);
		start(&threads[i], "twice", connect_it, &pairs[i / 2]);
	}
	for (long i = 0; i < 2 * count; i++)
		finish(&threads[i]);
}

static void closing(long count)
{
	struct thread closer, connecter;

	for (long i = 0; i < count; i++) {
		struct pair pair = {.sock = socket(AF_INET, SOCK_STREAM, 0)};

		start(&closer, "closer", close_it, &pair);
		start(&connecter, "connecter", connect_it, &pair);
		finish(&connecter);
		finish(&closer);
	}
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--close= --twice=");
	const char *to = option("--close") ? option("--close") : option("--twice");
	check(to != NULL, "--close ADDRESS or --twice ADDRESS");
	address = address_of(to, AF_INET, 80);
	start_gate();
	if (option("--close"))
		closing(workload.count);
	else
		twice(workload.count);

	json_begin("races");
	json_open("told", '{');
	for (int error = 0; error < ERRORS; error++) {
		char key[16];

		snprintf(key, sizeof key, "%d", error);
		if (told[error])
			json_number(key, told[error]);
	}
	json_close('}');
	json_end();
}
