/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Children of traced processes become targets, and what has ended is none any more: for the programs on fork and exit of each tool. */
#ifndef KTRACE_FOLLOW_BPF_H
#define KTRACE_FOLLOW_BPF_H

#include <ktrace/filter.bpf.h>

KTRACE_COUNTERS(children, __u32, 1) /* that began since the start and were followed */

/* A task has begun in the process `tgid`. */
static __always_inline void follow(ktrace_pid tgid, ktrace_pid parent_tgid)
{
	if (!follow_children || tgid == parent_tgid || !process_traced(parent_tgid))
		return;
	targets_row(&tgid);
	children_add(0, 1);
}

/*
 * Ids may soon be those of others, and who follows many children needs the room. That of the first thread stays with the process: another
 * thread that executes a program takes it over.
 */
static __always_inline void forget(struct task_struct *task, ktrace_tid tid)
{
	bool is_last = BPF_CORE_READ(task, signal, live.counter) == 0;
	ktrace_pid tgid = task_tgid(task);

	if (filter_targets && is_last)
		bpf_map_delete_elem(&targets, &tgid);
	if (filter_tids && (is_last || tid != tgid))
		bpf_map_delete_elem(&target_tids, &tid);
}

#endif
