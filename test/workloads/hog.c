// Takes memory and keeps it: --anon MIB private, --file MIB of a mapped file, --shmem MIB shared. What is asked of it goes first:
// --cgroup DIRECTORY to be in, --node N alone of which memory is taken, --adj its oom_score_adj, --name HEX of the process. --thread HEX: another thread of that name takes
// the private memory. With --hold it stays until stdin ends. What cannot be had kills it, or another one.
#include "workload.h"
#include <linux/mempolicy.h>

#define MIB (1024 * 1024)

static long anon_mib;

static void write_to(const char *directory, const char *file, long value)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", directory, file);
	FILE *stream = fopen(path, "w");
	check(stream && fprintf(stream, "%ld", value) > 0 && !fclose(stream), path);
}

static const char *name_of(const char *hex)
{
	static char name[16];
	memset(name, 0, sizeof name);
	for (size_t i = 0; hex && i < 15 && hex[2 * i]; i++)
		sscanf(hex + 2 * i, "%2hhx", (unsigned char *)&name[i]);
	return name;
}

// A page at a time, so that the limit is met by a fault of one page.
static void touch(char *memory, long mib)
{
	check(memory != MAP_FAILED, "mmap");
	madvise(memory, mib * MIB, MADV_NOHUGEPAGE);
	for (long at = 0; at < mib * MIB; at += 4096)
		memory[at]++;
}

static void take_anon(void *unused)
{
	(void)unused;
	if (anon_mib)
		touch(mmap(NULL, anon_mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), anon_mib);
}

// The file is on whatever $TMPDIR is, and gone with the program.
static void take_file(long mib)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/hog-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	int fd = mkstemp(path);
	check(fd >= 0 && !unlink(path) && !ftruncate(fd, mib * MIB), path);
	touch(mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), mib);
}

int main(int argc, char **argv)
{
	struct thread taker;
	workload_begin(argc, argv, "--cgroup= --adj= --name= --node= --thread= --anon= --file= --shmem=");
	long file_mib = number_option("--file", 0), shmem_mib = number_option("--shmem", 0);
	anon_mib = number_option("--anon", 0);
	if (option("--cgroup"))
		write_to(option("--cgroup"), "cgroup.procs", getpid());
	unsigned long nodes = 1ul << number_option("--node", 0);
	if (option("--node"))
		check(!syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 64), "set_mempolicy");
	if (option("--adj"))
		write_to("/proc/self", "oom_score_adj", number_option("--adj", 0));
	if (option("--name"))
		prctl(PR_SET_NAME, name_of(option("--name")));
	start_gate();
	if (file_mib)
		take_file(file_mib);
	if (shmem_mib)
		touch(mmap(NULL, shmem_mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), shmem_mib);
	if (option("--thread")) {
		start(&taker, name_of(option("--thread")), take_anon, NULL);
		pthread_join(taker.handle, NULL);
	} else {
		take_anon(NULL);
	}

	json_begin("hog");
	json_number("anon", anon_mib * MIB);
	json_number("file", file_mib * MIB);
	json_number("shmem", shmem_mib * MIB);
	json_end();
}
