/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of kernel.bpf.h that is about memory and who runs out of it. */
#ifndef KTRACE_KERNEL_MEMORY_BPF_H
#define KTRACE_KERNEL_MEMORY_BPF_H

struct percpu_counter {
	__s64 count;
} KERNEL_STRUCT;

struct page_counter {
	atomic_long_t usage; /* pages */
	unsigned long max;
} KERNEL_STRUCT;

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter swap; /* of cgroup v1 the same place is memory and swap together */
} KERNEL_STRUCT;

enum oom_constraint {
	CONSTRAINT_NONE,
	CONSTRAINT_CPUSET,
	CONSTRAINT_MEMORY_POLICY,
	CONSTRAINT_MEMCG,
};

struct oom_control {
	struct mem_cgroup *memcg;
	unsigned int gfp_mask;
	int order;
	unsigned long totalpages;
	struct task_struct *chosen;
	enum oom_constraint constraint;
} KERNEL_STRUCT;

struct trace_event_raw_mark_victim {
	unsigned long anon_rss;
} KERNEL_STRUCT;

#endif
