/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How an attempt begins and ends, and the connection that it became. */
#ifndef CONNECT_ATTEMPTS_BPF_H
#define CONNECT_ATTEMPTS_BPF_H

#include "sockets.bpf.h"

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LISTEN 10

static __always_inline ktrace_ns rtt_of(struct tcp_sock *tcp)
{
	return (__u64)(tcp->srtt_us >> 3) * 1000;
}

/* `tcp`: the same socket, of which the kernel knows the type; NULL: nothing was sent. `since`: when it began. False: it has no event. */
static __always_inline bool tell(struct sock *sk, struct tcp_sock *tcp, const struct connect_attempt *attempt, enum connect_kind kind, ktrace_errno error, ktrace_ktime since)
{
	ktrace_ktime now = bpf_ktime_get_ns();
	struct connect_event *event;

	if (kind != CONNECT_CLOSED && ((only_failed && kind == CONNECT_ESTABLISHED) || now - since < slower_than)) {
		drops_add(CONNECT_FILTERED, 1);
		return false;
	}
	event = events_reserve();
	if (!event) {
		drops_add(kind == CONNECT_CLOSED ? CONNECT_CLOSE_LOST : CONNECT_LOST, 1);
		return false;
	}
	event->time = now;
	event->took = now - since;
	event->owner = attempt->owner;
	event->remote = attempt->remote;
	event->rtt = event->retransmits = event->sent = event->received = 0;
	event->unsent = 1;
	if (tcp) {
		read_local(sk, (void *)tcp, &event->local, true);
		event->unsent = tcp->segs_out == 0;
		event->rtt = attempt->rtt ?: rtt_of(tcp);
		event->retransmits = tcp->total_retrans - attempt->syns_again;
		event->sent = tcp->bytes_sent - tcp->bytes_retrans;
		event->received = tcp->bytes_received - (sk->__sk_common.skc_flags >> SOCK_DONE & 1);
	} else {
		read_local(sk, (void *)sk, &event->local, false);
	}
	event->error = error;
	event->kind = kind;
	event->closer = attempt->closer;
	event->earlier = attempt->earlier;
	events_submit(event);
	return true;
}

/* What is known of a new one, but for where to and the ids. */
static __always_inline void begin(struct sock *sk, struct connect_attempt *attempt, struct task_struct *task, bool direct)
{
	read_owner(task, &attempt->owner);
	attempt->said = last_error_of(sk, direct);
	attempt->soft = SOCK(sk_err_soft);
	attempt->began = bpf_ktime_get_ns();
}

static __always_inline bool begins(int before, int state)
{
	return before == TCP_CLOSE && state == TCP_SYN_SENT;
}

/* Where there is no room, that is counted. */
static __always_inline void put_attempt(const struct connect_key *key, const struct connect_attempt *attempt)
{
	struct connect_attempt *before;

	if (bpf_map_update_elem(&attempts, key, attempt, BPF_NOEXIST) == 0)
		return;
	before = bpf_map_lookup_elem(&attempts, key);
	if (before) {
		drops_add(before->established ? CONNECT_CLOSE_LOST : CONNECT_STALE, 1);
		*before = *attempt;
		return;
	}
	attempts_full_add(0, 1);
}

/* In the context of who opens it: nothing is sent yet. */
static __always_inline int attempt_begins(struct sock *sk)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt attempt = {};
	ktrace_pid tgid = current_tgid();
	struct connect_call *call;

	if (frozen || sk->sk_protocol != IPPROTO_TCP || !current_traced(tgid))
		return 0;
	call = calls_of(current_task());
	if (call)
		call->begun = key.sock;
	read_remote(sk, &attempt.remote, true);
	if (!peer_wanted(&attempt.remote))
		return 0;
	hits_add(0, 1);
	begin(sk, &attempt, current_task(), true);
	attempt.owner.tgid = tgid;
	attempt.owner.tid = current_tid();
	put_attempt(&key, &attempt);
	return 0;
}

/* The attempt of this socket was begun by the call that the current thread is in, whose end will know more. */
static __always_inline bool in_call_of(struct sock *sk)
{
	struct connect_call *call = calls_of(current_task());

	return call && call->socket && call->begun == (__u64)sk;
}

static __always_inline int attempt_ends(struct sock *sk, int state)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	struct tcp_sock *tcp;
	ktrace_errno error;
	bool fetched, sent;

	if (!attempt || attempt->established || attempt->unsent)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (state == TCP_ESTABLISHED) {
		if (lifetime)
			attempt->established = bpf_ktime_get_ns();
		if (!tell(sk, tcp, attempt, CONNECT_ESTABLISHED, 0, attempt->began) || !lifetime)
			bpf_map_delete_elem(&attempts, &key);
		else
			attempt->syns_again = tcp->total_retrans;
		return 0;
	}
	if (state != TCP_CLOSE)
		return 0;
	sent = tcp->segs_out > 0;
	error = sent ? sk->sk_err : 0;
	if (error == 0 && (!sent || sk->sk_shutdown == 0) && in_call_of(sk)) {
		attempt->unsent = 1;
		return 0;
	}
	if (!sent && sk->sk_shutdown == 0) { /* of a 32-bit program, or io_uring */
		tell(sk, 0, attempt, CONNECT_UNSENT, 0, attempt->began);
	} else {
		fetched = true;
		if (error == 0)
			error = said_of(sk, attempt, &fetched);
		tell(sk, tcp, attempt, error && fetched ? CONNECT_ENDED : CONNECT_GAVE_UP, error, attempt->began);
	}
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

/* With `lifetime`: who goes first, and the end. */
static __always_inline int connection_changes(struct sock *sk, int before, int state)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	struct tcp_sock *tcp;
	ktrace_errno error;

	if (!attempt || !attempt->established)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (before == TCP_ESTABLISHED && (state == TCP_FIN_WAIT1 || state == TCP_CLOSE_WAIT)) {
		attempt->closer = state == TCP_FIN_WAIT1 ? CLOSER_LOCAL : CLOSER_REMOTE;
		attempt->rtt = rtt_of(tcp); /* now, for a FIN may be acknowledged late */
	}
	if (state != TCP_CLOSE)
		return 0;
	error = sk->sk_err;
	if (before == TCP_CLOSE_WAIT && error == 0)
		attempt->closer = CLOSER_REMOTE_RESET; /* else LAST_ACK comes between */
	tell(sk, tcp, attempt, CONNECT_CLOSED, error, attempt->established);
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

/* A socket that a listener has accepted: what is known of one at this address is of a socket that was freed, whose end was not seen. */
static __always_inline int accepted(struct sock *sk)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, &key);

	if (!attempt)
		return 0;
	drops_add(attempt->established ? CONNECT_CLOSE_LOST : CONNECT_STALE, 1);
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

static __always_inline int state_changes(struct sock *sk, int before, int state)
{
	if (frozen || sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (before == TCP_LISTEN)
		return accepted(sk);
	if (before == TCP_SYN_SENT || before == TCP_SYN_RECV)
		return attempt_ends(sk, state);
	return lifetime ? connection_changes(sk, before, state) : 0;
}

#endif
