/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where calls that are over are counted. */
#ifndef SYSCALLS_ROWS_BPF_H
#define SYSCALLS_ROWS_BPF_H

#include "../syscalls.bpf.h"

/* By the program on sys_enter: see count_alone(). */
static __always_inline void count_hit(__u32 which)
{
	ktrace_count *count = bpf_map_lookup_elem(&hits, &which);

	if (count)
		++*count;
}

/* How a call was over. */
struct syscalls_end {
	ktrace_ns took;
	ktrace_errno error; /* 0: none */
	__u32 _zero;
	__s64 result;
	__u32 dead; /* its thread died in it */
	__u32 flags; /* enum syscalls_event_flag; no hole behind it, which kernels before 6.3 refuse to copy */
};

static __always_inline __u32 take_slot(struct syscalls_slots *slots, __u32 kind)
{
	__u32 taken = slots->taken;

	if (taken >= cpu_row_count || taken >= CPU_ROWS)
		return 0;
	slots->kind_of[taken] = kind;
	slots->slot_of[kind] = ++taken;
	slots->taken = taken;
	return taken;
}

/* This CPU's row; NULL when all are taken. */
static __always_inline struct syscalls_row *cpu_row(const struct syscalls_key *key)
{
	__u32 first = 0, slot, kind = key->nr + (2 * key->waits + key->compat) * CALLS_PER_ABI;
	struct syscalls_slots *slots = bpf_map_lookup_elem(&cpu_slots, &first);

	if (!slots || key->nr >= CALLS_PER_ABI)
		return 0;
	barrier_var(kind); /* the compiler knows its range, the verifier does not */
	kind &= CALL_KINDS - 1;
	slot = slots->slot_of[kind] ?: take_slot(slots, kind);
	if (!slot)
		return 0;
	slot--;
	return bpf_map_lookup_elem(&cpu_rows, &slot);
}

static __always_inline void raise(ktrace_ns *max, ktrace_ns value)
{
#ifndef KTRACE_LEGACY /* compare and exchange: 5ffa25502b5a ("bpf: Add instructions for atomic_[cmp]xchg", 5.12) */
	__u64 seen = *max;
	int i;

	for (i = 0; i < 8 && seen < value; i++) {
		__u64 found = __sync_val_compare_and_swap(max, seen, value);

		if (found == seen)
			return;
		seen = found;
	}
#else
	if (*max < value)
		*max = value;
#endif
}

static __always_inline void count_shared(struct syscalls_row *row, const struct syscalls_end *end)
{
	__sync_fetch_and_add(&row->total_ns, end->took);
	raise(&row->max_ns, end->took);
	histogram_add(row->histogram, end->took, 1);
	if (end->dead)
		__sync_fetch_and_add(&row->died, 1);
	if (end->flags & EVENT_PREEXISTING)
		__sync_fetch_and_add(&row->preexisting, 1);
	if (end->error)
		__sync_fetch_and_add(&row->errors, 1);
}

static __noinline void count_error(const struct syscalls_key *key, ktrace_errno error)
{
	struct syscalls_error which = { .key = *key, .error = error };
	ktrace_count *count = errors_row(&which);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/*
 * Rows of one CPU, written by the program on sys_exit alone: the kernel runs none where the same is active already. Atomic
 * instructions would cost as much as all the rest.
 */
static __always_inline void count_alone(struct syscalls_row *row, const struct syscalls_key *key, const struct syscalls_end *end)
{
	__u32 slot = inline_histogram_slot(end->took);

	row->total_ns += end->took;
	if (row->max_ns < end->took)
		row->max_ns = end->took;
	barrier_var(slot);
	if (slot < HISTOGRAM_SLOTS)
		row->histogram[slot]++;
	if (end->flags & EVENT_PREEXISTING)
		row->preexisting++;
	if (!end->error)
		return;
	row->errors++;
	if (!row->first_error)
		row->first_error = end->error;
	if (row->first_error == end->error)
		row->first_errors++; /* most calls fail in one way, and a hash costs as much as all the rest */
	else
		count_error(key, end->error);
}

static __noinline void count_by_key(const struct syscalls_key *key, const struct syscalls_end *end)
{
	struct syscalls_row *row = rows_row(key);

	if (row)
		count_shared(row, end);
	if (end->error)
		count_error(key, end->error);
}

#endif
