/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is known of a socket, and whether it is of interest. */
#ifndef CONNECT_SOCKETS_BPF_H
#define CONNECT_SOCKETS_BPF_H

#include <ktrace/descriptor.bpf.h>
#include "../connect.bpf.h"

#define AF_INET 2 /* include/linux/socket.h */
#define AF_INET6 10
#define IPPROTO_TCP 6 /* include/uapi/linux/in.h */
#define IPPROTO_MPTCP 262
#define SOCK_STREAM 1 /* include/linux/net.h */
#define SOCK_DONE 1 /* bit of skc_flags: a FIN has arrived; include/net/sock.h */
#define SO_EE_ORIGIN_ICMP 2 /* include/uapi/linux/errqueue.h */
#define SO_EE_ORIGIN_ICMP6 3

/* A field of a socket; `direct`: the verifier knows the type of `sk`, an argument of a program. Else a call of a helper for each. */
#define SOCK(field) (direct ? sk->field : BPF_CORE_READ(sk, field))

static __always_inline void read_remote(struct sock *sk, struct connect_peer *peer, bool direct)
{
	__be32 address = SOCK(__sk_common.skc_daddr);

	__builtin_memset(peer, 0, sizeof(*peer));
	peer->family = SOCK(__sk_common.skc_family);
	peer->port = bpf_ntohs(SOCK(__sk_common.skc_dport));
	if (peer->family == AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		bpf_probe_read_kernel(peer->address, ADDRESS_BYTES, &sk->__sk_common.skc_v6_daddr);
	else
		__builtin_memcpy(peer->address, &address, sizeof(address));
}

static __always_inline void read_local(struct sock *sk, struct inet_sock *inet, struct connect_peer *peer, bool direct)
{
	__be32 address = SOCK(__sk_common.skc_rcv_saddr);

	__builtin_memset(peer, 0, sizeof(*peer));
	peer->family = SOCK(__sk_common.skc_family);
	peer->port = bpf_ntohs(direct ? inet->inet_sport : BPF_CORE_READ(inet, inet_sport));
	if (peer->family == AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_rcv_saddr))
		bpf_probe_read_kernel(peer->address, ADDRESS_BYTES, &sk->__sk_common.skc_v6_rcv_saddr);
	else
		__builtin_memcpy(peer->address, &address, sizeof(address));
}

static __always_inline __u64 last_error_of(struct sock *sk, bool direct)
{
	return (__u64)SOCK(sk_error_queue.prev);
}

/*
 * What ICMP said of an attempt while a call held the socket, for then it goes on (tcp_v4_err); 0: nothing. `fetched`: the program knows.
 * What is older than the attempt does not count: a socket that is used again keeps both.
 */
static __always_inline ktrace_errno said_of(struct sock *sk, const struct connect_attempt *attempt, bool *fetched)
{
	ktrace_errno error = sk->sk_err_soft;
	struct sk_buff *last = (void *)last_error_of(sk, true);
	struct sock_exterr_skb *said = (void *)last + bpf_core_field_offset(last->cb);
	__u8 origin;

	*fetched = false;
	if (error && error != attempt->soft)
		return error;
	if ((__u64)last == attempt->said || (void *)last == (void *)sk + bpf_core_field_offset(sk->sk_error_queue))
		return 0;
	origin = BPF_CORE_READ(said, ee.ee_origin);
	if (origin != SO_EE_ORIGIN_ICMP && origin != SO_EE_ORIGIN_ICMP6)
		return 0;
	*fetched = error == 0;
	return BPF_CORE_READ(said, ee.ee_errno);
}

/* Of TCP, or of MPTCP. */
static __always_inline bool is_stream(struct sock *sk)
{
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	return BPF_CORE_READ(sk, sk_type) == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

static __always_inline bool port_wanted(__u16 port)
{
	__u32 i;

	for (i = 0; i < PORTS; i++) {
		if (i >= ports_count)
			break;
		if (ports[i] == port)
			return true;
	}
	return ports_count == 0;
}

static __always_inline bool net_wanted(const struct connect_peer *peer)
{
	__u64 address[2] = {};
	__u8 *bytes = (__u8 *)address;
	bool ipv4;
	__u32 i;

	if (peer->family == AF_INET6) {
		__builtin_memcpy(address, peer->address, sizeof(address));
	} else {
		bytes[10] = bytes[11] = 0xff;
		__builtin_memcpy(bytes + 12, peer->address, 4);
	}
	ipv4 = address[0] == 0 && (__u32)address[1] == 0xffff0000; /* ::ffff:0:0/96 */
	for (i = 0; i < NETS; i++) {
		if (i >= nets_count)
			break;
		if (nets_ipv4[i] == (ipv4 ? 1 : 0) && (address[0] & nets[4 * i + 2]) == nets[4 * i] && (address[1] & nets[4 * i + 3]) == nets[4 * i + 1])
			return true;
	}
	return nets_count == 0;
}

static __always_inline bool peer_wanted(const struct connect_peer *peer)
{
	return port_wanted(peer->port) && net_wanted(peer);
}

static __always_inline void read_owner(struct task_struct *task, struct connect_owner *owner)
{
	struct cgroup *cgroup = cgroup_of(task);
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);

	owner->cgroup = cgroup == TASK_READ(task, cgroups, dfl_cgrp) ? BPF_CORE_READ(node, id) : 0;
	owner->uid = TASK_READ(task, cred, uid.val);
	read_comm(owner->comm, task);
	read_comm(owner->process, TASK_READ(task, group_leader));
	bpf_probe_read_kernel_str(owner->cgroup_name, sizeof(owner->cgroup_name), BPF_CORE_READ(node, name));
}

#endif
