/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls sent one by one: those that took long, or all. */
#ifndef SYSCALLS_EVENTS_BPF_H
#define SYSCALLS_EVENTS_BPF_H

#include "classify.bpf.h"
#include "rows.bpf.h"

#define SECOND 1000000000ULL

/* Which argument of a call; `arguments` is text_argument or file_argument. */
static __always_inline __u32 which_argument(const volatile __u8 *arguments, const struct syscalls_state *state)
{
	__u32 index = state->nr + (state->compat ? CALLS_PER_ABI : 0);

	if (state->nr >= CALLS_PER_ABI)
		return 0;
	barrier_var(index); /* the compiler knows its range, the verifier does not */
	return arguments[index & (2 * CALLS_PER_ABI - 1)];
}

/* Whether there have been too many of this call in this second. Programs that preempt one another may let one through more. */
static __always_inline bool too_many(const struct syscalls_state *state, ktrace_ktime now)
{
	__u32 index = (state->nr & (CALLS_PER_ABI - 1)) + (state->compat ? CALLS_PER_ABI : 0);
	struct syscalls_rate *rate = bpf_map_lookup_elem(&rates, &index);

	if (!events_per_second || !rate)
		return false;
	if (now >= rate->until) {
		rate->until = now + SECOND;
		rate->sent = 0;
	}
	return rate->sent++ >= events_per_second;
}

static __always_inline __u64 argument_of(const struct syscall_regs *call, __u32 which)
{
	switch (which) {
	case 1:
		return call->args[0];
	case 2:
		return call->args[1];
	case 3:
		return call->args[2];
	case 4:
		return call->args[3];
	case 5:
		return call->args[4];
	default:
		return call->args[5];
	}
}

static __always_inline void look_up_arguments(struct task_struct *task, const struct syscalls_state *state, const struct syscall_regs *call,
					      struct syscalls_event *event)
{
	__u32 file = which_argument(file_argument, state), text = which_argument(text_argument, state);
	struct inode *inode = file ? inode_of(task, argument_of(call, file)) : 0;

	if (inode)
		event->inode = BPF_CORE_READ(inode, i_ino);
	if (text)
		event->text_bytes = bpf_probe_read_user_str(event->text, sizeof(event->text), (const void *)argument_of(call, text));
}

static __noinline void send_call(struct task_struct *task, const struct syscalls_state *state, const struct syscalls_end *end)
{
	ktrace_ktime now = state->begin + end->took;
	struct syscalls_event *event;
	struct syscall_regs call;

	if (too_many(state, now)) {
		drops_add(SYSCALLS_LIMITED, 1);
		return;
	}
	event = events_reserve();
	if (!event)
		return;
	read_call(task, state->compat, &call);
	event->end = now;
	event->took = end->took;
	__builtin_memcpy(event->args, call.args, sizeof(event->args));
	event->result = end->result;
	event->tgid = task_tgid(task);
	event->tid = task_tid(task);
	event->nr = state->nr;
	event->compat = state->compat;
	event->flags = end->flags;
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	event->inode = 0;
	event->text[0] = 0;
	event->text_bytes = 0;
	if (!(end->flags & EVENT_NO_ARGS))
		look_up_arguments(task, state, &call, event);
	events_submit(event);
}

#endif
