/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* connect(2), for what fails before the socket changes its state, or before a packet. */
#ifndef CONNECT_CALLS_BPF_H
#define CONNECT_CALLS_BPF_H

#include "attempts.bpf.h"

#define SOCKADDR_IN 16 /* bytes; include/uapi/linux/in.h, in6.h: the last four may be missing */
#define SOCKADDR_IN6 24

/* The attempt of a call that is over, if that ended it before the first packet. */
static __always_inline void tell_unsent(const struct connect_key *key, ktrace_errno error)
{
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, key);

	if (!attempt || !attempt->unsent)
		return;
	tell((void *)key->sock, 0, attempt, CONNECT_UNSENT, error, attempt->began);
	bpf_map_delete_elem(&attempts, key);
}

/* A call is over whose end was not seen: so nobody knows why the attempt that it began failed before the first packet. */
static __always_inline void drop_call(struct connect_call *call)
{
	struct connect_key key = { call->begun };

	if (!call->socket)
		return;
	call->socket = 0;
	if (key.sock)
		tell_unsent(&key, 0);
}

static __always_inline __be16 port_of(struct sock *sk)
{
	return BPF_CORE_READ((struct inet_sock *)sk, inet_sport);
}

/* At the beginning of connect(2): whether it can be the beginning of an attempt. */
static __always_inline int connect_begins(__u32 fd, __u64 address, __u32 length)
{
	struct task_struct *task = current_task();
	struct connect_call *call;
	struct socket *socket;
	struct sock *sk;

	if (frozen || !current_traced(current_tgid()))
		return 0;
	call = calls_make(task);
	if (!call) {
		callless_add(0, 1);
		return 0;
	}
	drop_call(call);
	/* What it is will be looked at when it failed, which is seldom: until then it may be no socket at all. */
	socket = BPF_CORE_READ(file_of(task, fd), private_data);
	if (BPF_CORE_READ(socket, state) != SS_UNCONNECTED)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE) /* another thread is just beginning */
		return 0;
	call->socket = (__u64)socket;
	call->sock = (__u64)sk;
	call->port = port_of(sk);
	call->begun = 0;
	call->address = address;
	call->length = length;
	call->fd = fd;
	return 0;
}

/* Where the call asked for, from the memory of the caller; family 0: that was no address. */
static __always_inline void read_given(const struct connect_call *call, struct connect_peer *peer)
{
	struct {
		__u16 family;
		__be16 port;
		__u8 rest[24]; /* struct sockaddr_in: the address; struct sockaddr_in6: 4 bytes, the address, 4 bytes */
	} given = {};

	__builtin_memset(peer, 0, sizeof(*peer));
	if (call->length < SOCKADDR_IN || bpf_probe_read_user(&given, call->length < SOCKADDR_IN6 ? SOCKADDR_IN : sizeof(given), (const void *)call->address))
		return;
	if (given.family == AF_INET6 && call->length >= SOCKADDR_IN6)
		__builtin_memcpy(peer->address, given.rest + 4, ADDRESS_BYTES);
	else if (given.family == AF_INET)
		__builtin_memcpy(peer->address, given.rest, 4);
	else
		return;
	peer->family = given.family;
	peer->port = bpf_ntohs(given.port);
}

/*
 * Whether connect(2) that began no attempt tells with this that it failed before the first packet. Not where there is one under way or a
 * connection, nor where it came of an attempt that another thread began, which took a local port: that stays when it is given back.
 */
static __always_inline bool is_unsent(const struct connect_call *call, long result)
{
	return result < 0 && result > -ERESTARTSYS && result != -EINPROGRESS && result != -EALREADY && result != -EISCONN && result != -EINTR &&
	       result != -ETIMEDOUT && result != -ECONNREFUSED && result != -ECONNRESET && result != -ECONNABORTED && result != -EPIPE &&
	       port_of((void *)call->sock) == call->port;
}

/*
 * Whether the call was of a socket of TCP. Another thread may have closed the descriptor meanwhile: then the error says whether it was a
 * socket at all, and what is left of that in memory, of which kind.
 */
static __always_inline bool was_stream(struct task_struct *task, const struct connect_call *call, long result)
{
	struct socket *now = socket_of(file_of(task, call->fd));

	if ((__u64)now != call->socket && (result == -EBADF || result == -ENOTSOCK || result == -EFAULT || result == -EINVAL))
		return false;
	return is_stream((void *)call->sock);
}

static __always_inline int connect_ends(long result)
{
	struct task_struct *task = current_task();
	struct connect_call *found = calls_of(task), call;
	struct connect_attempt fresh = {};

	if (!found || !found->socket)
		return 0;
	call = *found;
	found->socket = 0;
	if (frozen || result == 0)
		return 0;
	if (call.begun) {
		tell_unsent(&(struct connect_key){ call.begun }, -result);
		return 0;
	}
	if (!is_unsent(&call, result) || !was_stream(task, &call, result))
		return 0;
	read_given(&call, &fresh.remote);
	if (!peer_wanted(&fresh.remote))
		return 0;
	hits_add(0, 1);
	read_owner(task, &fresh.owner);
	fresh.owner.tgid = current_tgid();
	fresh.owner.tid = current_tid();
	tell((void *)call.sock, 0, &fresh, CONNECT_UNSENT, -result, bpf_ktime_get_ns());
	return 0;
}

#endif
