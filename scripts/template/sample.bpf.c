// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts the calls of getppid(2) by process. Does not see calls of 32-bit processes.
 * TODO: what this tool measures, and what it does not see.
 */
#include <ktrace/events.bpf.h>
#include <ktrace/filter.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sample_key {
	ktrace_pid tgid;
	__u32 _reserved; /* sizes are multiples of 8, without implicit padding */
};

struct sample_totals {
	ktrace_count calls;
	ktrace_comm comm; /* of the thread that called last */
};

/* Calls seen that pass the filters: totals.calls and totals_full add up to it. */
KTRACE_COUNTERS(hits, __u32, 1)
/* Written by count_call(), read by user space; a row stays when its process has gone. */
KTRACE_TOTALS(totals, struct sample_key, struct sample_totals, 4096)
KTRACE_ANCHOR(sample_totals);

static __always_inline int count_call(void)
{
	struct sample_key key = { .tgid = current_tgid() };
	struct sample_totals *row;

	if (frozen || !current_traced(key.tgid))
		return 0;
	hits_add(0, 1);
	row = totals_row(&key);
	if (!row)
		return 0;
	__sync_fetch_and_add(&row->calls, 1);
	bpf_get_current_comm(row->comm, sizeof(row->comm));
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_getppid")
int sys_enter_getppid__tracepoint(void *ctx)
{
	return count_call();
}

/* Run once, by ktrace itself, before anything is read. */
SEC("?iter/task")
int seed__any(struct bpf_iter__task *ctx)
{
	if (nested_pidns)
		pidns_level = BPF_CORE_READ(current_task(), thread_pid, level);
	return 0;
}
