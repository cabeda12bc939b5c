// Threads with hostile names, given as hex bytes (--names HEX,HEX…; 15 bytes each at most). The first one holds a mutex, and
// each of the others waits for it N times. The main thread takes the first name too.
#include "duel.h"

#define MOST 32

static pthread_mutex_t hostile_lock = PTHREAD_MUTEX_INITIALIZER;
static char names[MOST][16], hex[MOST][31];
static int name_count;

// ESC [31m red, two lines, markup, a broken JSON string, a formula, bytes that are not UTF-8, a carriage return, a path
static const char default_names[] = "1b5b33316d726564,610a62,3c623e26616d703b,222c2278223a22,3d312b31,fffe80,610d62,2e2e2f2e2e";

static NOINLINE void take_hostile(void *lock)
{
	check(!pthread_mutex_lock(lock), "pthread_mutex_lock");
}

static NOINLINE void give_hostile(void *lock)
{
	check(!pthread_mutex_unlock(lock), "pthread_mutex_unlock");
}

static void read_names(const char *list)
{
	for (const char *at = list; *at && name_count < MOST; name_count++) {
		size_t length = strcspn(at, ",");
		check(length >= 2 && length % 2 == 0 && length <= 30, "a name has 1 to 15 bytes, each two hex digits");
		memcpy(hex[name_count], at, length);
		for (size_t i = 0; i < length / 2; i++)
			sscanf(at + 2 * i, "%2hhx", (unsigned char *)&names[name_count][i]);
		at += length + (at[length] == ',');
	}
	check(name_count >= 2, "two names at least");
}

static void print_thread(int name, const struct thread *thread, uint64_t waits)
{
	json_open(NULL, '{');
	json_number("tid", thread->tid);
	json_text("nameHex", hex[name]);
	json_number("waits", waits);
	json_close('}');
}

int main(int argc, char **argv)
{
	static struct duel duels[MOST];
	workload_begin(argc, argv, "--names=");
	read_names(option("--names") ?: default_names);
	prctl(PR_SET_NAME, names[0]);
	start_gate();
	for (int i = 1; i < name_count; i++) {
		duels[i] = duel_of(&hostile_lock, &hostile_lock, take_hostile, give_hostile);
		duel_start(&duels[i], names[0], names[i]);
		duel_finish(&duels[i]);
	}

	json_begin("renamed");
	json_number("waits", (name_count - 1) * workload.count);
	json_open("locks", '[');
	json_lock(&hostile_lock, "hostile_lock", (name_count - 1) * workload.count);
	json_close(']');
	json_open("threads", '[');
	for (int i = 1; i < name_count; i++) {
		print_thread(0, &duels[i].holder, 0);
		print_thread(i, &duels[i].waiter, duels[i].waits.length);
	}
	json_close(']');
	json_end();
}
