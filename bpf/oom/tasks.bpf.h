/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a process holds, and what it is charged to. Nothing here is often: plain reads, for every variant alike. */
#ifndef OOM_TASKS_BPF_H
#define OOM_TASKS_BPF_H

#include "../oom.bpf.h"

#define THREADS 8 /* looked at for one that still has the memory */

/* include/linux/mm_types_task.h */
#define MM_FILEPAGES 0
#define MM_ANONPAGES 1
#define MM_SWAPENTS 2
#define MM_SHMEMPAGES 3

/* As task_tgid(), of a task that the verifier does not know. */
static __always_inline ktrace_pid process_of(struct task_struct *task)
{
	return nested_pidns ? pid_here(BPF_CORE_READ(task, group_leader, thread_pid)) : (__u32)BPF_CORE_READ(task, tgid);
}

/* The memory of a process, whose first thread may have ended before others, as find_lock_task_mm() finds it. */
static __always_inline struct mm_struct *memory_of(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct list_head *node, *end;
	int i;

	if (mm)
		return mm;
	end = (void *)BPF_CORE_READ(task, signal) + bpf_core_field_offset(struct signal_struct, thread_head);
	node = BPF_CORE_READ(task, signal, thread_head.next);
	for (i = 0; i < THREADS && node != end && !mm; i++) {
		mm = BPF_CORE_READ((struct task_struct *)((void *)node - bpf_core_field_offset(struct task_struct, thread_node)), mm);
		node = BPF_CORE_READ(node, next);
	}
	return mm;
}

/* False: it has none any more. */
static __always_inline bool read_memory(struct task_struct *task, struct oom_memory *memory)
{
	struct mm_struct *mm = memory_of(task);

	__builtin_memset(memory, 0, sizeof(*memory));
	if (!mm)
		return false;
	memory->anon = MM_COUNTER(mm, MM_ANONPAGES) << PAGE_SHIFT;
	memory->file = MM_COUNTER(mm, MM_FILEPAGES) << PAGE_SHIFT;
	memory->shmem = MM_COUNTER(mm, MM_SHMEMPAGES) << PAGE_SHIFT;
	memory->swap = MM_COUNTER(mm, MM_SWAPENTS) << PAGE_SHIFT;
	memory->page_tables = BPF_CORE_READ(mm, pgtables_bytes.counter);
	return true;
}

static __always_inline void read_place(struct cgroup *cgroup, struct oom_place *place)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn), *parent;
	int i;

	__builtin_memset(place, 0, sizeof(*place));
	place->id = BPF_CORE_READ(node, id);
	place->unified = BPF_CORE_READ(cgroup, root) == BPF_CORE_READ(current_task(), cgroups, dfl_cgrp, root);
	for (i = 0; i < DEPTH && node; i++) {
		parent = kernfs_parent(node);
		if (!parent)
			return;
		bpf_probe_read_kernel_str(place->names[i].text, CGROUP_NAME, BPF_CORE_READ(node, name));
		place->depth = i + 1;
		node = parent;
	}
	place->deeper = node && kernfs_parent(node);
}

/* The name of the file that it executes, which is the same in each container of an image. */
static __always_inline void read_program(struct mm_struct *mm, struct oom_program *program)
{
	bpf_probe_read_kernel_str(program->name, PROGRAM_NAME, BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name));
}

/* exit_mmap() has a tracepoint: it came with the maple tree (524e00b36e8c, "mm: remove rb tree.", 6.1). */
static __always_inline bool tells_freed(void)
{
	return !bpf_core_field_exists(struct mm_struct, mm_rb);
}

/* About to end by itself, or killed by somebody else (task_will_free_mem(), mm/oom_kill.c). */
static __always_inline bool is_dying(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT || BPF_CORE_READ(task, flags) & PF_EXITING;
}

#endif
