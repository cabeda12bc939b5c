/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Totals: aggregated in the kernel, exact at any rate. Every failed insertion is counted beside the map it failed in,
 * so no tool can lose one silently.
 */
#ifndef KTRACE_TOTALS_BPF_H
#define KTRACE_TOTALS_BPF_H

#include <ktrace/kernel.bpf.h>
#include <ktrace/types.bpf.h>

/* Per-CPU counters indexed by an enum: written by programs, summed over the CPUs by user space. */
#define KTRACE_COUNTERS(name, index_type, entries)                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, entries);                                                      \
		__type(key, __u32); /* the kernel takes BTF of integers only here */               \
		__type(value, ktrace_count);                                                       \
	} name SEC(".maps");                                                                       \
                                                                                                   \
	static __always_inline void name##_add(index_type which, ktrace_count n)                   \
	{                                                                                          \
		__u32 index = which;                                                               \
		ktrace_count *count = bpf_map_lookup_elem(&name, &index);                          \
                                                                                                   \
		if (count) /* atomic: programs on tp_btf hooks may be preempted */                 \
			__sync_fetch_and_add(count, n);                                            \
	}

/* A hash, shared by all CPUs: its size does not grow with them. Who finds no room counts it in `name_full`. */
#define KTRACE_TABLE(name, key_type, value_type, entries)                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps");                                                                       \
	KTRACE_COUNTERS(name##_full, __u32, 1)

/*
 * Such a table of totals, updated with atomic adds. name_row() finds or makes the row of a key; NULL and one more in `name_full` when
 * the map has no room. New rows are copied from `name_zero`, which nobody writes: rows are larger than the 512-byte BPF stack.
 */
#define KTRACE_TOTALS(name, key_type, value_type, entries)                                         \
	KTRACE_TABLE(name, key_type, value_type, entries)                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} name##_zero SEC(".maps");                                                                \
                                                                                                   \
	static __always_inline value_type *name##_row(const key_type *key)                         \
	{                                                                                          \
		value_type *row = bpf_map_lookup_elem(&name, key);                                 \
		__u32 first = 0;                                                                   \
		void *zero;                                                                        \
                                                                                                   \
		if (row)                                                                           \
			return row;                                                                \
		zero = bpf_map_lookup_elem(&name##_zero, &first);                                  \
		if (zero)                                                                          \
			bpf_map_update_elem(&name, key, zero, BPF_NOEXIST);                        \
		row = bpf_map_lookup_elem(&name, key);                                             \
		if (!row)                                                                          \
			name##_full_add(0, 1);                                                     \
		return row;                                                                        \
	}

/*
 * Exponential buckets of scale 2: bucket i holds (2^(i/4), 2^((i+1)/4)] ns, upper-inclusive, so that Prometheus `le` and
 * OpenTelemetry are exact. The constants are floor(2^(62 + q/4)); shifted right by 62 - k they are floor(2^(k + q/4)).
 */
#define HISTOGRAM_OFFSET 24 /* the first slot holds everything up to 2^(25/4) = 76 ns, less than the clock can tell */
#define HISTOGRAM_SLOTS 152 /* the last one everything above 2^(175/4) ns = 4.1 h */

/* 1 when a > b, for values below 2^63: no branch, which would double the verifier's paths each time. */
static __always_inline __u64 above(__u64 a, __u64 b)
{
	return (b - a) >> 63;
}

static __always_inline __u32 log2_floor(__u64 v)
{
	__u64 k, step;

	k = above(v, 0xffffffff) << 5;
	v >>= k;
	step = above(v, 0xffff) << 4;
	v >>= step;
	k += step;
	step = above(v, 0xff) << 3;
	v >>= step;
	k += step;
	step = above(v, 0xf) << 2;
	v >>= step;
	k += step;
	step = above(v, 0x3) << 1;
	v >>= step;
	return k + step + (v >> 1);
}

static __always_inline __u32 inline_histogram_slot(ktrace_ns v)
{
	__u64 k, bucket;

	if (v <= 1ULL << (HISTOGRAM_OFFSET / 4))
		return 0;
	if (v > 1ULL << 62)
		return HISTOGRAM_SLOTS - 1;
	k = log2_floor(v - 1);
	bucket = 4 * k + above(v, 5484249825272419511ULL >> (62 - k)) + above(v, 6521908912666391106ULL >> (62 - k)) +
		 above(v, 7755900482342532474ULL >> (62 - k)) - HISTOGRAM_OFFSET;
	return bucket < HISTOGRAM_SLOTS ? bucket : HISTOGRAM_SLOTS - 1;
}

/* Global, so that the verifier sees it once and not on every path that leads to it. */
__noinline __u32 histogram_slot(ktrace_ns v)
{
	return inline_histogram_slot(v);
}

static __always_inline void histogram_add(ktrace_count *histogram, ktrace_ns v, __s64 n)
{
	__u32 slot = histogram_slot(v);

	barrier_var(slot); /* the compiler knows its range, the verifier does not: keep the check */
	if (slot < HISTOGRAM_SLOTS)
		__sync_fetch_and_add(&histogram[slot], n);
}

#endif
