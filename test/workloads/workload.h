// What every workload shares: options, gate, clock, threads, raw futex calls and one line of JSON.
//
// The rule that makes counts exact without trusting time: nobody releases a lock before the waiter is seen asleep in the
// kernel (wait_until_blocked), and nobody takes it again before the waiter says it is through. Threads tell each other so
// with atomics polled between short naps, never with futexes, so that the only futex calls are the ones under test.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MICROSECOND 1000ull
#define MILLISECOND 1000000ull
#define SECOND 1000000000ull
#define HOLD_NS (5 * MILLISECOND)
#define NOINLINE __attribute__((noinline))

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#ifndef SYS_futex_wake
#define SYS_futex_wake 454
#define SYS_futex_wait 455
#define SYS_futex_requeue 456
#endif

static _Noreturn inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	_exit(1);
}

static inline void check(bool fine, const char *what)
{
	if (!fine)
		die(what);
}

// Time

static inline uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static inline struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

static inline struct timespec after(clockid_t clock, uint64_t ns)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return timespec_of(now.tv_sec * SECOND + now.tv_nsec + ns);
}

static inline void nap(uint64_t ns)
{
	struct timespec left = timespec_of(ns);
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

#define until(condition)                                                                                               \
	do {                                                                                                           \
		uint64_t until_limit = now_ns() + 300 * SECOND;                                                        \
		while (!(condition)) {                                                                                 \
			if (now_ns() > until_limit)                                                                    \
				die("stuck until " #condition);                                                        \
			nap(50 * MICROSECOND);                                                                         \
		}                                                                                                      \
	} while (0)

// Options: -n COUNT, --hold and --gate everywhere; `allowed` names the program's own, with a trailing = when one takes a value.

static struct {
	long count;
	bool hold, gate;
	int argc;
	char **argv;
} workload = {.count = 23};

static inline const char *option(const char *name)
{
	for (int i = 1; i < workload.argc; i++)
		if (!strcmp(workload.argv[i], name))
			return i + 1 < workload.argc ? workload.argv[i + 1] : "";
	return NULL;
}

static inline bool flag(const char *name)
{
	return option(name) != NULL;
}

static inline long number_option(const char *name, long fallback)
{
	const char *text = option(name);
	return text ? strtol(text, NULL, 10) : fallback;
}

static inline bool is_allowed(const char *allowed, const char *argument, bool *takes_value)
{
	size_t length = strlen(argument);
	for (const char *at = allowed; (at = strstr(at, argument)); at += length) {
		char end = at[length];
		*takes_value = end == '=';
		if ((at == allowed || at[-1] == ' ') && (end == ' ' || end == '=' || !end))
			return length > 0;
	}
	return false;
}

static inline void workload_begin(int argc, char **argv, const char *allowed)
{
	workload.argc = argc;
	workload.argv = argv;
	for (int i = 1; i < argc; i++) {
		bool takes_value;
		if (!is_allowed("-n= --hold --gate", argv[i], &takes_value) && !is_allowed(allowed, argv[i], &takes_value)) {
			fprintf(stderr, "usage: %s [-n COUNT] [--gate] [--hold] %s\n", argv[0], allowed);
			exit(2);
		}
		i += takes_value;
	}
	workload.hold = flag("--hold");
	workload.gate = flag("--gate");
	workload.count = number_option("-n", workload.count);
	check(workload.count > 0, "-n must be positive");
	alarm(600); // a forgotten workload ends by itself
}

static inline void read_line(void)
{
	char byte = 0;
	while (byte != '\n' && read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static inline void start_gate(void)
{
	if (!workload.gate)
		return;
	printf("ready %d\n", getpid());
	fflush(stdout);
	read_line();
}

// Raw futex calls: -1 and errno on failure, like syscall(2)

static inline long futex(void *word, int op, uint32_t value, const struct timespec *timeout, void *second, uint32_t third)
{
	return syscall(SYS_futex, word, op, value, timeout, second, third);
}

static inline long futex_wait(void *word, uint32_t value)
{
	return futex(word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static inline long futex_wake(void *word, int count)
{
	return futex(word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

// The operations that carry a count where the timeout would be (REQUEUE, CMP_REQUEUE, CMP_REQUEUE_PI, WAKE_OP)
static inline long futex_two(void *word, int op, int wake, long second_count, void *second, uint32_t third)
{
	return syscall(SYS_futex, word, op, wake, second_count, second, third);
}

// Threads, and seeing them asleep

static inline bool read_proc(pid_t tid, const char *file, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/%s", tid, tid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, text, size - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	return length > 0;
}

static inline char state_of(pid_t tid)
{
	char text[512];
	const char *end = read_proc(tid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
	return end ? end[2] : 0;
}

// The first argument of the system call `tid` sleeps in, or 0 while it runs or sleeps elsewhere. The kernel fills in
// this file only for a thread that is off the CPU and was so throughout.
static inline uint64_t sleeps_on(pid_t tid, long number)
{
	char text[256], *rest;
	if (!read_proc(tid, "syscall", text, sizeof text) || strtol(text, &rest, 10) != number || rest == text)
		return 0;
	uint64_t argument = strtoull(rest, NULL, 16);
	return state_of(tid) == 'S' ? argument : 0;
}

static inline void wait_until_blocked(pid_t tid, const volatile void *word)
{
	until(sleeps_on(tid, SYS_futex) == (uintptr_t)word);
}

// For pthread objects whose futex word is an inner one
static inline bool sleeps_inside(pid_t tid, const volatile void *object, size_t size)
{
	uint64_t word = sleeps_on(tid, SYS_futex);
	return word && word - (uintptr_t)object < size;
}

struct thread {
	const char *name;
	void (*body)(void *);
	void *argument;
	pthread_t handle;
	_Atomic pid_t tid;
};

static inline void *thread_main(void *argument)
{
	struct thread *self = argument;
	check(!pthread_setname_np(pthread_self(), self->name), "pthread_setname_np");
	self->tid = gettid();
	self->body(self->argument);
	return NULL;
}

static inline void start(struct thread *thread, const char *name, void (*body)(void *), void *argument)
{
	static pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 * 1024);
	thread->name = name;
	thread->body = body;
	thread->argument = argument;
	thread->tid = 0;
	errno = pthread_create(&thread->handle, &attributes, thread_main, thread);
	check(!errno, "pthread_create");
	until(thread->tid);
}

// pthread_join sleeps in a futex unless the thread is gone already.
static inline void finish(struct thread *thread)
{
	until(!state_of(thread->tid));
	pthread_join(thread->handle, NULL);
}

static inline pid_t fork_child(void)
{
	fflush(stdout);
	pid_t parent = getpid(), child = fork();
	check(child >= 0, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static inline void reap(pid_t child)
{
	int status;
	check(waitpid(child, &status, 0) == child && !status, "a child failed");
}

static inline void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED, "mmap");
	return memory;
}

// So many bytes at the beginning or at the end of a page, with nothing mapped before and behind it. The gaps are too small for a stack, and
// too large for what else may be mapped there; a page that nobody may use ends the lower one.
static inline void *memory_at_edge(size_t size, bool last)
{
	size_t page = sysconf(_SC_PAGESIZE), gap = 16 * page;
	char *fence = mmap(NULL, page + gap + page + gap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(fence != MAP_FAILED && size <= page, "mmap");
	char *own = fence + page + gap;
	check(!mprotect(own, page, PROT_READ | PROT_WRITE), "mprotect");
	check(!munmap(fence + page, gap) && !munmap(own + page, gap), "munmap");
	return own + (last ? page - size : 0);
}

// Waits timed by the program itself: from just before the call that sleeps to just after it returned

struct tally {
	uint64_t *samples;
	size_t length, capacity;
};

static inline struct tally tally_of(size_t capacity)
{
	return (struct tally){.samples = map_shared(capacity * sizeof(uint64_t)), .capacity = capacity};
}

static inline void record(struct tally *tally, uint64_t begun)
{
	uint64_t ns = now_ns() - begun;
	check(tally->length < tally->capacity, "more waits than expected");
	tally->samples[tally->length++] = ns;
}

static inline uint64_t total_ns(const struct tally *tally)
{
	uint64_t total = 0;
	for (size_t i = 0; i < tally->length; i++)
		total += tally->samples[i];
	return total;
}

static inline int compare_ns(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

// One line of JSON. A key of NULL writes an element of an array.

static bool json_first = true;

static inline void json_key(const char *key)
{
	if (!json_first)
		putchar(',');
	if (key)
		printf("\"%s\":", key);
	json_first = false;
}

static inline void json_open(const char *key, char bracket)
{
	json_key(key);
	putchar(bracket);
	json_first = true;
}

static inline void json_close(char bracket)
{
	putchar(bracket);
	json_first = false;
}

static inline void json_number(const char *key, int64_t value)
{
	json_key(key);
	printf("%lld", (long long)value);
}

static inline void json_text(const char *key, const char *text)
{
	json_key(key);
	printf("\"%s\"", text);
}

static inline void json_address(const char *key, const volatile void *address)
{
	json_key(key);
	printf("\"0x%llx\"", (unsigned long long)(uintptr_t)address);
}

static inline void json_times(const struct tally *tally)
{
	qsort(tally->samples, tally->length, sizeof(uint64_t), compare_ns);
	size_t rank = (tally->length * 99 + 99) / 100;
	json_number("totalNs", total_ns(tally));
	json_number("maxNs", tally->length ? tally->samples[tally->length - 1] : 0);
	json_number("p99Ns", tally->length ? tally->samples[rank - 1] : 0);
}

static inline void json_lock(const volatile void *address, const char *name, uint64_t waits)
{
	json_open(NULL, '{');
	json_address("address", address);
	json_text("name", name);
	json_number("waits", waits);
	json_close('}');
}

static inline void json_thread(const struct thread *thread, uint64_t waits)
{
	json_open(NULL, '{');
	json_number("tid", thread->tid);
	json_text("name", thread->name);
	json_number("waits", waits);
	json_close('}');
}

static inline void json_begin(const char *program)
{
	json_open(NULL, '{');
	json_text("program", program);
	json_number("pid", getpid());
}

static inline void json_end(void)
{
	json_close('}');
	putchar('\n');
	fflush(stdout);
	json_first = true;
	char byte;
	while (workload.hold && read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static inline int skip(const char *program, const char *reason)
{
	json_begin(program);
	json_text("skip", reason);
	json_end();
	return 0;
}
