/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* connect(2), for what fails before the socket changes its state, or before a packet. */
#ifndef CONNECT_CALLS_BPF_H
#define CONNECT_CALLS_BPF_H

#include "attempts.bpf.h"

#define SOCKADDR_IN 16 /* bytes; include/uapi/linux/in.h, in6.h: the last four may be missing */
#define SOCKADDR_IN6 24
#define RESTARTS 512 /* ERESTARTSYS, include/linux/errno.h: from there on the call is made again */

/* A call is over whose end was not seen: so nobody knows why the attempt that it began failed before the first packet. */
static __always_inline void drop_call(const struct connect_thread *thread)
{
	struct connect_call *call = bpf_map_lookup_elem(&calls, thread);
	struct connect_attempt *attempt;
	struct connect_key key = {};

	if (!call)
		return;
	key.sock = call->begun;
	attempt = bpf_map_lookup_elem(&attempts, &key);
	if (attempt && attempt->unsent) {
		tell((void *)key.sock, attempt, CONNECT_UNSENT, 0, attempt->began, false);
		bpf_map_delete_elem(&attempts, &key);
	}
	bpf_map_delete_elem(&calls, thread);
}

/* At the beginning of connect(2): whether it can be the beginning of an attempt. */
static __always_inline int connect_begins(__u32 fd, __u64 address, __u32 length)
{
	struct connect_thread thread = { .tid = current_tid() };
	struct connect_call *call;
	struct socket *socket;
	struct sock *sk;

	if (frozen || !current_traced(current_tgid()))
		return 0;
	drop_call(&thread);
	sk = stream_of(current_task(), fd, &socket);
	if (!sk || BPF_CORE_READ(socket, state) != SS_UNCONNECTED || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE)
		return 0;
	call = calls_row(&thread);
	if (!call)
		return 0;
	call->sock = (__u64)sk;
	call->begun = 0;
	call->address = address;
	call->length = length;
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
 * connection, nor where it came of an attempt that another thread began.
 */
static __always_inline bool is_unsent(long result)
{
	return result < 0 && result > -RESTARTS && result != -EINPROGRESS && result != -EALREADY && result != -EISCONN && result != -EINTR &&
	       result != -ETIMEDOUT && result != -ECONNREFUSED && result != -ECONNRESET && result != -ECONNABORTED && result != -EPIPE;
}

static __always_inline int connect_ends(long result)
{
	struct connect_thread thread = { .tid = current_tid() };
	struct connect_call *found = current_call(), call;
	struct connect_attempt *attempt, fresh = {};
	struct connect_key key = {};

	if (!found)
		return 0;
	call = *found;
	bpf_map_delete_elem(&calls, &thread);
	if (frozen)
		return 0;
	if (call.begun) {
		key.sock = call.begun;
		attempt = bpf_map_lookup_elem(&attempts, &key);
		if (attempt && attempt->unsent) {
			tell((void *)call.begun, attempt, CONNECT_UNSENT, -result, attempt->began, false);
			bpf_map_delete_elem(&attempts, &key);
		}
		return 0;
	}
	if (!is_unsent(result))
		return 0;
	read_given(&call, &fresh.remote);
	if (!peer_wanted(&fresh.remote))
		return 0;
	hits_add(0, 1);
	read_owner(current_task(), &fresh.owner);
	fresh.owner.tgid = current_tgid();
	fresh.owner.tid = thread.tid;
	tell((void *)call.sock, &fresh, CONNECT_UNSENT, -result, bpf_ktime_get_ns(), false);
	return 0;
}

#endif
