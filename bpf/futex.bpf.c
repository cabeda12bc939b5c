// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Measures every sleep on a futex: how long, how it ended, who held the lock and who ended it. Does not see locks taken
 * without a system call (nobody waited), 32-bit processes, nor futex operations submitted through io_uring.
 */
#include "futex/tasks.bpf.h"
#include "futex/wait_end.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A wake that woke somebody goes to the row of its lock; it makes none, since nobody is known to have waited there. */
__noinline int woke(__u64 uaddr, __u32 flags, __u32 tgid, __u32 threads)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct futex_state *state = state_of(task);
	struct futex_lock *row;
	struct futex_key key;

	if (!state)
		return 0;
	make_key(&key, task, state, tgid, uaddr, flags & FUTEX_PRIVATE_FLAG);
	row = bpf_map_lookup_elem(&locks, &key);
	if (!row)
		return 0;
	__sync_fetch_and_add(&row->wake_calls, 1);
	__sync_fetch_and_add(&row->woken_threads, threads);
	return 0;
}

/* Wakes do not block, so they are counted when they end. `state`: of the waker, if it has one. */
static __always_inline void wake_end(enum futex_op op, __u64 uaddr, __u32 flags, struct futex_state *state,
				     ktrace_pid tgid, long ret)
{
	bool done = ret > 0 || (!ret && op == FUTEX_OP_UNLOCK_PI);

	if (!current_traced(tgid))
		return;
	count_call(op, done ? FUTEX_WOKEN : ret ? FUTEX_ERROR : FUTEX_NEVER_SLEPT, ret);
	if (state)
		state->open = FUTEX_CLOSED;
	if (ret > 0)
		woke(uaddr, flags, tgid, ret);
}

SEC("?tracepoint/syscalls/sys_enter_futex")
int sys_enter_futex__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	struct futex_call call = { .uaddr = ctx->args[0], .op = op_of_command(ctx->args[1]), .val = ctx->args[2] };

	if (frozen || !op_waits(call.op) || !current_traced(current_tgid()))
		return 0;
	call.flags = wait_flags(ctx->args[1], ctx->args[3]);
	if ((call.op == FUTEX_OP_WAIT || call.op == FUTEX_OP_WAIT_BITSET) && begin_in_doubt(&call))
		return 0;
	return wait_begin(call.op, call.uaddr, call.val, call.flags, 0);
}

/* The wait was over when it was adopted: what ends now is a wake call. (A wait would have said so when it began.) */
static __always_inline bool adopted_too_late(struct task_struct *task, struct futex_state *state)
{
	struct pt_regs *regs;

	if (!state->preexisting)
		return false;
	regs = (void *)bpf_task_pt_regs(task);
	if (op_waits(op_of_command(regs_argument(regs, 1))))
		return false;
	state->phase = FUTEX_IDLE;
	drops_add(FUTEX_DROP_STALE, 1);
	return true;
}

SEC("?tracepoint/syscalls/sys_exit_futex")
int sys_exit_futex__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	ktrace_pid tgid = current_tgid();
	struct futex_state *state;
	struct pt_regs *regs;
	enum futex_op op;

	if (frozen || !process_traced(tgid))
		return 0;
	state = bpf_task_storage_get(&states, task, 0, 0);
	if (state && state->phase == FUTEX_WAITING && !adopted_too_late(task, state)) {
		if (state->in_doubt && ctx->ret == -EAGAIN && state->pending && !min_wait_ns &&
		    same_call(&state->pending_call, &state->call)) {
			state->pending++;
			state->phase = FUTEX_IDLE;
			return 0;
		}
		return wait_end(tgid, ctx->ret);
	}
	regs = (void *)bpf_task_pt_regs(task);
	op = op_of_command(regs_argument(regs, 1));
	if (!op_waits(op))
		wake_end(op, regs_argument(regs, 0), regs_argument(regs, 1), state, tgid, ctx->ret);
	else if (current_traced(tgid))
		drops_add(FUTEX_UNMATCHED, 1);
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_futex_waitv")
int sys_enter_futex_waitv__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	struct futex_waitv first = {};

	if (frozen || !current_traced(current_tgid()))
		return 0;
	bpf_probe_read_user(&first, sizeof(first), (void *)ctx->args[0]);
	return wait_begin(FUTEX_OP_WAITV, first.uaddr, first.val, wait_flags(first.flags, ctx->args[3]), ctx->args[0]);
}

/* futex_wait(uaddr, val, mask, flags, timeout, clockid) */
SEC("?tracepoint/syscalls/sys_enter_futex_wait")
int sys_enter_futex_wait__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	if (frozen || !current_traced(current_tgid()))
		return 0;
	return wait_begin(FUTEX_OP_WAIT2, ctx->args[0], ctx->args[1],
			  wait_flags(ctx->args[3] & FUTEX_PRIVATE_FLAG, ctx->args[4]), 0);
}

/* futex_wake(uaddr, mask, nr, flags) */
SEC("?tracepoint/syscalls/sys_exit_futex_wake")
int sys_exit_futex_wake__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	ktrace_pid tgid = current_tgid();
	struct syscall_regs call;

	if (frozen || !process_traced(tgid))
		return 0;
	read_syscall_regs((void *)bpf_task_pt_regs(task), &call);
	wake_end(FUTEX_OP_WAKE2, call.args[0], call.args[3], bpf_task_storage_get(&states, task, 0, 0), tgid, ctx->ret);
	return 0;
}

/* futex_requeue(waiters[2], flags, nr_wake, nr_requeue): from the first to the second */
SEC("?tracepoint/syscalls/sys_exit_futex_requeue")
int sys_exit_futex_requeue__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	ktrace_pid tgid = current_tgid();
	struct futex_waitv from = {};
	struct syscall_regs call;

	if (frozen || !process_traced(tgid))
		return 0;
	read_syscall_regs((void *)bpf_task_pt_regs(task), &call);
	bpf_probe_read_user(&from, sizeof(from), (void *)call.args[0]);
	wake_end(FUTEX_OP_REQUEUE2, from.uaddr, from.flags, bpf_task_storage_get(&states, task, 0, 0), tgid, ctx->ret);
	return 0;
}

/* A timed wait that a signal interrupted goes on in restart_syscall(2): same wait, same beginning. */
SEC("?tracepoint/syscalls/sys_enter_restart_syscall")
int sys_enter_restart_syscall__tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	struct futex_state *state = bpf_task_storage_get(&states, bpf_get_current_task_btf(), 0, 0);

	if (frozen || !state || state->phase != FUTEX_RESTARTING)
		return 0;
	count_call(state->call.op, FUTEX_ENTERED, 0);
	state->call_begin = bpf_ktime_get_ns();
	state->phase = FUTEX_WAITING;
	state->counted = 0;
	state->waker_tid = 0;
	state->waker_uaddr = 0;
	return 0;
}

/* One program on the ends of three calls (ALSO_ON in src/tools/futex/tool.ts), so that it is verified and compiled once. */
SEC("?tracepoint/syscalls/sys_exit_restart_syscall")
int sys_exit_restart_syscall__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	if (!frozen)
		wait_end(current_tgid(), ctx->ret);
	return 0;
}

/* The address that a wake call names: that of the waiter, unless a requeue has moved it; 0 when this is no wake call. */
static __always_inline __u64 woken_at(struct syscall_regs *call, __u64 uaddr)
{
	enum futex_op op = op_of_command(call->args[1]);

	if (call->nr == NR_FUTEX_WAKE)
		return call->args[0];
	if (call->nr != NR_FUTEX || op_waits(op))
		return 0;
	/* FUTEX_WAKE_OP wakes at a second address, too. */
	return op == FUTEX_OP_WAKE_OP && call->args[4] == uaddr ? uaddr : call->args[0];
}

/* The waker runs here, in its own context, so this names the thread that ended a wait without guessing. */
SEC("?tp_btf/sched_waking")
int BPF_PROG(sched_waking__any, struct task_struct *task)
{
	struct syscall_regs call;
	struct futex_state *state;

	if (!nested_pidns && filter_tgid && (__u32)task->tgid != filter_tgid)
		return 0;
	state = bpf_task_storage_get(&states, task, 0, 0);
	if (!state || state->phase != FUTEX_WAITING)
		return 0;
	state->waker_tid = current_tid();
	state->waker_tgid = current_tgid();
	bpf_get_current_comm(state->waker_comm, sizeof(state->waker_comm));
	read_syscall_regs((void *)bpf_task_pt_regs(bpf_get_current_task_btf()), &call);
	state->waker_uaddr = woken_at(&call, state->call.uaddr);
	return 0;
}

/* Nobody will look at this state again. In a wait it is only if the wait was adopted at the very moment that it ended. */
static __always_inline void leave_state(struct futex_state *state)
{
	if (!state)
		return;
	flush_pending(current_tgid());
	if (state->phase == FUTEX_WAITING)
		drops_add(FUTEX_DROP_STALE, 1);
}

/* A new image: the private futexes of the old one are gone, and so is what this thread was doing. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec__any, struct task_struct *task)
{
	if (frozen)
		return 0;
	leave_state(bpf_task_storage_get(&states, task, 0, 0));
	bpf_task_storage_delete(&states, task);
	return 0;
}

/*
 * A thread dies after tracing: what it had open becomes a number. Iterators still find the thread for a while, for ever if it is a
 * leader that nobody reaps; the two counters let user space see whether it looked while that was changing.
 */
static __always_inline void leave_frozen_state(struct futex_state *state)
{
	ktrace_count open = state->pending + (state->phase == FUTEX_WAITING);

	if (!open)
		return;
	drops_add(FUTEX_DYING, open);
	state->phase = FUTEX_IDLE;
	state->pending = 0;
	drops_add(FUTEX_DIED, open);
}

/* A thread ends: nobody will find its state any more. In a wait it can only be when tracing was over before the wait. */
SEC("?tp_btf/sched_process_exit")
int thread_end__any(void *ctx)
{
	struct futex_state *state = bpf_task_storage_get(&states, bpf_get_current_task_btf(), 0, 0);

	if (!state)
		return 0;
	if (frozen)
		leave_frozen_state(state);
	else
		leave_state(state);
	return 0;
}
