/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Victims, from the moment that they are marked: they end, their memory comes back, and somebody starts their program again. */
#ifndef OOM_VICTIMS_BPF_H
#define OOM_VICTIMS_BPF_H

#include "tasks.bpf.h"

/* NULL: there is no room. All but what is set here is zero. */
static __always_inline struct oom_victim *new_victim(enum oom_kind kind)
{
	struct oom_victim *event = victims_reserve();
	__u32 lost;

	if (!event)
		return 0;
	lost = event->lost;
	__builtin_memset(event, 0, sizeof(*event));
	event->lost = lost;
	event->time = bpf_ktime_get_ns();
	event->incident = incident_number;
	event->kind = kind;
	return event;
}

/* Of the memory controller's hierarchy, where that is one of its own. */
static __always_inline void read_place_of(struct task_struct *task, struct oom_place *place)
{
	struct cgroup_subsys_state *charged = memory_css_of(task);

	read_place(charged ? BPF_CORE_READ(charged, cgroup) : BPF_CORE_READ(task, cgroups, dfl_cgrp), place);
}

static __always_inline void read_victim(struct task_struct *task, struct oom_victim *event)
{
	event->known = read_memory(task, &event->memory);
	event->began = BPF_CORE_READ(task, group_leader, start_time);
	event->tgid = task_tgid(task);
	event->tid = task_tid(task);
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	event->adj = BPF_CORE_READ(task, signal, oom_score_adj);
	BPF_CORE_READ_INTO(&event->comm, task, group_leader, comm);
	read_program(BPF_CORE_READ(task, signal, oom_mm), &event->program);
	read_place_of(task, &event->place);
}

/* What is to be seen of a victim after it was marked. `task`: NULL where only its id is known. */
static __always_inline void remember(ktrace_pid tgid, struct task_struct *task, const struct oom_victim *event)
{
	__u64 memory = task ? (__u64)BPF_CORE_READ(task, signal, oom_mm) : 0;
	struct oom_process process = { event->began, tgid, 0 };
	struct oom_program program = event->program;
	ktrace_ktime time = event->time;
	__u8 yes = 1;

	if (!tgid)
		return;
	if (bpf_map_update_elem(&dying, &tgid, &yes, BPF_ANY))
		dying_full_add(0, 1);
	if (memory && tells_freed() && bpf_map_update_elem(&leaving, &memory, &process, BPF_ANY))
		leaving_full_add(0, 1);
	if (program.name[0])
		bpf_map_update_elem(&programs, &program, &time, BPF_ANY);
}

/* Once. */
static __always_inline void tell_ended(struct task_struct *task)
{
	ktrace_pid tgid = process_of(task);
	struct oom_victim *event;

	if (bpf_map_delete_elem(&dying, &tgid))
		return;
	event = new_victim(OOM_ENDED);
	if (!event) {
		later_lost_add(0, 1);
		return;
	}
	event->tgid = tgid;
	event->began = BPF_CORE_READ(task, group_leader, start_time);
	victims_submit(event);
}

/* The last thread of a victim is on its way out. */
static __always_inline int victim_ends(struct task_struct *task)
{
	if (!exits_early && BPF_CORE_READ(task, mm))
		exits_early = 1;
	if (!frozen && BPF_CORE_READ(task, signal, oom_mm) && !BPF_CORE_READ(task, signal, live.counter))
		tell_ended(task);
	return 0;
}

/* The last one that used this memory has given it back: mostly the victim itself. */
static __always_inline int memory_freed(__u64 memory)
{
	struct task_struct *task = current_task();
	struct oom_process *found;
	struct oom_victim *event;

	if (frozen || !told_number)
		return 0;
	found = bpf_map_lookup_elem(&leaving, &memory);
	if (!found && memory != (__u64)BPF_CORE_READ(task, signal, oom_mm))
		return 0;
	event = new_victim(OOM_FREED);
	if (event) {
		event->tgid = found ? found->tgid : current_tgid();
		event->began = found ? found->began : BPF_CORE_READ(task, group_leader, start_time);
		victims_submit(event);
	} else {
		later_lost_add(0, 1);
	}
	bpf_map_delete_elem(&leaving, &memory);
	return 0;
}

/* A program of which a process was killed is executed again: user space knows whether it is in the same place. */
static __always_inline int program_starts(struct task_struct *task)
{
	struct oom_program program = {};
	ktrace_ktime *marked, now = bpf_ktime_get_ns();
	struct oom_start *event;

	if (frozen || !told_number)
		return 0;
	read_program(BPF_CORE_READ(task, mm), &program);
	marked = bpf_map_lookup_elem(&programs, &program);
	if (!marked)
		return 0;
	if (now - *marked > RESTART_NS) {
		bpf_map_delete_elem(&programs, &program);
		return 0;
	}
	event = starts_reserve();
	if (!event)
		return 0;
	event->time = now;
	event->tgid = task_tgid(task);
	event->program = program;
	read_place_of(task, &event->place);
	starts_submit(event);
	return 0;
}

#endif
