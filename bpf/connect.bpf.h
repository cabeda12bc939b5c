/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs and user space share, and the maps. */
#ifndef CONNECT_BPF_H
#define CONNECT_BPF_H

#include <ktrace/cgroup.bpf.h>
#include <ktrace/events.bpf.h>
#include <ktrace/follow.bpf.h>

#define ADDRESS_BYTES 16
#define CGROUP_NAME 96 /* the last component of its path, cut; version 1 or 2 */
#define PORTS 16
#define NETS 8

enum connect_kind {
	CONNECT_ESTABLISHED, /* the peer has answered */
	CONNECT_ENDED,	     /* the attempt is over; `error` says why */
	CONNECT_GAVE_UP,     /* the program closed the socket first; `error` is what the network had said of it, 0: nothing */
	CONNECT_UNSENT,	     /* it was over before the first packet; `error` 0: not known */
	CONNECT_CLOSED,	     /* the connection is over */
	CONNECT_KINDS,
};
KTRACE_ENUM_ANCHOR(connect_kind);

/* Who ended a connection. */
enum connect_closer {
	CLOSER_UNKNOWN,
	CLOSER_LOCAL,
	CLOSER_REMOTE,
	CLOSER_REMOTE_RESET, /* the peer; then we reset it */
};
KTRACE_ENUM_ANCHOR(connect_closer);

/* Attempts that are no event. */
enum connect_drop {
	CONNECT_FILTERED, /* neither failed nor as slow as wanted */
	CONNECT_STALE,	  /* their end was not seen: the same socket began another one */
	CONNECT_LOST,	  /* the ring was full */
	CONNECT_CLOSE_LOST, /* of connections, not of attempts */
	CONNECT_DROPS,
};
KTRACE_ENUM_ANCHOR(connect_drop);

struct connect_peer {
	__u32 address[4]; /* as it lies in memory; of IPv4 the first one */
	__u16 port;
	__u16 family; /* AF_INET or AF_INET6, include/linux/socket.h */
	__u32 _zero;
};

/* Who opened a socket. */
struct connect_owner {
	ktrace_id64 cgroup; /* of cgroup v2; 0: it is in none of that */
	ktrace_pid tgid;
	ktrace_tid tid;
	__u32 uid;
	__u32 _zero;
	ktrace_comm comm;
	ktrace_comm process; /* name of the first thread */
	char cgroup_name[CGROUP_NAME];
};

struct connect_key {
	ktrace_addr sock;
};

/* An attempt, and with `lifetime` the connection that it became. */
struct connect_attempt {
	struct connect_owner owner;
	struct connect_peer remote;
	ktrace_ktime began;
	ktrace_ktime established; /* 0: not yet */
	ktrace_ns rtt; /* when the first FIN came or went; 0: none has */
	ktrace_addr said; /* last entry of the socket's queue of errors when it began: it is of an earlier attempt */
	ktrace_errno soft; /* and its soft error */
	__u32 syns_again;
	__u8 earlier; /* it had begun before tracing */
	__u8 unsent;  /* it is over; the end of the system call knows why */
	__u8 closer;  /* enum connect_closer */
	__u8 _zero[5];
};

/* The connect(2) that a thread is in, of a socket that had neither an attempt nor a connection. */
struct connect_call {
	ktrace_addr socket; /* 0: it is in none */
	ktrace_addr sock;
	ktrace_addr begun;  /* the struct sock that an attempt began of: with MPTCP another one; 0: none yet */
	ktrace_addr address;
	__u32 length;
	__u32 fd;
	__be16 port; /* the local one, 0: none yet; of anything else than TCP: any number */
	__u16 _zero0;
	__u32 _zero;
};

struct connect_event {
	ktrace_ktime time;
	ktrace_ns took; /* from the beginning of the attempt; of a connection, from when it was there */
	ktrace_ns rtt;	/* smoothed; 0: not measured */
	ktrace_bytes sent; /* of data, counted once; and received: of a connection that is over */
	ktrace_bytes received;
	struct connect_owner owner;
	struct connect_peer remote;
	struct connect_peer local;
	ktrace_errno error;
	__u32 retransmits;
	__u32 lost; /* events of this CPU before it */
	__u8 kind;  /* enum connect_kind */
	__u8 closer; /* enum connect_closer */
	__u8 earlier;
	__u8 unsent; /* no packet has left */
};

const volatile bool lifetime; /* tell connections that are over, too */
const volatile bool only_failed;
const volatile ktrace_ns slower_than;
const volatile __u16 ports[PORTS];
const volatile __u32 ports_count; /* 0: all */
const volatile __u64 nets[4 * NETS]; /* address and mask, two words each, as they lie in memory; IPv4 as ::ffff:a.b.c.d */
const volatile __u16 nets_ipv4[NETS]; /* 1, or 0: IPv4 and IPv6 are apart, wherever the former is in the latter */
const volatile __u32 nets_count;     /* 0: all */

/* Attempts that began, and were not filtered by whose they are or where they go. */
KTRACE_COUNTERS(hits, __u32, 1)
KTRACE_COUNTERS(drops, enum connect_drop, CONNECT_DROPS)
/* By socket: written when an attempt begins, gone when it (with `lifetime` the connection) is over. User space reads those in flight. */
KTRACE_TABLE(attempts, struct connect_key, struct connect_attempt, 16384)
KTRACE_STATES(calls, struct connect_call)
KTRACE_COUNTERS(callless, __u32, 1) /* calls that are not followed: no memory for their state */
KTRACE_RING(events, connect_event, 4 << 20)

#endif
