// One process-shared mutex in a file (--file PATH, removed at the end), mapped at different addresses by two processes. First the
// parent holds and the child waits N times, then the other way round. --anon: anonymous shared memory, one address in both.
#include "duel.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PAGE 4096
#define LOCK_AT (PAGE + 64) // not at the start of the file, nor of a page

static NOINLINE void take_shared(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_shared(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static char *map_file(int file)
{
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(memory != MAP_FAILED, "mmap");
	return memory;
}

static void make_lock(void *lock)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &attributes);
}

// A copy, because each process has its own address for the lock; the tally goes back to where both see it.
static void side(struct duel *duel, void *lock, bool holds)
{
	struct duel own = *duel;
	own.object = lock;
	(holds ? hold_side : wait_side)(&own);
	if (!holds)
		duel->waits = own.waits;
}

static void print_process(const char *name, pid_t pid, struct duel *duel)
{
	json_open(NULL, '{');
	json_number("pid", pid);
	json_text("name", name);
	json_address("address", duel->word);
	json_number("waits", duel->waits.length);
	json_times(&duel->waits);
	json_close('}');
}

int main(int argc, char **argv)
{
	char own_path[] = "/tmp/ktrace-shared-XXXXXX";
	workload_begin(argc, argv, "--file= --anon");
	const char *path = option("--file");
	int file = flag("--anon") ? -1 : path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : mkstemp(own_path);
	path = path ?: own_path;
	check(flag("--anon") || (file >= 0 && !ftruncate(file, 2 * PAGE)), path);
	char *here = flag("--anon") ? map_shared(2 * PAGE) : map_file(file);
	char *there = flag("--anon") ? here : map_file(file); // the child gives up `here`, the parent never uses `there`
	make_lock(here + LOCK_AT);

	struct turns *turns = map_shared(2 * sizeof *turns);
	struct duel *duels = map_shared(2 * sizeof *duels);
	for (int i = 0; i < 2; i++) { // the word as the waiter sees it: the child in the first, the parent in the second
		duels[i] = duel_of(NULL, (i ? here : there) + LOCK_AT, take_shared, give_shared);
		duels[i].turns = &turns[i];
	}
	start_gate();
	prctl(PR_SET_NAME, "parent");
	pid_t child = fork_child();
	if (!child) {
		prctl(PR_SET_NAME, "child");
		if (here != there)
			munmap(here, 2 * PAGE);
		side(&duels[0], there + LOCK_AT, false);
		side(&duels[1], there + LOCK_AT, true);
		return 0;
	}
	side(&duels[0], here + LOCK_AT, true);
	side(&duels[1], here + LOCK_AT, false);
	reap(child);

	struct stat facts = {0};
	if (file >= 0)
		fstat(file, &facts);
	json_begin("shared");
	json_number("waits", duels[0].waits.length + duels[1].waits.length);
	json_number("acquisitions", 4 * workload.count);
	if (file >= 0) {
		json_text("file", path);
		json_number("inode", facts.st_ino);
		json_number("deviceMajor", major(facts.st_dev));
		json_number("deviceMinor", minor(facts.st_dev));
	}
	json_number("offset", LOCK_AT);
	json_open("processes", '[');
	print_process("child", child, &duels[0]);
	print_process("parent", getpid(), &duels[1]);
	json_close(']');
	json_end();
	if (file >= 0)
		unlink(path);
}
