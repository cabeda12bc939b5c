// A deadlock between two processes: each holds one of two process-shared robust mutexes in a memfd and waits for the other.
// Prints the cycle as JSON, then "hung PID", then hangs until killed (the child dies with it) or ten minutes have passed.
#include "workload.h"

static pthread_mutex_t *locks; // [0] held by the parent's dl-0, [1] by the child's dl-1
static struct {
	_Atomic pid_t tids[2];
	_Atomic bool held[2];
	_Atomic uintptr_t base[2]; // where each process maps the locks
} *facts;

static void make_locks(int file)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	check(!ftruncate(file, 4096), "ftruncate");
	locks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(locks != MAP_FAILED, "mmap");
	for (int i = 0; i < 2; i++)
		pthread_mutex_init(&locks[i], &attributes);
}

static NOINLINE void take_other_for_ever(int other)
{
	pthread_mutex_lock(&locks[other]);
}

static void walk_into_it(void *argument)
{
	int mine = *(int *)argument;
	facts->tids[mine] = gettid();
	facts->base[mine] = (uintptr_t)locks;
	pthread_mutex_lock(&locks[mine]);
	facts->held[mine] = true;
	until(facts->held[!mine]);
	take_other_for_ever(!mine);
}

static void print_member(int mine, pid_t pid)
{
	json_open(NULL, '{');
	json_number("pid", pid);
	json_number("tid", facts->tids[mine]);
	json_text("name", mine ? "dl-1" : "dl-0");
	json_address("futex", (pthread_mutex_t *)facts->base[mine] + !mine);
	json_number("owner", facts->tids[!mine]);
	json_text("ownerName", mine ? "dl-0" : "dl-1");
	json_close('}');
}

int main(int argc, char **argv)
{
	static int indexes[2] = {0, 1};
	struct thread member;
	workload_begin(argc, argv, "");
	int file = memfd_create("deadlock_shared", MFD_CLOEXEC);
	facts = map_shared(sizeof *facts);
	make_locks(file);
	start_gate();
	pid_t child = fork_child();
	if (!child) { // maps them anew, at another address
		locks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		check(locks != MAP_FAILED, "mmap");
	}
	start(&member, child ? "dl-0" : "dl-1", walk_into_it, &indexes[!child]);
	while (!child)
		pause();
	for (int i = 0; i < 2; i++) {
		until(facts->base[i] && facts->tids[i]);
		wait_until_blocked(facts->tids[i], (pthread_mutex_t *)facts->base[i] + !i);
	}

	json_begin("deadlock_shared");
	json_number("waits", 2);
	json_open("cycle", '[');
	print_member(0, getpid());
	print_member(1, child);
	json_close(']');
	workload.hold = false;
	json_end();
	printf("hung %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
