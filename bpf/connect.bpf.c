// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Attempts to connect by TCP: to where, by whom, how long they took and what became of them; and connections until they are over.
 * It does not see UDP, nor errors before the first packet of 32-bit programs, of io_uring and of sendto(MSG_FASTOPEN).
 */
#include <bpf/bpf_endian.h>
#include <ktrace/syscall.bpf.h>
#include "connect/calls.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Two programs, for the kernel skips a program that is interrupted by itself: beginnings, in processes, are interrupted by ends, in softirqs. */
SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state_begin__any, struct sock *sk, int before, int state)
{
	return begins(before, state) ? attempt_begins(sk) : 0;
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state_end__any, struct sock *sk, int before, int state)
{
	return begins(before, state) ? 0 : state_changes(sk, before, state);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork__any, struct task_struct *parent, struct task_struct *child)
{
	follow(task_tgid(child), task_tgid(parent));
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit__any, struct task_struct *task)
{
	struct connect_call *call = calls_of(task);

	if (call)
		drop_call(call);
	calls_drop(task);
	forget(task, task_tid(task));
	return 0;
}

/* Run once, by ktrace itself, when the hooks are in place: attempts that are under way. Their beginning is not known. */
SEC("?iter/task_file")
int seed__any(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct connect_attempt attempt = {};
	struct connect_key key = {};
	ktrace_pid tgid;
	struct sock *sk;

	if (!task || !file)
		return 0;
	sk = BPF_CORE_READ(socket_of(file), sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
		return 0;
	key.sock = (__u64)sk;
	tgid = task_tgid(task);
	if (!task_traced(task, tgid, task_tid(task)) || bpf_map_lookup_elem(&attempts, &key))
		return 0;
	read_remote(sk, &attempt.remote, false);
	if (!peer_wanted(&attempt.remote))
		return 0;
	begin(sk, &attempt, task, false);
	attempt.owner.tgid = tgid;
	attempt.owner.tid = task_tid(task);
	attempt.earlier = 1;
	if (bpf_map_update_elem(&attempts, &key, &attempt, BPF_NOEXIST)) {
		if (bpf_map_lookup_elem(&attempts, &key))
			return 0;
		attempts_full_add(0, 1);
	}
	/* Its end came before the row, which nobody would take away. */
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT && bpf_map_delete_elem(&attempts, &key) == 0)
		return 0;
	hits_add(0, 1);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_connect")
int sys_enter_connect__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return connect_begins(ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("?tracepoint/syscalls/sys_exit_connect")
int sys_exit_connect__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return connect_ends(ctx->ret);
}

ON_BEGIN(connect, SYSCALL_FUNCTION(connect), connect_begins(ARGUMENT(0), ARGUMENT(1), ARGUMENT(2)))
ON_END(connect, SYSCALL_FUNCTION(connect), connect_ends(ret))
