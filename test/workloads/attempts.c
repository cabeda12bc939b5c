// N attempts to connect of each kind in KINDS, in a network of its own that has nothing but a loopback device, and what connect(2), poll(2) and the
// clock said of each. rttNs: what the kernel measured between the SYN and its answer, of those that were connected and timed. A listener whose
// queue is full drops what else arrives, so that an attempt stays on its way. --pending: one such attempt that lasts until the end, and no others.
// --storm: N to a listener, --threads at a time, and no others. --before: the pending one begins before the gate.
#include "sockets.h"
#include <netinet/tcp.h>
#include <poll.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define GIVES_UP_NS (50 * MILLISECOND)

static const char *const KINDS[] = {"accepted", "accepted6", "mapped", "polled", "refused", "refused6", "refusedLater", "gaveUp", "timedOut", "noRoute", "noRoute6", "noPort", "fastOpen", "multipath"};
#define KIND_COUNT (sizeof KINDS / sizeof *KINDS)

static struct sockaddr_storage open4, open6, mapped, closed4, closed6, full, far4, far6;

static int wait_for(int sock, int timeout_ms)
{
	struct pollfd wanted = {.fd = sock, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof error;

	if (poll(&wanted, 1, timeout_ms) == 0)
		return EINPROGRESS;
	check(!getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
	return error;
}

static int new_socket(const struct sockaddr_storage *to, int flags, int protocol)
{
	return socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, protocol);
}

static struct tcp_info info_of(int sock)
{
	struct tcp_info info;
	socklen_t size = sizeof info;

	check(!getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size), "TCP_INFO");
	return info;
}

static void told(const char *kind, const struct sockaddr_storage *to, int error, uint64_t took, uint32_t retransmits, uint32_t rtt_us)
{
	json_open(NULL, '{');
	json_text("kind", kind);
	json_number("port", port_of(to));
	json_number("error", error);
	json_number("tookNs", took);
	json_number("rttNs", error ? 0 : rtt_us * 1000ull);
	json_number("retransmits", retransmits);
	json_close('}');
}

static void blocking(const char *kind, const struct sockaddr_storage *to, int protocol)
{
	int sock = new_socket(to, 0, protocol);
	if (sock < 0 && protocol) // this kernel has none
		return;
	uint64_t begun = now_ns();
	int error = try_connect(sock, to);
	uint64_t took = now_ns() - begun;
	uint32_t rtt_us = protocol ? 0 : info_of(sock).tcpi_rtt; // old kernels refuse to tell it of multipath

	told(kind, to, error, took, 0, rtt_us);
	close(sock);
}

static void later(const char *kind, const struct sockaddr_storage *to, int timeout_ms)
{
	int sock = new_socket(to, SOCK_NONBLOCK, 0);
	uint64_t begun = now_ns();
	int error = try_connect(sock, to);

	if (error == EINPROGRESS)
		error = wait_for(sock, timeout_ms);
	uint64_t took = now_ns() - begun;
	uint32_t rtt_us = info_of(sock).tcpi_rtt;
	close(sock);
	told(kind, to, error, error == EINPROGRESS ? now_ns() - begun : took, 0, rtt_us); // by closing it gives up
}

// All at once, since each takes seconds: one SYN more than the first, and the end of the wait for an answer to that.
static void time_out(void)
{
	int *socks = calloc(workload.count, sizeof *socks), retries = 1;
	uint64_t begun = now_ns();

	for (long i = 0; i < workload.count; i++) {
		socks[i] = new_socket(&full, SOCK_NONBLOCK, 0);
		check(!setsockopt(socks[i], IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries), "TCP_SYNCNT");
		check(try_connect(socks[i], &full) == EINPROGRESS, "a full listener answers");
	}
	for (long i = 0; i < workload.count; i++) {
		int error = wait_for(socks[i], -1);
		uint64_t took = now_ns() - begun;
		told("timedOut", &full, error, took, info_of(socks[i]).tcpi_total_retrans, 0);
		close(socks[i]);
	}
}

// A second socket of one local port to one destination.
static void no_port(void)
{
	struct sockaddr_storage local = address_of("127.0.0.1", AF_INET, 0);
	socklen_t size = sizeof local;
	int one = 1, first = new_socket(&open4, 0, 0), second = new_socket(&open4, 0, 0);

	check(!setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) && !setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "SO_REUSEADDR");
	check(!bind(first, (void *)&local, sizeof(struct sockaddr_in)) && !getsockname(first, (void *)&local, &size), "bind");
	check(!bind(second, (void *)&local, sizeof(struct sockaddr_in)), "bind again");
	check(!try_connect(first, &open4), "connect");
	told("first", &open4, 0, 0, 0, 0);
	told("noPort", &open4, try_connect(second, &open4), 0, 0, 0);
	close(first);
	close(second);
}

static void fast_open(void)
{
	int sock = new_socket(&open4, 0, 0);
	uint64_t begun = now_ns();
	bool sent = sendto(sock, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (void *)&open4, sizeof(struct sockaddr_in)) == 1;

	told("fastOpen", &open4, sent ? 0 : errno, now_ns() - begun, 0, 0);
	close(sock);
}

static void attempt(const char *kind)
{
	if (!strcmp(kind, "accepted"))
		blocking(kind, &open4, 0);
	if (!strcmp(kind, "accepted6"))
		blocking(kind, &open6, 0);
	if (!strcmp(kind, "mapped"))
		blocking(kind, &mapped, 0);
	if (!strcmp(kind, "polled"))
		later(kind, &open4, -1);
	if (!strcmp(kind, "refused"))
		blocking(kind, &closed4, 0);
	if (!strcmp(kind, "refused6"))
		blocking(kind, &closed6, 0);
	if (!strcmp(kind, "refusedLater"))
		later(kind, &closed4, -1);
	if (!strcmp(kind, "gaveUp"))
		later(kind, &full, GIVES_UP_NS / MILLISECOND);
	if (!strcmp(kind, "noRoute"))
		blocking(kind, &far4, 0);
	if (!strcmp(kind, "noRoute6"))
		blocking(kind, &far6, 0);
	if (!strcmp(kind, "noPort"))
		no_port();
	if (!strcmp(kind, "fastOpen"))
		fast_open();
	if (!strcmp(kind, "multipath"))
		blocking(kind, &open4, IPPROTO_MPTCP);
}

static void *accept_all(void *sock)
{
	for (;;) {
		int taken = accept4((int)(intptr_t)sock, NULL, NULL, SOCK_CLOEXEC);
		if (taken >= 0)
			close(taken);
	}
	return NULL;
}

static void storm_of(void *unused)
{
	(void)unused;
	for (long i = 0; i < workload.count; i++) {
		int sock = new_socket(&open4, 0, 0);
		struct linger at_once = {.l_onoff = 1}; // no port stays in TIME_WAIT

		setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		check(!try_connect(sock, &open4), "connect");
		close(sock);
	}
}

static void storm(long threads)
{
	struct thread *list = calloc(threads, sizeof *list);

	for (long i = 0; i < threads; i++)
		start(&list[i], "storm", storm_of, NULL);
	for (long i = 0; i < threads; i++)
		finish(&list[i]);
}

// Backlog 0 takes one connection; the next SYN is dropped.
static void fill(void)
{
	full = address_of("127.0.0.1", AF_INET, 0);
	listener(&full, 0, 0);
	check(!try_connect(new_socket(&full, 0, 0), &full), "fill");
}

static void set_up(void)
{
	pthread_t thread;
	int sock;

	loopback_up();
	open4 = address_of("127.0.0.1", AF_INET, 0);
	open6 = address_of("::1", AF_INET6, 0);
	sock = listener(&open4, 1000, 0);
	listener(&open6, 1000, 0);
	if (flag("--storm")) // else there is room for all, and nobody who wakes up and holds the caller up
		check(!pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)sock), "pthread_create");
	mapped = address_of("::ffff:127.0.0.1", AF_INET6, port_of(&open4));
	closed4 = address_of("127.0.0.1", AF_INET, 1);
	closed6 = address_of("::1", AF_INET6, 1);
	far4 = address_of("198.51.100.1", AF_INET, 80);
	far6 = address_of("2001:db8::1", AF_INET6, 80);
	fill();
}

static int pend(void)
{
	int sock = new_socket(&full, SOCK_NONBLOCK, 0);

	check(try_connect(sock, &full) == EINPROGRESS, "a full listener answers");
	return sock;
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--pending --before --storm --threads=");
	set_up();
	if (flag("--before"))
		pend();
	start_gate();
	uint64_t begun = now_ns();
	json_begin("attempts");
	json_open("attempts", '[');
	if (flag("--storm"))
		storm(number_option("--threads", 2));
	else if (flag("--pending"))
		pend();
	else if (!flag("--before"))
		for (size_t kind = 0; kind < KIND_COUNT; kind++) {
			if (!strcmp(KINDS[kind], "timedOut"))
				time_out();
			else
				for (long i = 0; i < workload.count; i++)
					attempt(KINDS[kind]);
		}
	json_close(']');
	json_number("tookNs", now_ns() - begun);
	json_number("open", port_of(&open4));
	json_number("open6", port_of(&open6));
	json_number("full", port_of(&full));
	json_end();
}
