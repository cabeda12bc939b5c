// N rounds of each kind in KINDS with sockets that are used in unusual ways, and what became of the attempts. In a network of its own with nothing
// but a loopback device; --outside: in that of the caller, and the kind "stale" alone, to two addresses of test/kernel/networks.ts.
// again: an attempt is dissolved (connect to AF_UNSPEC), the next one has no route. twice: two threads connect one socket, and wait in vain.
// noPort, noRoute: before the first packet, of MPTCP. unwritten: fast open without a write. raw: no attempt. unix: no address.
// stale: an attempt is rejected by ICMP and dissolved, the next one is dropped, and given up.
#include "sockets.h"
#include <linux/tcp.h>
#include <poll.h>
#include <sys/un.h>

#define PAUSE_NS (20 * MILLISECOND)
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_storage open4, full, far4;

static void told(const char *kind, const char *outcome, int error)
{
	json_open(NULL, '{');
	json_text("kind", kind);
	json_text("outcome", outcome);
	json_number("error", error);
	json_close('}');
}

static void dissolve(int sock)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	check(!connect(sock, &none, sizeof none), "AF_UNSPEC");
}

static int new_socket(const struct sockaddr_storage *to, int flags, int protocol)
{
	return socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, protocol);
}

static void again(void)
{
	int sock = new_socket(&full, SOCK_NONBLOCK, 0);
	check(try_connect(sock, &full) == EINPROGRESS, "a full listener answers");
	dissolve(sock);
	told("again", "gaveUp", 0);
	told("again", "unsent", try_connect(sock, &far4));
	close(sock);
}

static void connect_it(void *sock)
{
	check(try_connect((int)(intptr_t)sock, &full) != 0, "a full listener answers");
}

// All at once, since each takes seconds.
static void twice(void)
{
	struct thread *threads = calloc(2 * workload.count, sizeof *threads);
	int retries = 1;

	for (long i = 0; i < workload.count; i++) {
		int sock = new_socket(&full, 0, 0);
		check(!setsockopt(sock, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries), "TCP_SYNCNT");
		for (int j = 0; j < 2; j++)
			start(&threads[2 * i + j], "twice", connect_it, (void *)(intptr_t)sock);
	}
	for (long i = 0; i < workload.count; i++) {
		finish(&threads[2 * i]);
		finish(&threads[2 * i + 1]);
		told("twice", "timedOut", ETIMEDOUT);
	}
}

static void no_port(void)
{
	struct sockaddr_storage local = address_of("127.0.0.1", AF_INET, 0);
	socklen_t size = sizeof local;
	int one = 1, first = new_socket(&open4, 0, 0), second = new_socket(&open4, 0, IPPROTO_MPTCP);

	if (second >= 0) { // else this kernel has none
		check(!setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) && !setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "SO_REUSEADDR");
		check(!bind(first, (void *)&local, sizeof(struct sockaddr_in)) && !getsockname(first, (void *)&local, &size), "bind");
		check(!bind(second, (void *)&local, sizeof(struct sockaddr_in)), "bind again");
		check(!try_connect(first, &open4), "connect");
		told("noPort", "connected", 0);
		told("noPort", "unsent", try_connect(second, &open4));
		close(second);
	}
	close(first);
}

static void no_route(void)
{
	int sock = new_socket(&far4, 0, IPPROTO_MPTCP);
	if (sock < 0)
		return;
	told("noRoute", "unsent", try_connect(sock, &far4));
	close(sock);
}

static void unwritten(void)
{
	int one = 1, sock = new_socket(&open4, 0, 0);
	check(!setsockopt(sock, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one), "TCP_FASTOPEN_CONNECT");
	check(!try_connect(sock, &open4), "connect without a packet");
	close(sock);
	told("unwritten", "gaveUp", 0);
}

static void raw(void)
{
	int sock = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	check(sock >= 0 && try_connect(sock, &far4) == ENETUNREACH, "raw");
	close(sock);
}

static void unix_address(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "nowhere"};
	int sock = new_socket(&open4, 0, 0);
	check(connect(sock, (void *)&address, sizeof address) && errno != EINPROGRESS, "an address of AF_UNIX");
	told("unix", "unsent", errno);
	close(sock);
}

static void stale(void)
{
	struct sockaddr_storage rejected = address_of("2001:db8:4::1", AF_INET6, 80), dropped = address_of("2001:db8:2::1", AF_INET6, 82);
	int sock = new_socket(&rejected, SOCK_NONBLOCK, 0), error = 0;
	socklen_t size = sizeof error;
	struct pollfd wanted = {.fd = sock, .events = POLLOUT};

	check(try_connect(sock, &rejected) == EINPROGRESS && poll(&wanted, 1, -1) == 1, "connect to an address that is rejected");
	check(!getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
	told("stale", "unreachable", error);
	dissolve(sock);
	check(try_connect(sock, &dropped) == EINPROGRESS, "connect to an address that is dropped");
	nap(PAUSE_NS);
	close(sock);
	told("stale", "gaveUp", 0);
}

static void set_up(void)
{
	loopback_up();
	int knob = open("/proc/sys/net/ipv4/tcp_fastopen", O_WRONLY | O_CLOEXEC);
	check(write(knob, "5", 1) == 1, "tcp_fastopen"); // as a client, and without a cookie
	close(knob);
	open4 = address_of("127.0.0.1", AF_INET, 0);
	listener(&open4, 1000, 0);
	far4 = address_of("198.51.100.1", AF_INET, 80);
	full = address_of("127.0.0.1", AF_INET, 0);
	listener(&full, 0, 0);
	check(!try_connect(new_socket(&full, 0, 0), &full), "fill");
}

int main(int argc, char **argv)
{
	static void (*const KINDS[])(void) = {again, no_port, no_route, unwritten, raw, unix_address};

	workload_begin(argc, argv, "--outside");
	if (!flag("--outside"))
		set_up();
	start_gate();
	json_begin("reused");
	json_open("attempts", '[');
	if (flag("--outside")) {
		for (long i = 0; i < workload.count; i++)
			stale();
	} else {
		for (size_t kind = 0; kind < sizeof KINDS / sizeof *KINDS; kind++)
			for (long i = 0; i < workload.count; i++)
				KINDS[kind]();
		twice();
	}
	json_close(']');
	json_end();
}
