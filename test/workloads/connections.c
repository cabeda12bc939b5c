// N connections of each kind in KINDS over loopback, to their end, and what the kernel's TCP_INFO said of each just before.
// local: the client closes, then the server. remote: the other way round. reset: the client resets. broken: the server does.
#include "sockets.h"
#include <linux/tcp.h>

#define SENT 123
#define RECEIVED 5000

static const char *const KINDS[] = {"local", "remote", "reset", "broken"};
#define KIND_COUNT (sizeof KINDS / sizeof *KINDS)

static void reset(int sock)
{
	struct linger at_once = {.l_onoff = 1};
	check(!setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
	close(sock);
}

static void take(int sock, size_t bytes)
{
	char buffer[RECEIVED];
	while (bytes > 0) {
		ssize_t got = read(sock, buffer, bytes);
		check(got > 0, "read");
		bytes -= got;
	}
}

static void until_end(int sock)
{
	char byte;
	while (read(sock, &byte, 1) > 0)
		;
}

// Until it is over: the kernel has nothing more to send or to wait for. `info` is of before.
static void one(const char *kind, int server, const struct sockaddr_storage *to)
{
	char data[RECEIVED] = {};
	struct tcp_info info = {};
	struct sockaddr_storage local;
	socklen_t size = sizeof info, local_size = sizeof local;
	int client = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	check(!try_connect(client, to), "connect");
	uint64_t begun = now_ns();
	check(!getsockname(client, (void *)&local, &local_size), "getsockname");
	check((other = accept4(server, NULL, NULL, SOCK_CLOEXEC)) >= 0, "accept");
	check(write(client, data, SENT) == SENT, "write");
	take(other, SENT);
	check(write(other, data, RECEIVED) == RECEIVED, "write");
	take(client, RECEIVED);
	nap(50 * MILLISECOND); // the last acknowledgement may be a delayed one
	check(!getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &size), "TCP_INFO");
	uint64_t lasted = now_ns() - begun;
	if (!strcmp(kind, "local")) {
		close(client);
		until_end(other);
		close(other);
	} else if (!strcmp(kind, "remote")) {
		close(other);
		until_end(client);
		close(client);
	} else if (!strcmp(kind, "reset")) {
		reset(client);
		until_end(other);
		close(other);
	} else {
		reset(other);
		until_end(client);
		close(client);
	}
	json_open(NULL, '{');
	json_text("kind", kind);
	json_number("port", port_of(&local));
	json_number("sent", info.tcpi_bytes_sent);
	json_number("received", info.tcpi_bytes_received);
	json_number("rttNs", info.tcpi_rtt * 1000);
	json_number("leastNs", lasted);
	json_number("mostNs", now_ns() - begun);
	json_close('}');
}

int main(int argc, char **argv)
{
	workload_begin(argc, argv, "--six");
	loopback_up();
	struct sockaddr_storage to = flag("--six") ? address_of("::1", AF_INET6, 0) : address_of("127.0.0.1", AF_INET, 0);
	int server = listener(&to, 10, 0);

	start_gate();
	json_begin("connections");
	json_open("connections", '[');
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		for (long i = 0; i < workload.count; i++)
			one(KINDS[kind], server, &to);
	json_close(']');
	json_number("port", port_of(&to));
	json_end();
}
