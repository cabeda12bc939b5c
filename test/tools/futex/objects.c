/*
 * Blocks threads on every lock that glibc has and prints, as one line of JSON each, what the kernel and the memory say meanwhile: the
 * arguments of the system call that the thread sleeps in, and the bytes around its futex word. Around the objects lies noise.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PADDED(type, name) static struct { char before[64]; type lock; char after[64]; } name
#define BEFORE 48
#define BYTES 96

static volatile pid_t tids[8];
static pthread_t handles[8];
static volatile int entered;
static const struct timespec tick = { .tv_nsec = 1000000 }, far = { .tv_sec = 4000000000 };

static void nap(void) { nanosleep(&tick, NULL); }

struct body { int slot; void (*wait)(void *); void *lock; };

static void *run(void *argument)
{
	struct body *body = argument;

	tids[body->slot] = gettid();
	body->wait(body->lock);
	return NULL;
}

/* The thread's system call and its arguments, once it sleeps in a futex call at an address within the object. */
static void sleeping_call(pid_t tid, uintptr_t from, uintptr_t to, char *line, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	for (int i = 0; i < 20000; i++) {
		FILE *file = fopen(path, "re");
		unsigned long number = 0, address = 0;

		if (file && fgets(line, size, file) && sscanf(line, "%lu 0x%lx", &number, &address) == 2 && address >= from && address < to &&
		    (number == SYS_futex)) {
			fclose(file);
			line[strcspn(line, "\n")] = 0;
			return;
		}
		if (file)
			fclose(file);
		nap();
	}
	fprintf(stderr, "thread %d never slept there: %s\n", tid, line);
	exit(1);
}

static void show(const char *name, int slot, void *object, size_t size, pid_t holder)
{
	char line[256];
	unsigned long address;
	const unsigned char *from;

	sleeping_call(tids[slot], (uintptr_t)object, (uintptr_t)object + size, line, sizeof(line));
	nap(); /* /proc shows the call from its entry on; the object is as it stays by now */
	sscanf(line, "%*u 0x%lx", &address);
	from = (const unsigned char *)address - BEFORE;
	printf("{\"name\":\"%s\",\"tid\":%d,\"object\":\"%#lx\",\"holder\":%d,\"call\":\"%s\",\"bytes\":\"", name, tids[slot], (unsigned long)object, holder, line);
	for (int i = 0; i < BYTES; i++)
		printf("%02x", from[i]);
	printf("\"}\n");
}

static void start(int slot, void (*wait)(void *), void *lock)
{
	struct body *body = malloc(sizeof(*body));

	*body = (struct body){ slot, wait, lock };
	tids[slot] = 0;
	if (pthread_create(&handles[slot], NULL, run, body))
		abort();
	while (!tids[slot])
		nap();
}

static void lock_mutex(void *lock) { pthread_mutex_lock(lock); entered++; }
static void lock_timed(void *lock) { pthread_mutex_timedlock(lock, &far); entered++; }
static void lock_monotonic(void *lock) { pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &far); entered++; }

static void mutex(const char *name, int kind, int robust, int protocol, int shared, void (*wait)(void *), pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, kind);
	pthread_mutexattr_setrobust(&attributes, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutexattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	if (pthread_mutex_init(lock, &attributes))
		abort();
	pthread_mutex_lock(lock);
	entered = 0;
	start(0, wait, lock);
	show(name, 0, lock, sizeof(*lock), getpid());
	pthread_mutex_unlock(lock);
	while (!entered)
		nap();
	pthread_join(handles[0], NULL); /* dies holding it: the object is not used again */
	memset(lock, 0xa5, sizeof(*lock));
}

static void mutexes(void)
{
	PADDED(pthread_mutex_t, at);
	pthread_mutex_t *heap = malloc(sizeof(*heap)), stack;

	memset(&at, 0xa5, sizeof(at));
	mutex("mutex", PTHREAD_MUTEX_NORMAL, 0, 0, 0, lock_mutex, &at.lock);
	mutex("mutex default", PTHREAD_MUTEX_DEFAULT, 0, 0, 0, lock_mutex, &at.lock);
	mutex("mutex recursive", PTHREAD_MUTEX_RECURSIVE, 0, 0, 0, lock_mutex, &at.lock);
	mutex("mutex error checking", PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0, lock_mutex, &at.lock);
	mutex("mutex adaptive", PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0, 0, lock_mutex, &at.lock);
	mutex("mutex process-shared", PTHREAD_MUTEX_NORMAL, 0, 0, 1, lock_mutex, &at.lock);
	mutex("mutex process-shared recursive", PTHREAD_MUTEX_RECURSIVE, 0, 0, 1, lock_mutex, &at.lock);
	mutex("mutex timed", PTHREAD_MUTEX_NORMAL, 0, 0, 0, lock_timed, &at.lock);
	mutex("mutex timed recursive", PTHREAD_MUTEX_RECURSIVE, 0, 0, 0, lock_timed, &at.lock);
	mutex("mutex timed monotonic", PTHREAD_MUTEX_NORMAL, 0, 0, 0, lock_monotonic, &at.lock);
	mutex("mutex timed process-shared", PTHREAD_MUTEX_NORMAL, 0, 0, 1, lock_timed, &at.lock);
	mutex("mutex on the heap", PTHREAD_MUTEX_NORMAL, 0, 0, 0, lock_mutex, heap);
	mutex("mutex on a stack", PTHREAD_MUTEX_NORMAL, 0, 0, 0, lock_mutex, &stack);
	mutex("robust", PTHREAD_MUTEX_NORMAL, 1, 0, 0, lock_mutex, &at.lock);
	mutex("robust recursive", PTHREAD_MUTEX_RECURSIVE, 1, 0, 0, lock_mutex, &at.lock);
	mutex("robust process-shared", PTHREAD_MUTEX_NORMAL, 1, 0, 1, lock_mutex, &at.lock);
	mutex("robust timed", PTHREAD_MUTEX_NORMAL, 1, 0, 0, lock_timed, &at.lock);
	mutex("PI", PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT, 0, lock_mutex, &at.lock);
	mutex("PI timed", PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT, 0, lock_timed, &at.lock);
	mutex("PI process-shared", PTHREAD_MUTEX_RECURSIVE, 0, PTHREAD_PRIO_INHERIT, 1, lock_mutex, &at.lock);
	mutex("PI robust", PTHREAD_MUTEX_NORMAL, 1, PTHREAD_PRIO_INHERIT, 0, lock_mutex, &at.lock);
}

static void read_lock(void *lock) { pthread_rwlock_rdlock(lock); pthread_rwlock_unlock(lock); }
static void write_lock(void *lock) { pthread_rwlock_wrlock(lock); pthread_rwlock_unlock(lock); }
static void write_timed(void *lock) { pthread_rwlock_timedwrlock(lock, &far); pthread_rwlock_unlock(lock); }

static void rwlock(const char *name, int shared, int kind, int writer_holds, void (*wait)(void *))
{
	PADDED(pthread_rwlock_t, at);
	pthread_rwlockattr_t attributes;

	memset(&at, 0xa5, sizeof(at));
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_rwlockattr_setkind_np(&attributes, kind);
	pthread_rwlock_init(&at.lock, &attributes);
	if (writer_holds)
		pthread_rwlock_wrlock(&at.lock);
	else
		pthread_rwlock_rdlock(&at.lock);
	start(0, wait, &at.lock);
	show(name, 0, &at.lock, sizeof(at.lock), writer_holds ? getpid() : 0);
	pthread_rwlock_unlock(&at.lock);
	pthread_join(handles[0], NULL);
}

static void rwlocks(void)
{
	const int writers_first = PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;

	rwlock("rwlock reader for writer", 0, 0, 1, read_lock);
	rwlock("rwlock writer for writer", 0, 0, 1, write_lock);
	rwlock("rwlock writer for reader", 0, 0, 0, write_lock);
	rwlock("rwlock timed writer for writer", 0, 0, 1, write_timed);
	rwlock("rwlock process-shared reader for writer", 1, 0, 1, read_lock);
	rwlock("rwlock process-shared writer for writer", 1, 0, 1, write_lock);
	rwlock("rwlock process-shared writer for reader", 1, 0, 0, write_lock);
	rwlock("rwlock that prefers writers, reader for writer", 0, writers_first, 1, read_lock);
	rwlock("rwlock that prefers writers, writer for reader", 0, writers_first, 0, write_lock);
}

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static volatile int go;
static int timed_condition;

static void condition_wait(void *condition)
{
	pthread_mutex_lock(&guard);
	if (timed_condition)
		pthread_cond_timedwait(condition, &guard, &far);
	else
		pthread_cond_wait(condition, &guard);
	entered++;
	while (!go)
		pthread_cond_wait(condition, &guard);
	pthread_mutex_unlock(&guard);
}

/* Three threads: after one signal the two older ones are the group that is closed, and the newest is in the other one. */
static void condition(const char *name, int shared)
{
	PADDED(pthread_cond_t, at);
	pthread_condattr_t attributes;
	char title[80];

	memset(&at, 0xa5, sizeof(at));
	pthread_condattr_init(&attributes);
	pthread_condattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_cond_init(&at.lock, &attributes);
	entered = go = 0;
	start(0, condition_wait, &at.lock);
	show(name, 0, &at.lock, sizeof(at.lock), 0);
	start(1, condition_wait, &at.lock);
	start(2, condition_wait, &at.lock);
	snprintf(title, sizeof(title), "%s, among three", name);
	show(title, 1, &at.lock, sizeof(at.lock), 0);
	show(title, 2, &at.lock, sizeof(at.lock), 0);
	pthread_mutex_lock(&guard);
	pthread_cond_signal(&at.lock);
	pthread_mutex_unlock(&guard);
	while (!entered)
		nap();
	snprintf(title, sizeof(title), "%s, after a signal", name);
	for (int i = 0; i < 3; i++)
		show(title, i, &at.lock, sizeof(at.lock), 0);
	pthread_mutex_lock(&guard);
	go = 1;
	pthread_cond_broadcast(&at.lock);
	pthread_mutex_unlock(&guard);
	for (int i = 0; i < 3; i++)
		pthread_join(handles[i], NULL);
}

static void semaphore_wait(void *semaphore) { sem_wait(semaphore); }
static void semaphore_timed(void *semaphore) { sem_timedwait(semaphore, &far); }
static void barrier_wait(void *barrier) { pthread_barrier_wait(barrier); }
static void join_wait(void *thread) { pthread_join(*(pthread_t *)thread, NULL); }
static void file_lock(void *file) { flockfile(file); funlockfile(file); }

static void semaphore(const char *name, int shared, void (*wait)(void *))
{
	PADDED(sem_t, at);

	memset(&at, 0xa5, sizeof(at));
	sem_init(&at.lock, shared, 0);
	start(0, wait, &at.lock);
	show(name, 0, &at.lock, sizeof(at.lock), 0);
	sem_post(&at.lock);
	pthread_join(handles[0], NULL);
}

/* Of two or three threads, so that the number of the round takes every small value; around it noise, or the zeros of .bss. */
static void barrier(const char *name, int shared, int threads, int noise)
{
	PADDED(pthread_barrier_t, at);
	pthread_barrierattr_t attributes;

	memset(&at, noise, sizeof(at));
	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_barrier_init(&at.lock, &attributes, threads);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < threads - 1; i++)
			start(i, barrier_wait, &at.lock);
		for (int i = 0; i < threads - 1; i++)
			show(name, i, &at.lock, sizeof(at.lock), 0);
		pthread_barrier_wait(&at.lock);
		for (int i = 0; i < threads - 1; i++)
			pthread_join(handles[i], NULL);
	}
}

static volatile int stay = 1;
static void linger(void *unused) { (void)unused; while (stay) nap(); }

static void join(void)
{
	uintptr_t thread;

	start(0, linger, NULL);
	thread = (uintptr_t)handles[0];
	start(1, join_wait, &handles[0]);
	show("join", 1, (void *)thread, 4096, tids[0]);
	stay = 0;
	pthread_join(handles[1], NULL);
}

static void stdio_lock(void)
{
	FILE *file = fopen("/dev/null", "we");

	flockfile(file);
	start(0, file_lock, file);
	show("lock inside of glibc", 0, file, 4096, 0);
	funlockfile(file);
	pthread_join(handles[0], NULL);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int once_may_end;
static void once_body(void) { entered = 1; while (!once_may_end) nap(); }
static void once_wait(void *control) { pthread_once(control, once_body); }

static void once_lock(void)
{
	entered = 0;
	start(0, once_wait, &once);
	while (!entered)
		nap();
	start(1, once_wait, &once);
	show("once", 1, &once, sizeof(once), 0);
	once_may_end = 1;
	pthread_join(handles[0], NULL);
	pthread_join(handles[1], NULL);
}

int main(void)
{
	alarm(120);
	printf("{\"glibc\":\"%s\",\"pid\":%d}\n", gnu_get_libc_version(), getpid());
	mutexes();
	rwlocks();
	condition("condition", 0);
	condition("condition process-shared", 1);
	timed_condition = 1;
	condition("condition timed", 0);
	semaphore("semaphore", 0, semaphore_wait);
	semaphore("semaphore process-shared", 1, semaphore_wait);
	semaphore("semaphore timed", 0, semaphore_timed);
	barrier("barrier", 0, 3, 0xa5);
	barrier("barrier of two", 0, 2, 0);
	barrier("barrier process-shared", 1, 2, 0);
	join();
	stdio_lock();
	once_lock();
	return 0;
}
