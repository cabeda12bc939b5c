// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Who was killed when memory ran out, for whom, and who else could have been: with the score of each, as the kernel computed it.
 * It does not see what ends a process before the kernel gets that far: earlyoom, systemd-oomd, or a limit on address space.
 */
#include "oom/incidents.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where functions can be hooked: the whole way of the kernel through mm/oom_kill.c. */

SEC("?fentry/out_of_memory")
int out_of_memory__fentry(__u64 *ctx)
{
	return incident_begins();
}

SEC("?kprobe/out_of_memory")
int out_of_memory__kprobe(struct pt_regs *ctx)
{
	return incident_begins();
}

SEC("?fexit/out_of_memory")
int out_of_memory_end__fentry(__u64 *ctx)
{
	return incident_ends();
}

SEC("?kretprobe/out_of_memory")
int out_of_memory_end__kprobe(struct pt_regs *ctx)
{
	return incident_ends();
}

SEC("?fexit/oom_badness")
int BPF_PROG(oom_badness__fentry, struct task_struct *task, unsigned long total_pages, long score)
{
	return candidate(task, score);
}

SEC("?kprobe/oom_badness")
int oom_badness_begin__kprobe(struct pt_regs *ctx)
{
	if (in_incident())
		candidate_task = regs_first(ctx);
	return 0;
}

SEC("?kretprobe/oom_badness")
int oom_badness__kprobe(struct pt_regs *ctx)
{
	return candidate((void *)candidate_task, regs_result(ctx));
}

SEC("?fentry/oom_kill_process")
int oom_kill_process__fentry(__u64 *ctx)
{
	return victim_chosen((void *)ctx[0]);
}

SEC("?kprobe/oom_kill_process")
int oom_kill_process__kprobe(struct pt_regs *ctx)
{
	return victim_chosen((void *)regs_first(ctx));
}

SEC("?tp_btf/mark_victim")
int mark_victim__fentry(__u64 *ctx)
{
	return victim_marked(ctx[0]);
}

SEC("?tp_btf/mark_victim")
int mark_victim__kprobe(__u64 *ctx)
{
	return victim_marked(ctx[0]);
}

/* Where they cannot: what the tracepoint tells, and user space has from the kernel log the rest. */
SEC("?tp_btf/mark_victim")
int mark_victim__log(__u64 *ctx)
{
	return victim_marked(ctx[0]);
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit__any, struct task_struct *task)
{
	return victim_ends(task);
}

SEC("?raw_tp/exit_mmap")
int exit_mmap__any(struct bpf_raw_tracepoint_args *ctx)
{
	return memory_freed(ctx->args[0]);
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec__any, struct task_struct *task)
{
	return program_starts(task);
}
