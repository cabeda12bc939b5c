/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Threads: those that become a command or end, and, by iterators, those that are in a call. */
#ifndef SYSCALLS_TASKS_BPF_H
#define SYSCALLS_TASKS_BPF_H

#include "calls.bpf.h"

static __always_inline void find_task(struct task_struct *task, struct syscalls_task *found)
{
	struct syscall_regs call;
	int i;

	__builtin_memset(found, 0, sizeof(*found));
	found->tgid = task_tgid(task);
	found->tid = task_tid(task);
	found->compat = task_is_compat(task);
	read_call(task, found->compat, &call);
	found->nr = call.over || call.nr < 0 ? -1 : call.nr < OTHER_CALL ? call.nr : OTHER_CALL;
	for (i = 0; i < 6; i++)
		found->args[i] = call.args[i];
	found->sleeping = task_state(task) & TASK_ASLEEP && !(BPF_CORE_READ(task, flags) & PF_EXITING); /* the dead keep their registers */
	found->now = bpf_ktime_get_ns();
	found->last_ran = task_last_ran(task);
	found->clock_now = task_last_ran(current_task());
	BPF_CORE_READ_INTO(&found->comm, task, comm);
}

/* The launcher has become the command, by a call of its own that counts as the first. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec__any, struct task_struct *task)
{
	struct syscalls_state *state;

	if (frozen || !from_exec || command_runs || !process_traced(task_tgid(task)))
		return 0;
	command_runs = 1;
	state = states_of(task);
	if (!state || state->phase != SYSCALLS_STARTING)
		return 0;
	state->phase = SYSCALLS_OUTSIDE;
	if (some_calls && !in_set(wanted_calls, state->compat, state->nr))
		return 0;
	state->phase = SYSCALLS_INSIDE;
	hits_add(HIT_EXECED, 1);
	return 0;
}

/* exit and exit_group end here, and whatever else a thread was in when it was killed. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(thread_end__any, struct task_struct *task)
{
	struct syscalls_state *state = states_of(task);

	if (!state)
		return 0;
	if (!frozen) {
		if (is_open(state))
			end_call(task, state, (struct syscalls_end){ .took = bpf_ktime_get_ns() - state->begin, .dead = !in_set(last_calls, state->compat, state->nr), .flags = EVENT_NO_RETURN }, false);
		states_drop(task);
	} else if (is_open(state)) {
		drops_add(SYSCALLS_DYING, 1);
		state->phase = SYSCALLS_OUTSIDE;
		drops_add(SYSCALLS_DIED, 1);
	}
	return 0;
}

/* Run once, by ktrace itself, when the hooks are in place: learns the threads that are there and the calls that they sleep in. */
SEC("?iter/task")
int seed__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct syscalls_state *state;
	struct syscalls_task found;

	if (!task || BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)) /* workers have the registers of who made them */
		return 0;
	find_task(task, &found);
	if (!task_traced(task, found.tgid, found.tid))
		return 0;
	thread_seen(task, found.tgid);
	if (from_exec || !found.sleeping || found.nr < 0 || (some_calls && !in_set(wanted_calls, found.compat, found.nr)))
		return 0;
	if (states_of(task) || !(state = states_make(task))) /* the hooks have seen it already */
		return 0;
	state->nr = found.nr;
	state->compat = found.compat;
	state->preexisting = 1;
	state->begin = found.now;
	if (found.last_ran && found.clock_now > found.last_ran)
		state->begin -= found.clock_now - found.last_ran;
	state->phase = SYSCALLS_INSIDE;
	drops_add(SYSCALLS_PREEXISTING, 1);
	return 0;
}

/* Every thread that is in a call now. */
SEC("?iter/task")
int inside__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	const struct syscalls_state *state;
	struct syscalls_task found;

	if (!task)
		return 0;
	state = states_of(task); /* whoever has one is traced, under whatever name by now */
	if (!state || !is_open(state))
		return 0;
	find_task(task, &found);
	found.waits = state->phase == SYSCALLS_INTERRUPTED ? state->waits : waits_by_design(task, state, found.now - state->begin);
	found.state = *state;
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

#endif
