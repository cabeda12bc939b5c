/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How a process becomes a program, or cannot, and how it ends. */
#ifndef EXEC_LIVES_BPF_H
#define EXEC_LIVES_BPF_H

#include "tell.bpf.h"

#define AT_FDCWD -100 /* include/uapi/linux/fcntl.h */

static __always_inline bool user_traced(__u32 uid)
{
	__u32 i;

	for (i = 0; i < USERS; i++) {
		if (i >= users_count)
			break;
		if (users[i] == uid)
			return true;
	}
	return users_count == 0;
}

/* The exec counts from here on, told or not. */
static __always_inline struct exec_scratch *begin_text(__u32 place)
{
	enum exec_kind kind = place == PLACE_STARTED ? EXEC_STARTED : EXEC_FAILED;
	struct exec_scratch *text = scratch_of(place);

	hits_add(kind, 1);
	if (!text) {
		missed_add(kind, 1);
		return 0;
	}
	text->used = 0;
	text->flags = 0;
	return text;
}

static __always_inline bool exec_traced(struct task_struct *task)
{
	return !frozen && current_traced(task_tgid(task)) && user_traced(BPF_CORE_READ(task, cred, uid.val));
}

/* A process that is known has become a program that is not traced. */
static __always_inline void exec_leaves(struct task_struct *task)
{
	struct exec_state *state = states_of(task);
	struct exec_event *event;

	if (!state)
		return;
	event = event_of(task, state->tgid, EXEC_LEFT, bpf_ktime_get_ns());
	if (event) {
		event->began = state->began;
		events_submit(event);
	}
	states_drop(task);
}

static __always_inline int exec_succeeds(struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	ktrace_ktime now = bpf_ktime_get_ns();
	struct exec_state *state;
	struct exec_scratch *text;

	if (frozen)
		return 0;
	if (!exec_traced(task)) {
		exec_leaves(task);
		return 0;
	}
	command_runs = 1;
	state = states_make(task);
	if (state) {
		state->began = now;
		state->tgid = task_tgid(task);
	} else {
		stateless_add(0, 1);
	}
	text = begin_text(PLACE_STARTED);
	if (!text)
		return 0;
	put_kernel(text, BPF_CORE_READ(binprm, filename));
	put_kernel(text, BPF_CORE_READ(binprm, interp));
	put_places(text, task);
	put_new_arguments(text, task);
	tell_exec(task, text, PLACE_STARTED, now, nested_pidns ? task_tid(task) : old_pid, 0, AT_FDCWD);
	return 0;
}

/* The caller is as it was: what it gave is read from its memory. */
static __always_inline int exec_fails(__u32 place, long result, __s32 dirfd, __u64 path, __u64 arguments)
{
	struct task_struct *task = current_task();
	struct exec_scratch *text;

	if (result >= 0 || result <= -ERESTARTSYS || (from_exec && !command_runs) || !exec_traced(task))
		return 0;
	text = begin_text(place);
	if (!text)
		return 0;
	if (put_user(path, SCRATCH_BYTES, place) == PUT_BEGINNING)
		put_empty(text);
	put_empty(text);
	put_places(text, task);
	put_given_arguments(text, arguments, place);
	tell_exec(task, text, place, bpf_ktime_get_ns(), task_tid(task), -result, dirfd);
	return 0;
}

static __always_inline int execve_ends(struct pt_regs *regs, long result)
{
	return exec_fails(PLACE_EXECVE, result, AT_FDCWD, regs_argument(regs, 0), regs_argument(regs, 1));
}

static __always_inline int execveat_ends(struct pt_regs *regs, long result)
{
	return exec_fails(PLACE_EXECVEAT, result, regs_argument(regs, 0), regs_argument(regs, 1), regs_argument(regs, 2));
}

/* Two threads that end at once may both be the last: user space takes the first event. */
static __always_inline int thread_ends(struct task_struct *task)
{
	struct task_struct *leader = TRUSTED_READ(task, group_leader);
	struct exec_state *state;

	if (frozen || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	state = states_of(leader);
	if (!state || state->ended)
		return 0;
	state->ended = bpf_ktime_get_ns();
	tell_end(leader, EXEC_ENDED, state);
	return 0;
}

/* Also of a first thread whose place another one has taken by an exec: that has not ended the process. */
static __always_inline int process_freed(struct task_struct *task)
{
	struct exec_state *state = states_of(task);

	if (!state)
		return 0;
	if (!frozen && state->ended)
		tell_end(task, EXEC_FREED, state);
	states_drop(task);
	return 0;
}

#endif
