/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who is traced: the options every tool shares. All ids are those of ktrace's own pid namespace, as the user types them. */
#ifndef KTRACE_FILTER_BPF_H
#define KTRACE_FILTER_BPF_H

#include <ktrace/helpers.bpf.h>
#include <ktrace/totals.bpf.h>

struct ktrace_name {
	__u32 bits; /* of what follows that have to match: all of it, or the beginning of a name */
	ktrace_comm comm; /* NUL to the end after the name */
	__u32 _zero;
};

const volatile ktrace_pid self_tgid;      /* never traced; 0 with --include-self */
const volatile ktrace_pid filter_tgid;    /* the one process to trace; 0: none given, or several */
const volatile bool filter_targets;       /* trace the processes in `targets` */
const volatile bool filter_tids;          /* trace the threads in `target_tids` */
const volatile bool filter_comms;         /* trace the threads whose name is in `target_comms` */
const volatile ktrace_id64 filter_cgroup; /* trace this cgroup (v2 id) and those below it; 0: all */
const volatile __u32 filter_cgroup_level;
const volatile bool follow_children; /* children of traced processes are added to `targets` */
const volatile bool nested_pidns;    /* ktrace does not run in the initial pid namespace */

/*
 * Set by user space to end tracing in one instant: from then on programs change nothing, so that the maps stand still and what
 * has begun and not ended is in flight. Taking the hooks down takes much longer.
 */
__u32 frozen;

/* ktrace's own pid namespace and its depth: written by self__any, before anything is attached. */
__u32 pidns_level;
__u64 pidns;

/* Written by user space before attaching and by sched_process_fork when following. */
KTRACE_TOTALS(targets, ktrace_pid, ktrace_count, 10240)
KTRACE_TOTALS(target_tids, ktrace_tid, ktrace_count, 1024)

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 64);
	__type(key, struct ktrace_name);
	__type(value, ktrace_count);
} target_comms SEC(".maps");

/* What a struct pid is called at one level of namespaces. */
static __always_inline struct upid upid_at(struct pid *pid, __u32 level)
{
	struct upid upid = {}, *place;

	if (!pid || level > BPF_CORE_READ(pid, level))
		return upid;
	place = (void *)pid + bpf_core_field_offset(pid->numbers) + level * bpf_core_type_size(struct upid);
	upid.nr = BPF_CORE_READ(place, nr);
	upid.ns = BPF_CORE_READ(place, ns);
	return upid;
}

/* 0 when it is not visible from ktrace's pid namespace: a sibling has other processes under the same numbers. */
static __always_inline __u32 pid_here(struct pid *pid)
{
	struct upid upid = upid_at(pid, pidns_level);

	return (__u64)upid.ns == pidns ? upid.nr : 0;
}

static __always_inline ktrace_tid task_tid(struct task_struct *task)
{
	return nested_pidns ? pid_here(BPF_CORE_READ(task, thread_pid)) : TRUSTED_READ(task, pid);
}

static __always_inline ktrace_pid task_tgid(struct task_struct *task)
{
	return nested_pidns ? pid_here(BPF_CORE_READ(task, group_leader, thread_pid)) :
			      TRUSTED_READ(task, tgid);
}

/* The thread's id as the thread itself sees it: what glibc writes into a mutex. */
static __always_inline ktrace_tid task_own_tid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	return pid ? upid_at(pid, BPF_CORE_READ(pid, level)).nr : 0;
}

static __always_inline ktrace_tid current_tid(void)
{
	return nested_pidns ? task_tid(current_task()) : (__u32)bpf_get_current_pid_tgid();
}

static __always_inline ktrace_pid current_tgid(void)
{
	return nested_pidns ? task_tgid(current_task()) : bpf_get_current_pid_tgid() >> 32;
}

static __always_inline bool process_traced(ktrace_pid tgid)
{
	if (filter_tgid)
		return tgid == filter_tgid;
	if (!tgid || tgid == self_tgid)
		return false;
	return !filter_targets || bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline bool comm_traced(struct task_struct *task)
{
	struct ktrace_name comm = { .bits = 8 * (sizeof(comm) - sizeof(comm.bits)) };

	bpf_probe_read_kernel_str(comm.comm, sizeof(comm.comm), task->comm);
	return bpf_map_lookup_elem(&target_comms, &comm);
}

static __always_inline bool tid_traced(ktrace_tid tid)
{
	return bpf_map_lookup_elem(&target_tids, &tid);
}

static __always_inline bool current_traced(ktrace_pid tgid)
{
	if (!process_traced(tgid))
		return false;
	if (filter_tids && !tid_traced(current_tid()))
		return false;
	if (filter_comms && !comm_traced(current_task()))
		return false;
	return !filter_cgroup || current_ancestor_cgroup_id(filter_cgroup_level) == filter_cgroup;
}

/* The same for a task that an iterator shows. */
static __always_inline bool task_traced(struct task_struct *task, ktrace_pid tgid, ktrace_tid tid)
{
	if (!process_traced(tgid) || (filter_tids && !tid_traced(tid)))
		return false;
	if (filter_comms && !comm_traced(task))
		return false;
	return !filter_cgroup || task_ancestor_cgroup_id(task, filter_cgroup_level) == filter_cgroup;
}

/* Run by ktrace itself before attaching, where it does not live in the initial pid namespace. */
SEC("?iter/task")
int self__any(struct bpf_iter__task *ctx)
{
	struct pid *pid = BPF_CORE_READ(current_task(), thread_pid);

	pidns_level = BPF_CORE_READ(pid, level);
	pidns = (__u64)upid_at(pid, pidns_level).ns;
	return 0;
}

#endif
