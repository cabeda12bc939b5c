// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Measures every sleep on a futex: how long, how it ended, who held the lock and who ended it. Does not see locks taken
 * without a system call (nobody waited), 32-bit processes, nor futex operations submitted through io_uring.
 */
#include <ktrace/syscall.bpf.h>
#include "futex/calls.bpf.h"
#include "futex/fates.bpf.h"
#include "futex/tasks.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Tracepoints of the system calls. */

SEC("?tracepoint/syscalls/sys_enter_futex")
int sys_enter_futex__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return futex_begins(ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
}

SEC("?tracepoint/syscalls/sys_exit_futex")
int sys_exit_futex__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return futex_ends(0, ctx->ret);
}

SEC("?tracepoint/syscalls/sys_enter_futex_waitv")
int sys_enter_futex_waitv__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return futex_waitv_begins(ctx->args[0], ctx->args[3]);
}

SEC("?tracepoint/syscalls/sys_enter_futex_wait")
int sys_enter_futex_wait__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return futex_wait_begins(ctx->args[0], ctx->args[1], ctx->args[3], ctx->args[4]);
}

SEC("?tracepoint/syscalls/sys_exit_futex_wake")
int sys_exit_futex_wake__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return futex_wake_ends(0, ctx->ret);
}

SEC("?tracepoint/syscalls/sys_exit_futex_requeue")
int sys_exit_futex_requeue__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return futex_requeue_ends(0, ctx->ret);
}

SEC("?tracepoint/syscalls/sys_enter_restart_syscall")
int sys_enter_restart_syscall__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	return restart_begins();
}

/* One program on the ends of three calls (ALSO_ON in src/tools/futex/tool.ts), so that it is verified and compiled once. */
SEC("?tracepoint/syscalls/sys_exit_restart_syscall")
int sys_exit_restart_syscall__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return wait_ends(ctx->ret);
}

/*
 * The functions of the system calls. Not all ends are seen (left_unseen()); and kretprobes have a few slots only, which sleeping calls
 * occupy, so that further ends are missed.
 */
ON_BEGIN(futex, SYSCALL_FUNCTION(futex), futex_begins(ARGUMENT(0), ARGUMENT(1), ARGUMENT(2), ARGUMENT(3)))
ON_END(futex, SYSCALL_FUNCTION(futex), futex_ends(regs, ret))
ON_BEGIN(futex_waitv, SYSCALL_FUNCTION(futex_waitv), futex_waitv_begins(ARGUMENT(0), ARGUMENT(3)))
ON_END(futex_waitv, SYSCALL_FUNCTION(futex_waitv), wait_ends(ret))
ON_BEGIN(futex_wait, SYSCALL_FUNCTION(futex_wait), futex_wait_begins(ARGUMENT(0), ARGUMENT(1), ARGUMENT(3), ARGUMENT(4)))
ON_END(futex_wait, SYSCALL_FUNCTION(futex_wait), wait_ends(ret))
ON_BEGIN(futex_wake, SYSCALL_FUNCTION(futex_wake), futex2_wake_begins(FUTEX_OP_WAKE2))
ON_END(futex_wake, SYSCALL_FUNCTION(futex_wake), futex_wake_ends(regs, ret))
ON_BEGIN(futex_requeue, SYSCALL_FUNCTION(futex_requeue), futex2_wake_begins(FUTEX_OP_REQUEUE2))
ON_END(futex_requeue, SYSCALL_FUNCTION(futex_requeue), futex_requeue_ends(regs, ret))
ON_BEGIN(restart_syscall, "futex_wait_restart", restart_begins())
ON_END(restart_syscall, "futex_wait_restart", wait_ends(ret)) /* that of the call is not in BTF: it uses no argument */
