/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Iterators: the threads that were there before tracing, and those that wait now. */
#ifndef FUTEX_TASKS_BPF_H
#define FUTEX_TASKS_BPF_H

#include "wait_begin.bpf.h"

/*
 * A wait that began before tracing gets its state here, so that its end is seen like any other; its time counts from now.
 * Runs after the hooks are attached; a thread that leaves its wait at this very moment is counted as stale on its next one.
 */
static __always_inline void adopt_wait(struct task_struct *task, struct futex_found *found)
{
	enum futex_op op = op_of_command(found->args[1]);
	struct futex_call call = {};
	struct futex_state *state;
	struct futex_key key;

	if (!found->sleeping || found->syscall != NR_FUTEX || !op_waits(op))
		return;
	state = state_of(task);
	if (!state || state->phase == FUTEX_WAITING)
		return;
	if (BPF_CORE_READ(task, flags) & PF_EXITING) { /* and may have been cleaned up after already */
		states_drop(task);
		return;
	}
	call.op = op;
	call.uaddr = found->args[0];
	call.val = found->args[2];
	call.flags = wait_flags(found->args[1], found->args[3]);
	forget_call(state);
	state->preexisting = 1; /* before a waker looks */
	begin_call(state, &call, found->now);
	make_key(&key, task, state, found->tgid, call.uaddr, call.flags & FUTEX_PRIVATE_FLAG);
	begin_acquisition(state, &key);
	state->nvcsw = -1;
	count_call(op, FUTEX_ADOPTED, 0); /* a slot of its own: iterators can be preempted, and programs on hooks would lose it */
	drops_add(FUTEX_PREEXISTING, 1);
}

static __always_inline bool find_task(struct task_struct *task, struct futex_found *found)
{
	struct syscall_regs call;
	int i;

	__builtin_memset(found, 0, sizeof(*found));
	found->tgid = task_tgid(task);
	found->tid = task_tid(task);
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD || !process_traced(found->tgid))
		return false;
	read_syscall_regs(task_regs(task), &call);
	found->now = bpf_ktime_get_ns();
	found->last_ran = task_last_ran(task);
	found->clock_now = task_last_ran(current_task());
	found->start_time = BPF_CORE_READ(task, group_leader, start_time);
	found->exec_id = BPF_CORE_READ(task, self_exec_id);
	found->own_tid = task_own_tid(task);
	found->sleeping = task_state(task) != 0 && !(BPF_CORE_READ(task, flags) & PF_EXITING); /* the dead keep their registers */
	found->syscall = call.nr;
	for (i = 0; i < 6; i++)
		found->args[i] = call.args[i];
	BPF_CORE_READ_INTO(&found->comm, task, comm);
	return true;
}

/* Run once, by ktrace itself, when the hooks are in place: learns the threads that are there and the waits they are in. */
SEC("?iter/task")
int seed__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct futex_found found;

	if (!task)
		return 0;
	if (!find_task(task, &found))
		return 0;
	thread_seen(task, found.tgid); /* also those that other filters leave out: they may hold what the others want */
	if (task_traced(task, found.tgid, found.tid))
		adopt_wait(task, &found);
	return 0;
}

static const struct futex_state no_state;

/* Every thread that is in a futex wait now, with its state if tracing saw it begin, and those whose state has something to add to the counts. */
SEC("?iter/task")
int waits__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	const struct futex_state *state;
	struct futex_found found;
	bool waits;

	if (!task || !find_task(task, &found))
		return 0;
	state = states_of(task);
	waits = (state && state->phase == FUTEX_WAITING) ||
		(found.sleeping && (found.syscall == NR_FUTEX || found.syscall == NR_FUTEX_WAITV || found.syscall == NR_FUTEX_WAIT));
	found.waits = waits && task_traced(task, found.tgid, found.tid);
	if (!found.waits && !(state && (state->pending || state->waking)))
		return 0;
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	bpf_seq_write(ctx->meta->seq, state ?: &no_state, sizeof(*state));
	return 0;
}

#endif
