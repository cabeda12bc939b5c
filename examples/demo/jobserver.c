// A small threaded job server with one flaw to find: the flusher writes the statistics to disk while it holds stats_lock,
// and every worker needs that lock at the end of every job. Everything else in it is healthy, the idle mailers too.
//
//   jobserver [-t SECONDS]     runs for 30 s, or until SIGINT or SIGTERM

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 4
#define MAILERS 4

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	long jobs;
	bool closed;
};

static struct queue job_queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
static struct queue mail_queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
static pthread_rwlock_t config_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct { long job_us, version; } config = {.job_us = 200};
static pthread_mutex_t stats_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { long jobs_done, flushes; } stats;
static volatile sig_atomic_t stopping;

static void stop(int signal_number) { stopping = signal_number; }

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

static void queue_push(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->jobs++;
	pthread_mutex_unlock(&queue->lock);
	pthread_cond_signal(&queue->filled);
}

static bool queue_pop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (!queue->jobs && !queue->closed)
		pthread_cond_wait(&queue->filled, &queue->lock);
	bool got_one = !queue->closed;
	queue->jobs -= got_one;
	pthread_mutex_unlock(&queue->lock);
	return got_one;
}

static void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_mutex_unlock(&queue->lock);
	pthread_cond_broadcast(&queue->filled);
}

static void do_job(void)
{
	pthread_rwlock_rdlock(&config_lock);
	sleep_us(config.job_us); // stands for the work
	pthread_rwlock_unlock(&config_lock);
}

static void count_job(void)
{
	pthread_mutex_lock(&stats_lock);
	stats.jobs_done++;
	pthread_mutex_unlock(&stats_lock);
}

static void *worker(void *unused)
{
	for (; queue_pop(&job_queue); count_job())
		do_job();
	return unused;
}

static void *mailer(void *unused)
{
	while (queue_pop(&mail_queue)) // nothing is ever mailed: these wait, and nobody should mind
		sleep_us(1000);
	return unused;
}

static void *flusher(void *unused)
{
	while (!stopping) {
		pthread_mutex_lock(&stats_lock);
		stats.flushes++;
		sleep_us(3000); // stands for write() and fsync(); the flaw: do them after the unlock, from a copy
		pthread_mutex_unlock(&stats_lock);
		sleep_us(5000);
	}
	return unused;
}

static void *reloader(void *unused)
{
	while (!stopping) {
		pthread_rwlock_wrlock(&config_lock);
		config.version++;
		sleep_us(1000);
		pthread_rwlock_unlock(&config_lock);
		sleep_us(100000);
	}
	return unused;
}

static pthread_t start(void *(*body)(void *), const char *name)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, body, NULL) || pthread_setname_np(thread, name))
		abort();
	return thread;
}

int main(int argc, char **argv)
{
	static const char *const names[WORKERS + MAILERS] = {"worker-0", "worker-1", "worker-2", "worker-3",
							     "mailer-0", "mailer-1", "mailer-2", "mailer-3"};
	long seconds = argc == 3 && !strcmp(argv[1], "-t") ? atol(argv[2]) : 30;
	pthread_t threads[WORKERS + MAILERS + 2];

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	for (int i = 0; i < WORKERS + MAILERS; i++)
		threads[i] = start(i < WORKERS ? worker : mailer, names[i]);
	threads[WORKERS + MAILERS] = start(flusher, "flusher");
	threads[WORKERS + MAILERS + 1] = start(reloader, "reloader");

	for (time_t end = time(NULL) + seconds; !stopping && time(NULL) < end; sleep_us(500))
		queue_push(&job_queue);
	stopping = 1;
	queue_close(&job_queue);
	queue_close(&mail_queue);
	for (int i = 0; i < WORKERS + MAILERS + 2; i++)
		pthread_join(threads[i], NULL);
	printf("%ld jobs done, statistics flushed %ld times, configuration version %ld\n", stats.jobs_done, stats.flushes, config.version);
}
