/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The threads of the traced processes: names for ids that /proc has already forgotten, and the thread time that shares are
 * measured against. Fed by rare events only (fork, exit, rename) and, for threads that were there before, by a tool's iterator.
 */
#ifndef KTRACE_THREADS_BPF_H
#define KTRACE_THREADS_BPF_H

#include <ktrace/events.bpf.h>
#include <ktrace/follow.bpf.h>

struct ktrace_thread {
	ktrace_pid tgid;
	ktrace_tid own_tid;  /* as the thread itself sees it, in its innermost pid namespace */
	ktrace_ktime since;  /* start, or when ktrace first saw it */
	ktrace_ktime exited; /* 0 while alive */
	ktrace_comm comm;
};

struct ktrace_process {
	ktrace_ns exited_thread_ns; /* Σ over exited threads of the time they lived while traced */
	ktrace_count threads;       /* threads ever seen */
};

/* Least recently used rows give way, so that a churn of threads cannot lock new ones out; names then come from /proc. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, ktrace_tid);
	__type(value, struct ktrace_thread);
} threads SEC(".maps");

KTRACE_TOTALS(processes, ktrace_pid, struct ktrace_process, 10240)

static __always_inline void thread_seen(struct task_struct *task, ktrace_pid tgid)
{
	struct ktrace_thread thread = { .tgid = tgid, .own_tid = task_own_tid(task), .since = bpf_ktime_get_ns() };
	ktrace_tid tid = task_tid(task);
	struct ktrace_process *process = processes_row(&tgid);

	BPF_CORE_READ_INTO(&thread.comm, task, comm);
	if (process)
		__sync_fetch_and_add(&process->threads, 1);
	bpf_map_update_elem(&threads, &tid, &thread, BPF_ANY);
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit__any, struct task_struct *task)
{
	ktrace_tid tid = task_tid(task);
	struct ktrace_process *process;
	struct ktrace_thread *thread;

	forget(task, tid);
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (!thread || thread->exited)
		return 0;
	thread->exited = bpf_ktime_get_ns();
	process = processes_row(&thread->tgid);
	if (process)
		__sync_fetch_and_add(&process->exited_thread_ns, thread->exited - thread->since);
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork__any, struct task_struct *parent, struct task_struct *child)
{
	ktrace_pid tgid = task_tgid(child);

	follow(tgid, task_tgid(parent));
	if (process_traced(tgid))
		thread_seen(child, tgid);
	return 0;
}

SEC("?tp_btf/task_rename")
int BPF_PROG(task_rename__any, struct task_struct *task, const char *comm)
{
	ktrace_tid tid = task_tid(task);
	struct ktrace_thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (thread)
		bpf_probe_read_kernel_str(thread->comm, sizeof(thread->comm), comm);
	return 0;
}

#endif
