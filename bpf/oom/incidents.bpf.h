/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How an incident goes: it begins, looks at each candidate, chooses one, marks it and perhaps others, and is over. */
#ifndef OOM_INCIDENTS_BPF_H
#define OOM_INCIDENTS_BPF_H

#include "victims.bpf.h"

#define SIGKILL_BIT (1 << 8) /* of sigset_t */

/* Whether the current thread is the one that ran out of memory. */
static __always_inline bool in_incident(void)
{
	return !frozen && asking_task && asking_task == bpf_get_current_task();
}

static __always_inline int incident_begins(void)
{
	if (frozen)
		return 0;
	incident_number++;
	chosen_task = 0;
	asking_task = bpf_get_current_task();
	return 0;
}

static __always_inline void tell_over(void)
{
	struct oom_victim *event = new_victim(OOM_OVER);

	if (event)
		victims_submit(event);
}

static __always_inline int incident_ends(void)
{
	if (!in_incident())
		return 0;
	asking_task = 0;
	if (told_number == incident_number)
		tell_over();
	else
		fruitless_add(0, 1);
	return 0;
}

static __always_inline int candidate(struct task_struct *task, long score)
{
	struct oom_candidate *event;

	if (!in_incident() || !task)
		return 0;
	event = candidates_reserve();
	if (!event)
		return 0;
	event->incident = incident_number;
	event->score = score;
	event->began = BPF_CORE_READ(task, group_leader, start_time);
	event->known = read_memory(task, &event->memory);
	event->tgid = process_of(task);
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	event->adj = BPF_CORE_READ(task, signal, oom_score_adj);
	event->_zero = 0;
	BPF_CORE_READ_INTO(&event->comm, task, comm);
	candidates_submit(event);
	return 0;
}

/* Of a cgroup whose limit was hit. */
static __always_inline void read_limits(struct mem_cgroup *group, struct oom_incident *event)
{
	event->usage = BPF_CORE_READ(group, memory.usage.counter);
	event->limit = BPF_CORE_READ(group, memory.max);
	event->swap_usage = BPF_CORE_READ(group, swap.usage.counter);
	event->swap_limit = BPF_CORE_READ(group, swap.max);
}

/* `control`: NULL where the kernel did not get that far, or its functions cannot be hooked. */
static __always_inline void tell_incident(struct oom_control *control)
{
	struct task_struct *task = current_task();
	struct oom_incident *event;
	struct mem_cgroup *group = 0;

	told_number = incident_number;
	event = incidents_reserve();
	if (!event)
		return;
	event->time = bpf_ktime_get_ns();
	event->incident = incident_number;
	event->total_pages = 0;
	event->gfp = 0;
	event->order = 0;
	event->constraint = 0;
	event->usage = event->limit = event->swap_usage = event->swap_limit = 0;
	event->tgid = current_tgid();
	event->tid = current_tid();
	event->_zero = 0;
	BPF_CORE_READ_INTO(&event->comm, task, comm);
	BPF_CORE_READ_INTO(&event->process, task, group_leader, comm);
	event->known = control != 0;
	if (control) {
		group = BPF_CORE_READ(control, memcg);
		event->total_pages = BPF_CORE_READ(control, totalpages);
		event->gfp = BPF_CORE_READ(control, gfp_mask);
		event->order = BPF_CORE_READ(control, order);
		event->constraint = BPF_CORE_READ(control, constraint);
	}
	event->in_cgroup = group != 0;
	if (group)
		read_limits(group, event);
	read_place(BPF_CORE_READ(group, css.cgroup), &event->place);
	incidents_submit(event);
}

/* In oom_kill_process(): whom, and for whom. */
static __always_inline int victim_chosen(struct oom_control *control)
{
	struct task_struct *chosen;

	if (!in_incident())
		return 0;
	chosen = BPF_CORE_READ(control, chosen);
	chosen_task = (__u64)chosen;
	chosen_dying = is_dying(chosen);
	tell_incident(control);
	return 0;
}

/* The process of the argument of the tracepoint; NULL where that is only an id, and not of who was chosen. */
static __always_inline struct task_struct *marked_task(__u64 subject)
{
	struct task_struct *chosen = (void *)chosen_task;

	/* 72ba14deb40a ("mm: update mark_victim tracepoints fields", 6.8) gives the task; before, its id. */
	if (bpf_core_field_exists(struct trace_event_raw_mark_victim, anon_rss))
		return (void *)subject;
	return chosen && BPF_CORE_READ(chosen, pid) == (int)subject ? chosen : 0;
}

/* Nobody killed it for this: it was on its way out. */
static __always_inline bool was_dying(struct task_struct *task)
{
	if (!in_incident())
		return task && !(BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]) & SIGKILL_BIT);
	return !chosen_task || (chosen_dying && (!task || BPF_CORE_READ(task, signal) == BPF_CORE_READ((struct task_struct *)chosen_task, signal)));
}

static __always_inline int victim_marked(__u64 subject)
{
	struct task_struct *task = marked_task(subject);
	struct oom_victim *event;

	if (frozen)
		return 0;
	if (!in_incident())
		incident_number++;
	if (told_number != incident_number)
		tell_incident(0);
	hits_add(0, 1);
	event = new_victim(OOM_MARKED);
	if (!event) {
		unmarked_add(0, 1);
		return 0;
	}
	event->dying = was_dying(task);
	if (task)
		read_victim(task, event);
	else
		event->tid = nested_pidns ? 0 : subject; /* an id in the first namespace */
	remember(event->tgid ?: event->tid, task, event);
	victims_submit(event);
	/* From 6.16 on the last thread may be past the hook on its end by now; before, it cannot get there while the kernel holds its memory. */
	if (exits_early && task && !BPF_CORE_READ(task, signal, live.counter))
		tell_ended(task);
	return 0;
}

#endif
