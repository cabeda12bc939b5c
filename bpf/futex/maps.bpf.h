/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Options and maps of `ktrace futex`: programs write the maps, user space reads them. */
#ifndef FUTEX_MAPS_BPF_H
#define FUTEX_MAPS_BPF_H

#include "../futex.bpf.h"

const volatile ktrace_ns min_wait_ns; /* shorter acquisitions are counted as filtered, not aggregated */
const volatile bool emit_events;      /* one futex_event per sleep that passes the filters */
const volatile bool ends_missed;      /* the variant, or this kernel, does not show all ends: see left_unseen() */

/* Numbers of the system calls, which differ between architectures only for futex(2) itself. */
#if defined(__TARGET_ARCH_x86)
#define NR_FUTEX 202
#define NR_RESTART_SYSCALL 219
#else
#define NR_FUTEX 98
#define NR_RESTART_SYSCALL 128
#endif
#define NR_FUTEX_WAITV 449
#define NR_FUTEX_WAKE 454
#define NR_FUTEX_WAIT 455

KTRACE_STATES(states, struct futex_state)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FUTEX_OPS * 8); /* index: op * 8 + outcome, or FUTEX_ENTERED */
	__type(key, __u32);
	__type(value, struct futex_calls);
} calls SEC(".maps");

KTRACE_TOTALS(locks, struct futex_key, struct futex_lock, 4096)
KTRACE_TOTALS(parts, struct futex_part_key, struct futex_part, 16384)
KTRACE_COUNTERS(drops, enum futex_drop, FUTEX_DROPS)
KTRACE_ENUM_ANCHOR(futex_drop);
KTRACE_ENUM_ANCHOR(futex_wake);
KTRACE_RING(events, futex_event, 4 << 20)
KTRACE_ANCHOR(futex_task);

static __always_inline void count_calls(enum futex_op op, __u32 outcome, ktrace_count calls_made, long threads)
{
	__u32 index = op * 8 + outcome;
	struct futex_calls *row = bpf_map_lookup_elem(&calls, &index);

	if (!row)
		return;
	if (ends_missed) { /* such programs may be preempted by one another */
		__sync_fetch_and_add(&row->calls, calls_made);
		if (threads > 0)
			__sync_fetch_and_add(&row->threads, threads);
		return;
	}
	row->calls += calls_made;
	if (threads > 0)
		row->threads += threads;
}

static __always_inline void count_call(enum futex_op op, __u32 outcome, long threads)
{
	count_calls(op, outcome, 1, threads);
}

#endif
