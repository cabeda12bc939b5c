/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The life of one call: it begins, may be interrupted, and ends in a row. */
#ifndef SYSCALLS_CALLS_BPF_H
#define SYSCALLS_CALLS_BPF_H

#include "classify.bpf.h"
#include "events.bpf.h"
#include "rows.bpf.h"

static __always_inline __u64 id_of(struct task_struct *task)
{
	switch (rows_by) {
	case SYSCALLS_BY_PROCESS:
		return task_tgid(task);
	case SYSCALLS_BY_THREAD:
		return task_tid(task);
	case SYSCALLS_BY_CGROUP:
		return bpf_get_current_cgroup_id();
	default:
		return 0;
	}
}

static __always_inline bool wanted_error(__u32 error)
{
	__u32 index = error / 64;

	barrier_var(index); /* the compiler knows its range, the verifier does not */
	return wanted_errors[index & ((MAX_ERRNO + 1) / 64 - 1)] >> (error % 64) & 1;
}

/* The call of a state is over. `alone`: in the program on sys_exit. */
static __always_inline void end_call(struct task_struct *task, struct syscalls_state *state, struct syscalls_end end, const bool alone)
{
	struct syscalls_key key = { .nr = state->nr, .compat = state->compat };
	struct syscalls_row *row = 0;

	const bool was_interrupted = state->phase == SYSCALLS_INTERRUPTED;

	state->phase = SYSCALLS_OUTSIDE;
	if ((__s64)end.took < 0) {
		drops_add(SYSCALLS_BACKWARDS, 1);
		return;
	}
	if (end.took < min_wait_ns || (some_errors && !wanted_error(end.error))) {
		drops_add(SYSCALLS_FILTERED, 1);
		return;
	}
	if (state->preexisting)
		end.flags |= EVENT_PREEXISTING;
	key.waits = was_interrupted ? state->waits : waits_by_design(task, state, end.took); /* the registers may be of another call by now */
	if (alone && rows_by == SYSCALLS_BY_CALL)
		row = cpu_row(&key);
	if (row) {
		count_alone(row, &key, &end);
	} else {
		key.id = id_of(task);
		count_by_key(&key, &end);
	}
	if (emit_events && end.took >= slow_ns)
		send_call(task, state, &end);
}

static __always_inline ktrace_addr user_stack(struct task_struct *task)
{
	return BPF_CORE_READ(task_regs(task), sp);
}

/*
 * A call that was interrupted goes on where the thread makes it again, or the one that stands for it, before any other; a handler
 * that makes the same call does so further down the stack, or on another.
 */
static __always_inline bool goes_on(struct task_struct *task, const struct syscalls_state *state, __u32 nr)
{
	return (nr == state->nr || nr == restart_call[state->compat & 1]) && user_stack(task) == state->stack;
}

static __always_inline bool is_open(const struct syscalls_state *state)
{
	return state->phase == SYSCALLS_INSIDE || state->phase == SYSCALLS_INTERRUPTED;
}

static __always_inline void begin_call(struct task_struct *task, struct syscalls_state *state, __u32 nr, bool compat)
{
	state->nr = nr;
	state->compat = compat;
	state->preexisting = 0;
	state->phase = SYSCALLS_INSIDE;
	if (emit_events)
		state->pointed = pointed_now(task, state);
	state->begin = bpf_ktime_get_ns();
}

static __always_inline int call_begins(long nr)
{
	struct task_struct *task = current_task();
	struct syscalls_state *state;
	bool compat;

	if (frozen || !current_traced(task_tgid(task)))
		return 0;
	if (nr < 0 || nr > OTHER_CALL)
		nr = OTHER_CALL;
	compat = task_is_compat(task);
	state = states_of(task);
	if (from_exec && !command_runs) {
		if (!in_set(exec_calls, compat, nr) || !(state = states_make(task)))
			return 0;
		begin_call(task, state, nr, compat);
		state->phase = SYSCALLS_STARTING;
		return 0;
	}
	if (state && state->phase == SYSCALLS_INTERRUPTED) {
		if (goes_on(task, state, nr)) {
			state->phase = SYSCALLS_INSIDE;
			return 0;
		}
		end_call(task, state, (struct syscalls_end){ .took = state->left - state->begin, .error = EINTR, .result = -EINTR, .flags = EVENT_NO_ARGS }, false);
	}
	if (state && state->phase == SYSCALLS_INSIDE) {
		drops_add(SYSCALLS_STALE, 1);
		state->phase = SYSCALLS_OUTSIDE;
	}
	if (some_calls && !in_set(wanted_calls, compat, nr))
		return 0;
	count_hit(HIT_ENTERED);
	if (!state)
		state = states_make(task);
	if (!state) {
		drops_add(SYSCALLS_NO_MEMORY, 1);
		return 0;
	}
	begin_call(task, state, nr, compat);
	return 0;
}

static __always_inline int call_ends(long result)
{
	struct task_struct *task = current_task();
	struct syscalls_state *state;
	ktrace_ktime now;

	if (frozen || (filter_tgid && task_tgid(task) != filter_tgid))
		return 0;
	state = states_of(task);
	if (state && state->phase == SYSCALLS_STARTING)
		state->phase = SYSCALLS_OUTSIDE;
	if (!state || state->phase != SYSCALLS_INSIDE)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_interrupted(result)) {
		state->left = now;
		state->stack = user_stack(task);
		state->waits = waits_by_design(task, state, now - state->begin);
		state->phase = SYSCALLS_INTERRUPTED;
		return 0;
	}
	end_call(task, state, (struct syscalls_end){ .took = now - state->begin, .error = result < 0 && result >= -MAX_ERRNO ? -result : 0, .result = result, .flags = result == 0 && in_set(exec_calls, state->compat, state->nr) ? EVENT_EXECED : 0 }, true);
	return 0;
}

#endif
