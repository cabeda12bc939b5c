/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What else happens to threads that wait: they are woken, start another program, or die. */
#ifndef FUTEX_FATES_BPF_H
#define FUTEX_FATES_BPF_H

#include "wait_end.bpf.h"

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

/* Whether the thread is still in the call that its state tells of, and not in a later one that merely sleeps, too. */
static __always_inline bool still_waits(struct task_struct *task, const struct futex_state *state)
{
	struct syscall_regs own;

	read_syscall_regs(task_regs(task), &own);
	if (state->call.op == FUTEX_OP_WAITV)
		return own.nr == NR_FUTEX_WAITV && own.args[0] == state->waitv;
	if (own.args[0] != state->call.uaddr)
		return false;
	if (state->call.op == FUTEX_OP_WAIT2)
		return own.nr == NR_FUTEX_WAIT;
	return (own.nr == NR_FUTEX || own.nr == NR_RESTART_SYSCALL) && op_of_command(own.args[1]) == state->call.op;
}

/* A wait whose end may go unseen is over, or about to be: the last time that this happens in a call counts. */
static __always_inline void note_unseen_end(struct task_struct *task, struct futex_state *state)
{
	__u64 signals;

	state->unseen_end = bpf_ktime_get_ns();
	state->unseen_result = 0;
	if (state->waker_uaddr)
		return;
	signals = BPF_CORE_READ(task, pending.signal.sig[0]) | BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]);
	if (signals & ~BPF_CORE_READ(task, blocked.sig[0]))
		state->unseen_result = -EINTR;
	else if (state->call.flags & FUTEX_HAS_TIMEOUT)
		state->unseen_result = -ETIMEDOUT;
}

/* The waker runs here, in its own context, so this names the thread that ended a wait without guessing. */
SEC("?tp_btf/sched_waking")
int BPF_PROG(sched_waking__any, struct task_struct *task)
{
	struct syscall_regs call;
	struct futex_state *state;

	if (!nested_pidns && filter_tgid && (__u32)task->tgid != filter_tgid)
		return 0;
	state = states_of(task);
	if (!state || state->phase != FUTEX_WAITING || (ends_missed && !still_waits(task, state)))
		return 0;
	state->waker_tid = current_tid();
	state->waker_tgid = current_tgid();
	bpf_get_current_comm(state->waker_comm, sizeof(state->waker_comm));
	read_syscall_regs(task_regs(current_task()), &call);
	state->waker_uaddr = woken_at(&call, state->call.uaddr);
	if (ends_missed)
		note_unseen_end(task, state);
	return 0;
}

/* Nobody will look at this state again. In a wait it is only if the end of that went unseen. */
static __always_inline void leave_state(struct futex_state *state)
{
	if (!state)
		return;
	flush_pending(current_tgid());
	if (state->phase == FUTEX_WAITING)
		left_unseen(state, current_tgid());
	wake_left_unseen(state);
}

/* A new image: the private futexes of the old one are gone, and so is what this thread was doing. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec__any, struct task_struct *task)
{
	if (frozen)
		return 0;
	leave_state(states_of(task));
	states_drop(task);
	return 0;
}

/*
 * A thread dies after tracing: what it had open becomes a number. Iterators still find the thread for a while, for ever if it is a
 * leader that nobody reaps; the two counters let user space see whether it looked while that was changing.
 */
static __always_inline void leave_frozen_state(struct futex_state *state)
{
	ktrace_count open = state->pending + (state->phase == FUTEX_WAITING) + (state->waking != 0);

	if (!open)
		return;
	drops_add(FUTEX_DYING, open);
	state->phase = FUTEX_IDLE;
	state->pending = 0;
	state->waking = 0;
	drops_add(FUTEX_DIED, open);
}

/* A thread ends: its state goes with it, or from the hash of older kernels. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(thread_end__any, struct task_struct *task)
{
	struct futex_state *state = states_of(task);

	if (!state)
		return 0;
	if (frozen) {
		leave_frozen_state(state);
		return 0;
	}
	leave_state(state);
	states_drop(task);
	return 0;
}

#endif
