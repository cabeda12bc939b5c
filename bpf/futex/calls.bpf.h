/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What happens at the beginning and end of each system call on futexes, whatever the hook. */
#ifndef FUTEX_CALLS_BPF_H
#define FUTEX_CALLS_BPF_H

#include "wait_end.bpf.h"

/* A wake that woke somebody goes to the row of its lock; it makes none, since nobody is known to have waited there. */
__noinline int woke(__u64 uaddr, __u32 flags, __u32 tgid, __u32 threads)
{
	struct task_struct *task = current_task();
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

/*
 * Wakes do not block, so they are counted when they end, and where an end may go unseen, as begun too: here, unless wake_begin() has
 * done so of this very call. `state`: of the waker, if it has one.
 */
static __always_inline void wake_end(enum futex_op op, __u64 uaddr, __u32 flags, struct futex_state *state,
				     ktrace_pid tgid, long ret)
{
	bool done = ret > 0 || (!ret && op == FUTEX_OP_UNLOCK_PI);

	if (ends_missed && state && state->waking == 1 + op) {
		state->waking = 0;
	} else {
		if (!current_traced(tgid))
			return;
		if (ends_missed) {
			if (state)
				wake_left_unseen(state);
			count_call(op, FUTEX_ENTERED, 0);
		}
	}
	count_call(op, done ? FUTEX_WOKEN : ret ? FUTEX_ERROR : FUTEX_NEVER_SLEPT, ret);
	if (state)
		state->open = FUTEX_CLOSED;
	if (ret > 0)
		woke(uaddr, flags, tgid, ret);
}

/* The end of the wait was not seen: what ends now is a wake call. (A wait would have said so when it began.) */
static __always_inline bool end_was_missed(struct futex_state *state, struct pt_regs *regs, ktrace_pid tgid)
{
	if ((!ends_missed && !state->preexisting) || op_waits(op_of_command(regs_argument(regs ?: current_regs(), 1))))
		return false;
	left_unseen(state, tgid);
	return true;
}

/* A wake whose end may go unseen: the next thing that the thread does tells. */
static __always_inline int wake_begin(enum futex_op op, ktrace_pid tgid)
{
	struct futex_state *state = state_of(current_task());

	if (!state)
		return 0;
	if (state->phase == FUTEX_WAITING)
		left_unseen(state, tgid);
	wake_left_unseen(state);
	count_call(op, FUTEX_ENTERED, 0);
	state->waking = 1 + op;
	state->open = FUTEX_CLOSED;
	return 0;
}

/* Tracing is over: the first thing that a thread does then tells what came of its open wake. */
static __always_inline int after_tracing(enum futex_wake told)
{
	struct futex_state *state = ends_missed ? states_of(current_task()) : 0;

	if (state && state->waking && state->waking < FUTEX_WAKE_UNDER_WAY)
		state->waking |= told;
	return 0;
}

/* futex(uaddr, command, val, timeout) */
static __always_inline int futex_begins(__u64 uaddr, __u32 command, __u32 val, __u64 timeout)
{
	struct futex_call call = { .uaddr = uaddr, .op = op_of_command(command), .val = val };
	ktrace_pid tgid = current_tgid();

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNSEEN);
	if ((!op_waits(call.op) && !ends_missed) || !current_traced(tgid))
		return 0;
	if (!op_waits(call.op))
		return wake_begin(call.op, tgid);
	call.flags = wait_flags(command, timeout);
	if ((call.op == FUTEX_OP_WAIT || call.op == FUTEX_OP_WAIT_BITSET) && begin_in_doubt(&call))
		return 0;
	return wait_begin(call.op, call.uaddr, call.val, call.flags, 0);
}

/* `regs`: NULL where they have to be looked up, which those who are not traced are spared. */
static __always_inline int futex_ends(struct pt_regs *regs, long ret)
{
	ktrace_pid tgid = current_tgid();
	struct futex_state *state;
	enum futex_op op;

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNDER_WAY);
	if (!process_traced(tgid))
		return 0;
	state = states_of(current_task());
	if (state && state->phase == FUTEX_WAITING && !end_was_missed(state, regs, tgid)) {
		if (state->in_doubt && ret == -EAGAIN && state->pending && !min_wait_ns &&
		    same_call(&state->pending_call, &state->call)) {
			state->pending++;
			state->phase = FUTEX_IDLE;
			return 0;
		}
		return wait_end(tgid, ret, 0);
	}
	regs = regs ?: current_regs();
	op = op_of_command(regs_argument(regs, 1));
	if (!op_waits(op))
		wake_end(op, regs_argument(regs, 0), regs_argument(regs, 1), state, tgid, ret);
	else if (current_traced(tgid))
		drops_add(FUTEX_UNMATCHED, 1);
	return 0;
}

static __always_inline int futex_waitv_begins(__u64 waiters, __u64 timeout)
{
	struct futex_waitv first = {};

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNSEEN);
	if (!current_traced(current_tgid()))
		return 0;
	bpf_probe_read_user(&first, sizeof(first), (void *)waiters);
	return wait_begin(FUTEX_OP_WAITV, first.uaddr, first.val, wait_flags(first.flags, timeout), waiters);
}

/* futex_wait(uaddr, val, mask, flags, timeout, clockid) */
static __always_inline int futex_wait_begins(__u64 uaddr, __u32 val, __u32 flags, __u64 timeout)
{
	if (frozen)
		return after_tracing(FUTEX_WAKE_UNSEEN);
	if (!current_traced(current_tgid()))
		return 0;
	return wait_begin(FUTEX_OP_WAIT2, uaddr, val, wait_flags(flags & FUTEX_PRIVATE_FLAG, timeout), 0);
}

/* futex_wake and futex_requeue */
static __always_inline int futex2_wake_begins(enum futex_op op)
{
	ktrace_pid tgid = current_tgid();

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNSEEN);
	return current_traced(tgid) ? wake_begin(op, tgid) : 0;
}

/* futex_wake(uaddr, mask, nr, flags) */
static __always_inline int futex_wake_ends(struct pt_regs *regs, long ret)
{
	ktrace_pid tgid = current_tgid();

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNDER_WAY);
	if (!process_traced(tgid))
		return 0;
	regs = regs ?: current_regs();
	wake_end(FUTEX_OP_WAKE2, regs_argument(regs, 0), regs_argument(regs, 3), states_of(current_task()), tgid, ret);
	return 0;
}

/* futex_requeue(waiters[2], flags, nr_wake, nr_requeue): from the first to the second */
static __always_inline int futex_requeue_ends(struct pt_regs *regs, long ret)
{
	ktrace_pid tgid = current_tgid();
	struct futex_waitv from = {};

	if (frozen)
		return after_tracing(FUTEX_WAKE_UNDER_WAY);
	if (!process_traced(tgid))
		return 0;
	regs = regs ?: current_regs();
	bpf_probe_read_user(&from, sizeof(from), (void *)regs_argument(regs, 0));
	wake_end(FUTEX_OP_REQUEUE2, from.uaddr, from.flags, states_of(current_task()), tgid, ret);
	return 0;
}

/* A timed wait that a signal interrupted goes on in restart_syscall(2): same wait, same beginning. */
static __always_inline int restart_begins(void)
{
	struct futex_state *state = states_of(current_task());

	if (frozen || !state || state->phase != FUTEX_RESTARTING)
		return 0;
	count_call(state->call.op, FUTEX_ENTERED, 0);
	state->call_begin = bpf_ktime_get_ns();
	state->unseen_end = 0;
	state->phase = FUTEX_WAITING;
	state->counted = 0;
	state->waker_tid = 0;
	state->waker_uaddr = 0;
	return 0;
}

/* The calls that only wait: futex_waitv, futex_wait, restart_syscall. */
static __always_inline int wait_ends(long ret)
{
	return frozen ? 0 : wait_end(current_tgid(), ret, 0);
}

#endif
