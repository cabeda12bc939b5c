/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Units and meaning, carried by typedef names that survive in BTF. User space keys decoding and formatting on them:
 * each is named once in src/report/units.ts, and a contract test compares the two lists.
 */
#ifndef KTRACE_TYPES_BPF_H
#define KTRACE_TYPES_BPF_H

#include <linux/types.h>
#include <stdbool.h>

typedef __u64 ktrace_ns;    /* duration, nanoseconds */
typedef __u64 ktrace_ktime; /* point in time, CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns) */
typedef __u64 ktrace_clock; /* point in time of the scheduler's clock, nanoseconds; only differences mean anything */
typedef __u64 ktrace_addr;  /* virtual address or file offset; a bigint in JavaScript */
typedef __u64 ktrace_id64;  /* opaque 64-bit identifier; a bigint in JavaScript */
typedef __u64 ktrace_count; /* exact number of things */
typedef __u64 ktrace_bytes; /* size */
typedef __s64 ktrace_pages; /* number of pages; a score may be negative */
typedef __u32 ktrace_pid;   /* process id in ktrace's own pid namespace */
typedef __u32 ktrace_tid;   /* thread id in ktrace's own pid namespace */
typedef __s32 ktrace_errno; /* 0, or a positive errno */
typedef char ktrace_comm[16];
typedef __u8 ktrace_raw; /* array of these: bytes as found in the target */

#endif
