// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The life of each process as a program: which one, by whom, with which arguments, and how it ended; and programs that could not be executed.
 * It does not see execs of 32-bit programs that fail, nor what a process does between.
 */
#include <ktrace/syscall.bpf.h>
#include "exec/lives.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A program has begun: of a thread that was not the first one, too, which has its id by now. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec__any, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	return exec_succeeds(task, old_pid, binprm);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork__any, struct task_struct *parent, struct task_struct *child)
{
	follow(task_tgid(child), task_tgid(parent));
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit__any, struct task_struct *task)
{
	forget(task, task_tid(task));
	return thread_ends(task);
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(sched_process_free__any, struct task_struct *task)
{
	return process_freed(task);
}

/* Run once, by ktrace itself, when the hooks are in place: learns the processes that are there, so that their ends are told. */
SEC("?iter/task")
int seed__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct exec_state *state;
	ktrace_pid tgid;

	/* The first thread may be gone while others live. */
	if (!task || from_exec || task->pid != task->tgid || BPF_CORE_READ(task, flags) & PF_KTHREAD || BPF_CORE_READ(task, signal, live.counter) == 0)
		return 0;
	tgid = task_tgid(task);
	if (!task_traced(task, tgid, tgid) || !user_traced(BPF_CORE_READ(task, cred, uid.val)) || states_of(task))
		return 0;
	state = states_make(task);
	if (state)
		state->tgid = tgid;
	else
		stateless_add(0, 1);
	return 0;
}

/* Every process whose end will be told. */
SEC("?iter/task")
int living__any(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct exec_living living = {};
	struct exec_state *state;

	if (!task)
		return 0;
	state = states_of(task);
	if (!state || state->ended)
		return 0;
	living.process_began = BPF_CORE_READ(task, start_time);
	living.tgid = state->tgid;
	bpf_seq_write(ctx->meta->seq, &living, sizeof(living));
	return 0;
}

/* Execs that fail, at the end of the system call: tracepoints, or the functions of the calls. */

SEC("?tracepoint/syscalls/sys_exit_execve")
int sys_exit_execve__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return execve_ends(current_regs(), ctx->ret);
}

SEC("?tracepoint/syscalls/sys_exit_execveat")
int sys_exit_execveat__tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	return execveat_ends(current_regs(), ctx->ret);
}

ON_END(execve, SYSCALL_FUNCTION(execve), execve_ends(regs, ret))
ON_END(execveat, SYSCALL_FUNCTION(execveat), execveat_ends(regs, ret))
