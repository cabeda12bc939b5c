/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The second half of a wait: its outcome, and where it is counted. */
#ifndef FUTEX_WAIT_END_BPF_H
#define FUTEX_WAIT_END_BPF_H

#include "lock.bpf.h"
#include "wait_begin.bpf.h"

/* Global, so that the verifier goes on with one unknown outcome and not once for each. */
__noinline __u32 outcome_of(long ret)
{
	if (ret >= 0)
		return FUTEX_WOKEN;
	if (ret == -ETIMEDOUT)
		return FUTEX_TIMEDOUT;
	if (ret == -EAGAIN)
		return FUTEX_NEVER_SLEPT;
	if (ret == -EINTR || is_interrupted(ret))
		return FUTEX_INTERRUPTED;
	return FUTEX_ERROR;
}

static __always_inline struct futex_part *part_add(struct futex_part_key *key, ktrace_ns ns)
{
	struct futex_part *part = parts_row(key);

	if (!part)
		return 0;
	__sync_fetch_and_add(&part->sleeps, 1);
	__sync_fetch_and_add(&part->ns, ns);
	return part;
}

/* Who waited, who held and who released, each with this sleep's time. Global, so that its paths do not multiply the caller's. */
__noinline int add_parts(__u32 tgid, ktrace_ns sleep, ktrace_ns total, __u32 woken)
{
	struct futex_state *state = states_of(current_task());
	struct futex_part_key key = { .tid = current_tid(), .role = FUTEX_WAITER };
	struct futex_part *part;

	if (!state)
		return 0;
	key.lock = state->key;
	part = part_add(&key, sleep);
	if (part) {
		part->acquisitions += !state->accounted;
		if (part->max_ns < total)
			part->max_ns = total;
		if (part->max_waiting < state->seen_waiting)
			part->max_waiting = state->seen_waiting;
		part->tgid = tgid;
		bpf_get_current_comm(part->comm, sizeof(part->comm));
	}
	if (state->holder) {
		key.tid = state->holder;
		key.role = FUTEX_HOLDER;
		part_add(&key, sleep);
	}
	if (woken && state->waker_tid) {
		key.tid = state->waker_tid;
		key.role = FUTEX_RELEASER;
		part = part_add(&key, sleep);
		if (part && !part->tgid) {
			part->tgid = state->waker_tgid;
			__builtin_memcpy(part->comm, state->waker_comm, sizeof(part->comm));
		}
	}
	return 0;
}

/* An acquisition may take several sleeps: the histogram then moves it from its former bucket to the new one. */
static __always_inline void add_sleep(struct futex_lock *row, struct futex_state *state, ktrace_ns total, bool woken)
{
	__sync_fetch_and_add(&row->sleeps, 1);
	if (state->accounted)
		histogram_add(row->histogram, state->accounted, -1);
	else
		__sync_fetch_and_add(&row->acquisitions, 1);
	histogram_add(row->histogram, total, 1);
	__sync_fetch_and_add(&row->total_ns, total - state->accounted);
	if (state->preexisting)
		__sync_fetch_and_add(&row->preexisting, 1);
	/* A time-out has a waker, too: whoever the timer interrupted. */
	if (woken && state->waker_uaddr && state->waker_uaddr != state->call.uaddr && state->call.op != FUTEX_OP_WAITV) {
		__sync_fetch_and_add(&row->moved, 1);
		row->moved_to = state->waker_uaddr;
	}
}

static __always_inline void emit_event(struct futex_state *state, ktrace_pid tgid, ktrace_ktime now, ktrace_ns total,
				       enum futex_outcome outcome, long ret)
{
	struct futex_event *event = events_reserve();

	if (!event)
		return;
	event->lock = state->key;
	event->end = now;
	event->wait_ns = total;
	event->sleep_ns = now - state->call_begin;
	event->uaddr = state->call.uaddr;
	event->tgid = tgid;
	event->tid = current_tid();
	event->op = state->call.op;
	event->outcome = outcome;
	event->error = ret < 0 ? -ret : 0;
	event->holder = state->holder;
	event->waker_tid = outcome == FUTEX_WOKEN ? state->waker_tid : 0;
	event->waker_tgid = outcome == FUTEX_WOKEN ? state->waker_tgid : 0;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	__builtin_memcpy(event->waker_comm, state->waker_comm, sizeof(event->waker_comm));
	event->_zero = 0;
	events_submit(event);
}

/* `ended`: when, or 0 for now. */
static __always_inline void account(struct futex_state *state, ktrace_pid tgid, enum futex_outcome outcome, long ret,
				    ktrace_ktime ended)
{
	bool slept = outcome == FUTEX_WOKEN || outcome == FUTEX_TIMEDOUT || outcome == FUTEX_INTERRUPTED;
	ktrace_ktime now = slept ? ended ?: bpf_ktime_get_ns() : state->call_begin;
	ktrace_ns total = now - state->begin;
	struct futex_lock *row;

	if ((__s64)total < 0) {
		drops_add(FUTEX_DROP_BACKWARDS, 1);
		return;
	}
	if (min_wait_ns && (!slept || total < min_wait_ns)) {
		drops_add(FUTEX_FILTERED, 1);
		return;
	}
	row = lock_row(&state->key, &state->call, tgid, state->call_begin);
	if (!row) {
		drops_add(FUTEX_DROP_LOCK, 1);
		return;
	}
	row->last_seen = now;
	if (outcome < FUTEX_OUTCOMES)
		__sync_fetch_and_add(&row->outcomes[outcome], 1);
	if (!slept)
		return;
	add_sleep(row, state, total, outcome == FUTEX_WOKEN);
	add_parts(tgid, now - state->call_begin, total, outcome == FUTEX_WOKEN);
	if (emit_events)
		emit_event(state, tgid, now, total, outcome, ret);
	state->accounted = total ?: 1;
}

/* futex_waitv was woken through another of its addresses than the first. Global: it happens seldom and must not double every path. */
__noinline int woken_through(__u32 tgid, __u32 index)
{
	struct task_struct *task = current_task();
	struct futex_state *state = states_of(task);
	__u64 uaddr = 0;

	if (!state)
		return 0;
	bpf_probe_read_user(&uaddr, sizeof(uaddr), (void *)(state->waitv + index * sizeof(struct futex_waitv) + 8));
	state->call.uaddr = uaddr;
	make_key(&state->key, task, state, tgid, uaddr, state->call.flags & FUTEX_PRIVATE_FLAG);
	return 0;
}

/* What a thread counted without a row goes to the row now: it did the same elsewhere, or ends. */
__noinline int flush_pending(__u32 tgid)
{
	struct futex_state *state = states_of(current_task());
	struct futex_lock *row;

	if (!state || !state->pending)
		return 0;
	count_calls(state->pending_call.op, FUTEX_NEVER_SLEPT, state->pending, 0);
	row = lock_row(&state->pending_key, &state->pending_call, tgid, bpf_ktime_get_ns());
	if (row)
		__sync_fetch_and_add(&row->outcomes[FUTEX_NEVER_SLEPT], state->pending);
	else
		drops_add(FUTEX_DROP_LOCK, state->pending);
	state->pending = 0;
	return 0;
}

static __always_inline bool same_call(const struct futex_call *a, const struct futex_call *b)
{
	return a->uaddr == b->uaddr && a->op == b->op && a->flags == b->flags;
}

static __always_inline void count_pending(struct futex_state *state, ktrace_pid tgid)
{
	if (min_wait_ns) {
		count_call(state->call.op, FUTEX_NEVER_SLEPT, 0);
		drops_add(FUTEX_FILTERED, 1);
		return;
	}
	if (!state->pending || !same_call(&state->pending_call, &state->call)) {
		flush_pending(tgid);
		state->pending_call = state->call;
		make_key(&state->pending_key, current_task(), state, tgid, state->call.uaddr,
			 state->call.flags & FUTEX_PRIVATE_FLAG);
	}
	state->pending++;
}

/* The thread leaves the call that its state says it waits in, or left it at `ended`. */
__noinline int wait_end(__u32 tgid, long ret, __u64 ended)
{
	struct task_struct *task = current_task();
	struct futex_state *state = states_of(task);
	enum futex_outcome outcome;
	struct futex_key key;

	if (!state || state->phase != FUTEX_WAITING)
		return 0;
	outcome = outcome_of(ret);
	barrier_var(outcome); /* the compiler knows its range, the verifier does not: keep the check */
	/* LOCK_PI also takes a lock that is free by now, without sleeping. */
	if (op_locks_pi(state->call.op) && outcome == FUTEX_WOKEN && BPF_CORE_READ(task, nvcsw) == state->nvcsw)
		outcome = FUTEX_NEVER_SLEPT;
	state->phase = ret == -ERESTART_RESTARTBLOCK ? FUTEX_RESTARTING : FUTEX_IDLE;
	if (state->in_doubt && outcome == FUTEX_NEVER_SLEPT) {
		count_pending(state, tgid);
		return 0;
	}
	count_call(state->call.op, outcome, 0);
	if (state->in_doubt) {
		state->in_doubt = 0;
		make_key(&key, task, state, tgid, state->call.uaddr, state->call.flags & FUTEX_PRIVATE_FLAG);
		begin_acquisition(state, &key);
	}
	no_longer_waiting(state);
	if (state->waitv && ret > 0)
		woken_through(tgid, ret);
	account(state, tgid, outcome, ret, ended);
	if (outcome != FUTEX_NEVER_SLEPT)
		state->open = outcome == FUTEX_INTERRUPTED			? FUTEX_OPEN :
			      outcome == FUTEX_WOKEN && state->lock_like ? FUTEX_OPEN_LOCK :
									   FUTEX_CLOSED;
	return 0;
}

#endif
