/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One accessor per difference between kernels or architectures, each with its reason. */
#ifndef KTRACE_CORE_FIXES_BPF_H
#define KTRACE_CORE_FIXES_BPF_H

#include <linux/errno.h>
#include <ktrace/kernel.bpf.h>

struct task_struct___before_5_14 {
	long state;
} KERNEL_STRUCT;

/* 2f064a59a11f ("sched: Change task_struct::state", 5.14) renamed state to __state. */
static __always_inline unsigned int task_state(struct task_struct *task)
{
	struct task_struct___before_5_14 *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ(old, state);
}

/* When the task last got on a CPU, by the run queue's clock; 0 without CONFIG_SCHED_INFO. */
static __always_inline __u64 task_last_ran(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_arrival))
		return 0;
	return BPF_CORE_READ(task, sched_info.last_arrival);
}

struct cgroup___before_6_1 {
	__u64 ancestor_ids[1];
} KERNEL_STRUCT;

/* 7f203bc89eb6 ("cgroup: Replace cgroup->ancestor_ids[] with ->ancestors[]", 6.1). 0: not that deep. */
static __always_inline __u64 task_ancestor_cgroup_id(struct task_struct *task, __u32 level)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp), *ancestor = 0;
	struct cgroup___before_6_1 *old = (void *)cgroup;
	__u64 id = 0;

	if (level > (__u32)BPF_CORE_READ(cgroup, level))
		return 0;
	if (bpf_core_field_exists(cgroup->ancestors)) {
		bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
				      (void *)cgroup + bpf_core_field_offset(cgroup->ancestors) + level * sizeof(ancestor));
		return BPF_CORE_READ(ancestor, kn, id);
	}
	bpf_probe_read_kernel(&id, sizeof(id),
			      (void *)cgroup + bpf_core_field_offset(old->ancestor_ids) + level * sizeof(id));
	return id;
}

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
} KERNEL_STRUCT;

/* 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.", 6.15) renamed parent to __parent. */
static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___before_6_15 *old = (void *)node;

	if (bpf_core_field_exists(node->__parent))
		return BPF_CORE_READ(node, __parent);
	return BPF_CORE_READ(old, parent);
}

struct mm_rss_stat {
	atomic_long_t count[4];
} KERNEL_STRUCT;

struct mm_struct___before_6_2 {
	struct mm_rss_stat rss_stat;
} KERNEL_STRUCT;

/*
 * Pages of one kind, enum of include/linux/mm_types_task.h, as get_mm_counter() says: what CPUs have not handed in yet is missing.
 * f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter", 6.2). `kind` has to be a number for the compiler: hence a macro.
 */
#define MM_COUNTER(mm, kind)                                                                       \
	({                                                                                         \
		struct mm_struct___before_6_2 *old = (void *)(mm);                                 \
		__s64 pages;                                                                       \
                                                                                                   \
		if (bpf_core_field_exists(old->rss_stat.count))                                      \
			pages = BPF_CORE_READ(old, rss_stat.count[kind].counter);                  \
		else                                                                               \
			pages = BPF_CORE_READ(mm, rss_stat[kind].count);                           \
		(__u64)(pages > 0 ? pages : 0);                                                    \
	})

/* The system call that a task inside the kernel is in. */
struct syscall_regs {
	__u64 args[6];
	long nr; /* -1 or anything else when it came by an interrupt or a fault */
	bool over; /* it has its result already; not known on arm64 */
};

/* The calling convention of system calls; on arm64 x0 is overwritten by the result and kept elsewhere. */
static __always_inline void read_syscall_regs(struct pt_regs *regs, struct syscall_regs *call)
{
#if defined(__TARGET_ARCH_x86)
	struct pt_regs_x86 {
		__u64 r10, r9, r8, ax, cx, dx, si, di, orig_ax;
	} kept = {};

	bpf_probe_read_kernel(&kept, sizeof(kept), (void *)regs + bpf_core_field_offset(regs->r10));
	call->args[0] = kept.di;
	call->args[1] = kept.si;
	call->args[2] = kept.dx;
	call->args[3] = kept.r10;
	call->args[4] = kept.r8;
	call->args[5] = kept.r9;
	call->nr = kept.orig_ax;
	call->over = (long)kept.ax != -ENOSYS; /* arch/x86/entry/entry_64.S puts that there first */
#else
	bpf_probe_read_kernel(&call->args, sizeof(call->args), (void *)regs + bpf_core_field_offset(regs->regs));
	call->args[0] = BPF_CORE_READ(regs, orig_x0);
	call->nr = BPF_CORE_READ(regs, syscallno);
	call->over = false;
#endif
}

/* Whether the call that a task is in is one of a 32-bit program, with numbers and registers of its own. */
static __always_inline bool task_is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return TRUSTED_READ(task, thread_info.status) & 2; /* TS_COMPAT, arch/x86/include/asm/thread_info.h */
#else
	return TRUSTED_READ(task, thread_info.flags) >> 22 & 1; /* TIF_32BIT, arch/arm64/include/asm/thread_info.h */
#endif
}

/* ebx, ecx, edx, esi, edi, ebp. On arm64 the registers are the same for both. */
static __always_inline void read_compat_arguments(struct pt_regs *regs, struct syscall_regs *call)
{
#if defined(__TARGET_ARCH_x86)
	struct {
		__u64 bp, bx;
	} kept = {};
	__u64 si = call->args[1], di = call->args[0];

	bpf_probe_read_kernel(&kept, sizeof(kept), (void *)regs + bpf_core_field_offset(regs->bp));
	call->args[0] = (__u32)kept.bx;
	call->args[1] = (__u32)BPF_CORE_READ(regs, cx);
	call->args[3] = (__u32)si;
	call->args[4] = (__u32)di;
	call->args[5] = (__u32)kept.bp;
#endif
}

#endif
