/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events on their way to user space. */
#ifndef EXEC_TELL_BPF_H
#define EXEC_TELL_BPF_H

#include "text.bpf.h"

#define MOST_PARTS ((SCRATCH_BYTES + MOST_ARGV) / TEXT_BYTES)

static __always_inline struct exec_event *event_of(struct task_struct *leader, ktrace_pid tgid, enum exec_kind kind, ktrace_ktime now)
{
	struct exec_event *event = events_reserve();

	if (!event) {
		missed_add(kind, 1);
		return 0;
	}
	event->time = now;
	event->process_began = BPF_CORE_READ(leader, start_time);
	event->tgid = tgid;
	event->began = now;
	event->cpu = 0;
	event->peak = 0;
	event->kind = kind;
	event->flags = 0;
	event->part = 0;
	event->text_bytes = 0;
	event->text_whole = 0;
	event->_zero = 0;
	return event;
}

static __always_inline void copy_text(struct exec_event *event, struct exec_scratch *text, __u32 part)
{
	__u32 at = part * TEXT_BYTES, bytes = text->used - at;

	barrier_var(at); /* the compiler knows its range, the verifier does not */
	if (at <= SCRATCH_BYTES + MOST_ARGV - TEXT_BYTES)
		bpf_probe_read_kernel(event->text, TEXT_BYTES, &text->text[at]);
	event->text_bytes = bytes > TEXT_BYTES ? TEXT_BYTES : bytes;
	event->text_whole = text->used;
	event->part = part;
}

/* As task_tgid(), of a task that the kernel does not vouch for. */
static __always_inline ktrace_pid tgid_behind(struct task_struct *leader)
{
	return nested_pidns ? pid_here(BPF_CORE_READ(leader, thread_pid)) : BPF_CORE_READ(leader, tgid);
}

static __always_inline void put_ancestors(struct exec_event *event, struct task_struct *task)
{
	int i;

	for (i = 0; i < ANCESTORS; i++) {
		struct exec_ancestor *ancestor = &event->ancestors[i];

		task = BPF_CORE_READ(task, real_parent, group_leader);
		ancestor->tgid = tgid_behind(task);
		ancestor->_zero = 0;
		if (!ancestor->tgid)
			break;
		BPF_CORE_READ_INTO(&ancestor->comm, task, comm);
	}
}

/* A further part of what is in the current CPU's scratch. Global, so that the verifier sees it once and not in every turn of a loop. */
__noinline int tell_part(__u32 part, __u32 place, ktrace_ktime now)
{
	struct exec_scratch *text = scratch_of(place);
	struct exec_event *event;

	if (!text)
		return 0;
	event = event_of(current_task(), current_tgid(), EXEC_MORE, now);
	if (!event)
		return 0;
	copy_text(event, text, part);
	events_submit(event);
	return 1;
}

/* All but the first part of the text, and then the event, so that whoever reads the event has all of it. */
static __always_inline void tell_exec(struct task_struct *task, struct exec_scratch *text, __u32 place, ktrace_ktime now, ktrace_tid tid, ktrace_errno error, __s32 dirfd)
{
	struct exec_event *event;
	__u32 part;

	for (part = 1; part < MOST_PARTS; part++) {
		if (part * TEXT_BYTES >= text->used)
			break;
		tell_part(part, place, now);
	}
	event = event_of(task, task_tgid(task), place == PLACE_STARTED ? EXEC_STARTED : EXEC_FAILED, now);
	if (!event)
		return;
	copy_text(event, text, 0);
	event->tid = tid;
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	event->euid = BPF_CORE_READ(task, cred, euid.val);
	event->dirfd = dirfd;
	event->error = error;
	event->flags = text->flags;
	BPF_CORE_READ_INTO(&event->comm, task, comm);
	put_ancestors(event, task);
	events_submit(event);
}

/*
 * Of threads that are gone, and then of all; before, what the scheduler has counted of the others, which it does when they are switched or
 * its tick comes.
 */
static __always_inline ktrace_ns cpu_of(struct task_struct *leader, enum exec_kind kind)
{
	ktrace_ns cpu = BPF_CORE_READ(leader, signal, sum_sched_runtime);

	return kind == EXEC_FREED ? cpu : cpu + BPF_CORE_READ(leader, se.sum_exec_runtime);
}

static __always_inline void tell_end(struct task_struct *leader, enum exec_kind kind, const struct exec_state *state)
{
	struct signal_struct *signal = BPF_CORE_READ(leader, signal);
	struct exec_event *event = event_of(leader, state->tgid, kind, state->ended);

	if (!event)
		return;
	event->began = state->began;
	event->status = BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(signal, group_exit_code) : BPF_CORE_READ(leader, exit_code);
	event->cpu = cpu_of(leader, kind);
	event->peak = BPF_CORE_READ(signal, maxrss) << PAGE_SHIFT;
	if (BPF_CORE_READ(signal, oom_mm))
		event->flags |= EXEC_OOM;
	if (!state->began)
		event->flags |= EXEC_EARLIER;
	BPF_CORE_READ_INTO(&event->comm, leader, comm);
	events_submit(event);
}

#endif
