// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every kind of thing that a tool may share with user space, and, in bad_*, one of each that it may not. Never loaded. */
#include <ktrace/events.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum fixture_outcome { FIXTURE_OK, FIXTURE_FAILED = 7, FIXTURE_MINUS = -3 };
enum fixture_drop { FIXTURE_FULL, FIXTURE_STALE };

struct fixture_key {
	ktrace_addr address;
	ktrace_tid tid;
	enum fixture_outcome outcome;
};

struct fixture_event {
	struct fixture_key key;
	ktrace_ns wait_ns;
	ktrace_id64 cgroup_id;
	__s64 delta;
	ktrace_errno error;
	__u16 port;
	__s8 level;
	bool last;
	ktrace_comm comm;
	char path[24];
	ktrace_raw evidence[8];
	ktrace_count histogram[5];
	__s16 steps[3];
	__u8 _reserved[2];
	struct fixture_key seen[2];
	__u32 lost;
	__u32 _zero;
};

const volatile ktrace_ns min_wait_ns;
const volatile bool emit_events;
const volatile ktrace_comm filter_comm_is;
const volatile __u32 limits[3];
static const volatile __u32 private_knob = 5;
__u64 in_bss;

struct fixture_private {
	void *pointer;
	__u32 gap;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct fixture_private);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, ktrace_count);
} drops SEC(".maps");

KTRACE_TOTALS(totals, struct fixture_key, ktrace_count, 123)
KTRACE_RING(events, fixture_event, 1 << 16)
const enum fixture_drop *ktrace_anchor_fixture_drop __attribute__((unused));

struct bad_padding { __u32 a; __u64 b; };
struct bad_tail { __u64 a; __u32 b; };
struct bad_bitfield { __u32 a : 3; __u32 b : 29; __u32 c; };
struct bad_pointer { __u64 a; void *b; };
struct bad_union { union { __u64 a; __u32 b; } u; };
struct bad_float { double a; };
struct bad_size { __u32 a; };
struct bad_wide { __int128 a; };
struct bad_matrix { __u32 a[2][2]; };
struct bad_flexible { __u64 n; __u64 rest[]; };
struct bad_anonymous { struct { __u64 a; } inner; };
struct bad_unnamed { struct { __u64 a; }; };
struct bad_nested { struct bad_tail inner; };
#define BAD(name) const struct name *bad_##name __attribute__((unused))
BAD(bad_padding);
BAD(bad_tail);
BAD(bad_bitfield);
BAD(bad_pointer);
BAD(bad_union);
BAD(bad_float);
BAD(bad_size);
BAD(bad_wide);
BAD(bad_matrix);
BAD(bad_flexible);
BAD(bad_anonymous);
BAD(bad_unnamed);
BAD(bad_nested);

static __noinline int subprogram(int n)
{
	return n + private_knob + min_wait_ns + emit_events + limits[n & 1] + filter_comm_is[n & 7];
}

SEC("?fentry/do_futex")
int BPF_PROG(do_futex__fentry, int n)
{
	in_bss += subprogram(n);
	return 0;
}

SEC("?kprobe/do_futex")
int do_futex__kprobe(void *ctx)
{
	return subprogram(1);
}

SEC("tracepoint/syscalls/sys_enter_futex")
int plain(void *ctx)
{
	struct fixture_event *event = events_reserve();

	if (event)
		events_submit(event);
	return 0;
}
