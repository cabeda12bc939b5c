/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The first half of a wait. */
#ifndef FUTEX_WAIT_BEGIN_BPF_H
#define FUTEX_WAIT_BEGIN_BPF_H

#include "lock.bpf.h"

/* The word still has the expected value (PI: is owned), so the thread is about to sleep: enter it among the waiters. */
static __always_inline void expect_sleep(struct futex_state *state, ktrace_pid tgid)
{
	struct futex_lock *row = lock_row(&state->key, &state->call, tgid, state->call_begin);

	state->holder = holder_candidate(&state->call);
	state->lock_like = is_lock_word(&state->call) && (state->call.op != FUTEX_OP_WAIT_BITSET || state->holder);
	if (!row)
		return;
	keep_evidence(row, state->call.uaddr);
	__sync_fetch_and_add(&row->waiting, 1);
	state->counted = 1;
	state->seen_waiting = row->waiting;
}

static __always_inline __u32 wait_flags(__u32 flags, __u64 timeout)
{
	return (flags & (FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) | (timeout ? FUTEX_HAS_TIMEOUT : 0);
}

/* The thread does something else, so its wake call is over. */
static __always_inline void wake_left_unseen(struct futex_state *state)
{
	if (!ends_missed || !state->waking)
		return;
	state->waking = 0;
	drops_add(FUTEX_WAKE_STALE, 1);
}

static __always_inline void begin_call(struct futex_state *state, const struct futex_call *call, ktrace_ktime now)
{
	wake_left_unseen(state);
	state->call = *call;
	state->call_begin = now;
	state->unseen_end = 0;
	state->phase = FUTEX_WAITING;
}

/* What only a wait that may sleep leaves behind. */
static __always_inline void forget_call(struct futex_state *state)
{
	state->in_doubt = 0;
	state->holder = 0;
	state->lock_like = 0;
	state->counted = 0;
	state->preexisting = 0;
	state->waitv = 0;
	state->waker_tid = 0;
	state->waker_uaddr = 0;
}

/* The lock is known now: does this wait go on with the acquisition that the thread was at? */
static __always_inline void begin_acquisition(struct futex_state *state, const struct futex_key *key)
{
	bool continues = (state->open == FUTEX_OPEN || (state->open == FUTEX_OPEN_LOCK && is_lock_word(&state->call))) &&
			 same_key(&state->key, key);

	state->key = *key;
	if (continues)
		return;
	state->begin = state->call_begin;
	state->accounted = 0;
	state->open = FUTEX_CLOSED;
}

int wait_end(__u32 tgid, long ret, __u64 ended); /* wait_end.bpf.h */

static __always_inline void no_longer_waiting(struct futex_state *state)
{
	struct futex_lock *row = state->counted ? bpf_map_lookup_elem(&locks, &state->key) : 0;

	if (row)
		__sync_fetch_and_add(&row->waiting, -1);
	state->counted = 0;
}

/*
 * The thread does something else, so its wait is over: with the result that its waker showed, or none that we know of. A hook on a
 * function sees a call end only if it saw it begin, and if nobody hooked the same function meanwhile: then the kernel leaves out the
 * programs at the ends of calls under way (bpf_tramp_image_put() in kernel/bpf/trampoline.c).
 */
static __always_inline void left_unseen(struct futex_state *state, ktrace_pid tgid)
{
	if (ends_missed && state->unseen_end) {
		wait_end(tgid, state->unseen_result, state->unseen_end);
		return;
	}
	state->phase = FUTEX_IDLE;
	no_longer_waiting(state);
	drops_add(FUTEX_DROP_STALE, 1);
}

/* The global functions are verified once for each program that calls them, and not once on every path to them. */
__noinline int wait_begin(__u32 op, __u64 uaddr, __u32 val, __u32 flags, __u64 waitv)
{
	struct futex_call call = { .uaddr = uaddr, .op = op, .val = val, .flags = flags };
	struct task_struct *task = current_task();
	struct futex_state *state = state_of(task);
	ktrace_pid tgid = current_tgid();
	struct futex_key key;
	__u32 word;

	count_call(op, FUTEX_ENTERED, 0);
	if (!state) {
		drops_add(FUTEX_DROP_STATE, 1);
		return 0;
	}
	if (state->phase == FUTEX_WAITING)
		left_unseen(state, tgid);
	forget_call(state);
	begin_call(state, &call, bpf_ktime_get_ns());
	state->waitv = waitv;
	make_key(&key, task, state, tgid, uaddr, flags & FUTEX_PRIVATE_FLAG);
	begin_acquisition(state, &key);
	if (op_locks_pi(op))
		state->nvcsw = BPF_CORE_READ(task, nvcsw);
	if (bpf_probe_read_user(&word, sizeof(word), (void *)uaddr))
		return 0;
	if (op_locks_pi(op) ? word & FUTEX_TID_MASK : word == val)
		expect_sleep(state, tgid);
	return 0;
}

/*
 * The word has changed already, so this call will not sleep: that happens often, and costs the program nothing but the call, so it is
 * given as little as possible: no lock, no row, but a count in the thread's own state, which iterators collect. Should the word change
 * back at this very moment and the thread sleep after all, the sleep counts like any other.
 */
static __always_inline bool begin_in_doubt(const struct futex_call *call)
{
	struct futex_state *state;
	__u32 word;

	if (bpf_probe_read_user(&word, sizeof(word), (void *)call->uaddr) || word == call->val)
		return false;
	state = state_of(current_task());
	if (!state || state->phase == FUTEX_WAITING)
		return false;
	if (!state->in_doubt)
		forget_call(state);
	count_call(call->op, FUTEX_ENTERED, 0);
	begin_call(state, call, bpf_ktime_get_ns());
	state->in_doubt = 1;
	return true;
}

#endif
