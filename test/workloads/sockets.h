// For workloads with sockets: a network of their own that has nothing but a loopback device.
#pragma once
#include "workload.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static inline struct sockaddr_storage address_of(const char *text, int family, uint16_t port)
{
	struct sockaddr_storage storage = {.ss_family = family};
	struct sockaddr_in *in = (void *)&storage;
	struct sockaddr_in6 *in6 = (void *)&storage;

	if (family == AF_INET) {
		in->sin_port = htons(port);
		check(inet_pton(family, text, &in->sin_addr) == 1, text);
	} else {
		in6->sin6_port = htons(port);
		check(inet_pton(family, text, &in6->sin6_addr) == 1, text);
	}
	return storage;
}

static inline uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(((const struct sockaddr_in *)address)->sin_port); // where struct sockaddr_in6 has it, too
}

static inline void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	check(!unshare(CLONE_NEWNET), "unshare");
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(!ioctl(control, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
	close(control);
}

static inline int listener(struct sockaddr_storage *address, int backlog, int protocol)
{
	socklen_t size = sizeof *address;
	int sock = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	check(sock >= 0 && !bind(sock, (void *)address, size) && !listen(sock, backlog) && !getsockname(sock, (void *)address, &size), "listen");
	return sock;
}

static inline int try_connect(int sock, const struct sockaddr_storage *address)
{
	return connect(sock, (const void *)address, address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) ? errno : 0;
}
