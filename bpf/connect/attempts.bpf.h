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
	return (__u64)(BPF_CORE_READ(tcp, srtt_us) >> 3) * 1000;
}

/* `since`: when it began. False: it has no event. */
static __always_inline bool tell(struct sock *sk, const struct connect_attempt *attempt, enum connect_kind kind, ktrace_errno error, ktrace_ktime since, bool direct)
{
	ktrace_ktime now = bpf_ktime_get_ns();
	struct tcp_sock *tcp = (void *)sk;
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
	read_local(sk, &event->local, direct);
	event->rtt = event->retransmits = event->sent = event->received = 0;
	event->unsent = 1;
	if (kind != CONNECT_UNSENT) {
		event->unsent = BPF_CORE_READ(tcp, segs_out) == 0;
		event->rtt = attempt->rtt ?: rtt_of(tcp);
		event->retransmits = BPF_CORE_READ(tcp, total_retrans) - attempt->syns_again;
		event->sent = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
		event->received = BPF_CORE_READ(tcp, bytes_received) - (SOCK(__sk_common.skc_flags) >> SOCK_DONE & 1);
	}
	event->error = error;
	event->kind = kind;
	event->closer = attempt->closer;
	event->earlier = attempt->earlier;
	events_submit(event);
	return true;
}

static __always_inline void begin(struct sock *sk, struct connect_attempt *attempt, struct task_struct *task, const struct connect_peer *remote, bool direct)
{
	read_owner(task, &attempt->owner);
	attempt->remote = *remote;
	attempt->established = 0;
	attempt->rtt = 0;
	attempt->said = last_error_of(sk, direct);
	attempt->soft = SOCK(sk_err_soft);
	attempt->syns_again = 0;
	attempt->earlier = 0;
	attempt->unsent = 0;
	attempt->closer = CLOSER_UNKNOWN;
	attempt->began = bpf_ktime_get_ns();
}

static __always_inline bool begins(int before, int state)
{
	return before == TCP_CLOSE && state == TCP_SYN_SENT;
}

static __always_inline struct connect_call *current_call(void)
{
	struct connect_thread thread = { .tid = current_tid() };

	return bpf_map_lookup_elem(&calls, &thread);
}

/* In the context of who opens it: nothing is sent yet. */
static __always_inline int attempt_begins(struct sock *sk)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt;
	ktrace_pid tgid = current_tgid();
	struct connect_call *call;
	struct connect_peer remote;

	if (frozen || sk->sk_protocol != IPPROTO_TCP || !current_traced(tgid))
		return 0;
	call = current_call();
	if (call)
		call->begun = key.sock;
	read_remote(sk, &remote, true);
	if (!peer_wanted(&remote))
		return 0;
	hits_add(0, 1);
	attempt = attempts_row(&key);
	if (!attempt)
		return 0;
	if (attempt->began)
		drops_add(attempt->established ? CONNECT_CLOSE_LOST : CONNECT_STALE, 1);
	begin(sk, attempt, current_task(), &remote, true);
	attempt->owner.tgid = tgid;
	attempt->owner.tid = current_tid();
	return 0;
}

/* The attempt of this socket was begun by the call that the current thread is in, whose end will know more. */
static __always_inline bool in_call_of(struct sock *sk)
{
	struct connect_call *call = current_call();

	return call && call->begun == (__u64)sk;
}

static __always_inline int attempt_ends(struct sock *sk, int state)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	struct tcp_sock *tcp = (void *)sk;
	bool fetched, sent;
	__u32 syns_again;
	ktrace_errno error;

	if (!attempt || attempt->established || attempt->unsent)
		return 0;
	if (state == TCP_ESTABLISHED) {
		attempt->established = bpf_ktime_get_ns();
		syns_again = BPF_CORE_READ(tcp, total_retrans);
		if (!tell(sk, attempt, CONNECT_ESTABLISHED, 0, attempt->began, true) || !lifetime)
			bpf_map_delete_elem(&attempts, &key);
		else
			attempt->syns_again = syns_again;
		return 0;
	}
	if (state != TCP_CLOSE)
		return 0;
	sent = BPF_CORE_READ(tcp, segs_out) > 0;
	error = sent ? sk->sk_err : 0;
	if (error == 0 && sk->sk_shutdown == 0 && in_call_of(sk)) {
		attempt->unsent = 1;
		return 0;
	}
	if (!sent && sk->sk_shutdown == 0) { /* of a 32-bit program, or io_uring */
		tell(sk, attempt, CONNECT_UNSENT, 0, attempt->began, true);
	} else {
		fetched = true;
		if (error == 0)
			error = said_of(sk, attempt, &fetched);
		tell(sk, attempt, error && fetched ? CONNECT_ENDED : CONNECT_GAVE_UP, error, attempt->began, true);
	}
	bpf_map_delete_elem(&attempts, &key);
	return 0;
}

/* With `lifetime`: who goes first, and the end. */
static __always_inline int connection_changes(struct sock *sk, int before, int state)
{
	struct connect_key key = { (__u64)sk };
	struct connect_attempt *attempt = bpf_map_lookup_elem(&attempts, &key);
	ktrace_errno error;

	if (!attempt || !attempt->established)
		return 0;
	if (before == TCP_ESTABLISHED && (state == TCP_FIN_WAIT1 || state == TCP_CLOSE_WAIT)) {
		attempt->closer = state == TCP_FIN_WAIT1 ? CLOSER_LOCAL : CLOSER_REMOTE;
		attempt->rtt = rtt_of((void *)sk); /* now, for a FIN may be acknowledged late */
	}
	if (state != TCP_CLOSE)
		return 0;
	error = sk->sk_err;
	if (before == TCP_CLOSE_WAIT && error == 0)
		attempt->closer = CLOSER_REMOTE_RESET; /* else LAST_ACK comes between */
	tell(sk, attempt, CONNECT_CLOSED, error, attempt->established, true);
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
