/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which cgroup a task is in, for people: that by which containers are told apart. */
#ifndef KTRACE_CGROUP_BPF_H
#define KTRACE_CGROUP_BPF_H

#include <ktrace/helpers.bpf.h>

/* The part of the memory controller in the cgroup that a task is charged to; NULL where there is no such controller. `task` as for TASK_READ. */
static __always_inline struct cgroup_subsys_state *memory_css_of(struct task_struct *task)
{
	struct css_set *set = TASK_READ(task, cgroups);
	struct cgroup_subsys_state *memory = 0;

	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		bpf_probe_read_kernel(&memory, sizeof(memory),
				      (void *)set + bpf_core_field_offset(set->subsys) +
					      bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) * sizeof(memory));
	return memory;
}

/* That of the memory controller where there is only cgroup v1. */
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct cgroup *cgroup = TASK_READ(task, cgroups, dfl_cgrp);
	struct cgroup_subsys_state *memory;

	if (TASK_READ(cgroup, level) > 0)
		return cgroup;
	memory = memory_css_of(task);
	return memory ? BPF_CORE_READ(memory, cgroup) : cgroup;
}

#endif
