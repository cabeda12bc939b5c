/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of kernel.bpf.h that is about sockets. */
#ifndef KTRACE_KERNEL_NET_BPF_H
#define KTRACE_KERNEL_NET_BPF_H

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} KERNEL_STRUCT;

struct sk_buff {
	char cb[48];
} KERNEL_STRUCT;

struct sk_buff_head {
	struct sk_buff *prev;
} KERNEL_STRUCT;

/* Linux 5.17 and later queue what ICMP says of an attempt (45af29ca761c), in `cb`. */
struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
} KERNEL_STRUCT;

struct sock_exterr_skb {
	struct sock_extended_err ee;
} KERNEL_STRUCT;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	unsigned char sk_shutdown;
	int sk_err;
	int sk_err_soft; /* what ICMP said while a call held the socket; gone when the program asks for SO_ERROR */
	struct sk_buff_head sk_error_queue;
} KERNEL_STRUCT;

/* These have a struct sock at their beginning. */
struct inet_sock {
	__be16 inet_sport; /* stays when the port is given back */
} KERNEL_STRUCT;

struct tcp_sock {
	__u32 segs_out;
	__u32 total_retrans;
	__u32 srtt_us; /* smoothed round trip time << 3, microseconds */
	__u64 bytes_sent; /* without headers; more than once what was sent again */
	__u64 bytes_retrans;
	__u64 bytes_received; /* a FIN counts as one */
} KERNEL_STRUCT;

typedef enum {
	SS_UNCONNECTED = 1, /* include/uapi/linux/net.h */
} socket_state;

struct socket {
	socket_state state;
	struct sock *sk;
} KERNEL_STRUCT;

#endif
