/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Events: one record per thing that happened, through a ring buffer; every failed reservation is counted. */
#ifndef KTRACE_EVENTS_BPF_H
#define KTRACE_EVENTS_BPF_H

#include <ktrace/totals.bpf.h>

/*
 * A struct that only programs touch is missing from the object's BTF unless something global names it, and `__type(value)`
 * on a ring buffer makes the load fail: hence an unused global pointer.
 */
#define KTRACE_ANCHOR(event_type) const struct event_type *ktrace_anchor_##event_type __attribute__((unused))
#define KTRACE_ENUM_ANCHOR(name) const enum name *ktrace_anchor_##name __attribute__((unused))

/*
 * Ring `name` of `bytes` (a power of two, whole pages) for events of `struct event_type`; losses in `name_lost`. The next event of the
 * same CPU tells in `lost` how many were lost before it.
 */
#define KTRACE_RING(name, event_type, bytes)                                                             \
	KTRACE_ANCHOR(event_type);                                                                    \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                \
		__uint(max_entries, bytes);                                                        \
	} name SEC(".maps");                                                                       \
	KTRACE_COUNTERS(name##_lost, __u32, 1)                                                            \
	KTRACE_COUNTERS(name##_untold, __u32, 1)                                                          \
                                                                                                   \
	static __always_inline struct event_type *name##_reserve(void)                                   \
	{                                                                                          \
		struct event_type *event = bpf_ringbuf_reserve(&name, sizeof(*event), 0);                \
		__u32 first = 0;                                                                   \
		ktrace_count *untold;                                                              \
                                                                                                   \
		if (!event) {                                                                      \
			name##_lost_add(0, 1);                                                     \
			name##_untold_add(0, 1);                                                   \
			return 0;                                                                  \
		}                                                                                  \
		event->lost = 0;                                                                   \
		untold = bpf_map_lookup_elem(&name##_untold, &first);                              \
		if (untold && *untold) {                                                           \
			event->lost = *untold;                                                     \
			__sync_fetch_and_sub(untold, event->lost); /* another program may have added to it meanwhile */ \
		}                                                                                  \
		return event;                                                                      \
	}                                                                                          \
                                                                                                   \
	/* No wake-up: user space drains on a timer, and a wake-up costs the traced thread 6 us and more. */ \
	static __always_inline void name##_submit(struct event_type *event)                              \
	{                                                                                          \
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);                                       \
	}

#endif
