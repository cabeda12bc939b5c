// Two threads hand a word to and fro, N = 100,000 times each, with raw futex calls. How often each sleeps differs from run to
// run; what they count from the return values is exact: a wait that returned 0 slept, and was woken by one wake that returned 1.
#include "workload.h"

struct player {
	struct thread thread;
	uint32_t side;
	struct tally waits;
	uint64_t eagain, wakes, woken;
};

static _Atomic uint32_t ball;

static void play(void *argument)
{
	struct player *self = argument;
	for (long i = 0; i < workload.count; i++) {
		while (ball != self->side) {
			uint64_t begun = now_ns();
			if (!futex_wait(&ball, !self->side)) {
				record(&self->waits, begun);
			} else {
				check(errno == EAGAIN, "FUTEX_WAIT");
				self->eagain++;
			}
		}
		ball = !self->side;
		self->wakes++;
		self->woken += futex_wake(&ball, 1);
	}
}

int main(int argc, char **argv)
{
	static struct player players[2];
	workload.count = 100000;
	workload_begin(argc, argv, "");
	for (int i = 0; i < 2; i++)
		players[i] = (struct player){.side = i, .waits = tally_of(2 * workload.count)};
	start_gate();
	start(&players[0].thread, "ping", play, &players[0]);
	start(&players[1].thread, "pong", play, &players[1]);
	finish(&players[0].thread);
	finish(&players[1].thread);

	struct tally all = tally_of(4 * workload.count);
	uint64_t eagain = 0, wakes = 0, woken = 0;
	for (int i = 0; i < 2; i++) {
		memcpy(all.samples + all.length, players[i].waits.samples, players[i].waits.length * sizeof(uint64_t));
		all.length += players[i].waits.length;
		eagain += players[i].eagain;
		wakes += players[i].wakes;
		woken += players[i].woken;
	}
	check(woken == all.length, "sleeps and wakes do not match");

	json_begin("pingpong");
	json_number("rounds", workload.count);
	json_number("waits", all.length);
	json_number("eagain", eagain);
	json_number("wakes", wakes);
	json_number("woken", woken);
	json_times(&all);
	json_open("locks", '[');
	json_lock(&ball, "ball", all.length);
	json_close(']');
	json_open("threads", '[');
	json_thread(&players[0].thread, players[0].waits.length);
	json_thread(&players[1].thread, players[1].waits.length);
	json_close(']');
	json_end();
}
