/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which lock a futex call is about, and what its memory says. */
#ifndef FUTEX_LOCK_BPF_H
#define FUTEX_LOCK_BPF_H

#include "maps.bpf.h"

static __always_inline enum futex_op op_of_command(__u32 command)
{
	command &= FUTEX_CMD_MASK;
	return command <= FUTEX_OP_LOCK_PI2 ? command : FUTEX_OP_OTHER;
}

static __always_inline bool op_waits(enum futex_op op)
{
	return op == FUTEX_OP_WAIT || op == FUTEX_OP_WAIT_BITSET || op == FUTEX_OP_LOCK_PI || op == FUTEX_OP_LOCK_PI2 ||
	       op == FUTEX_OP_WAIT_REQUEUE_PI || op == FUTEX_OP_WAITV || op == FUTEX_OP_WAIT2;
}

static __always_inline bool op_locks_pi(enum futex_op op)
{
	return op == FUTEX_OP_LOCK_PI || op == FUTEX_OP_LOCK_PI2;
}

static long shared_mapping(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct futex_key *key = context;
	struct inode *inode;

	key->scope = FUTEX_PRIVATE; /* the page is anonymous: the kernel keys it by mm and address, too */
	if (!(BPF_CORE_READ(vma, vm_flags) & VM_SHARED))
		return 0;
	inode = BPF_CORE_READ(vma, vm_file, f_inode);
	if (!inode)
		return 0;
	key->scope = FUTEX_SHARED;
	key->address += (BPF_CORE_READ(vma, vm_pgoff) << PAGE_SHIFT) - BPF_CORE_READ(vma, vm_start);
	key->space = BPF_CORE_READ(inode, i_ino);
	key->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	return 0;
}

/* As get_futex_key() in kernel/futex/core.c: private by address space, shared by inode and offset. */
static __always_inline void make_key(struct futex_key *key, struct task_struct *task, struct futex_state *state,
				     ktrace_pid tgid, __u64 uaddr, bool private)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->address = uaddr;
	if (!private) {
		struct futex_key shared = *key; /* the callback's context has to be on the stack */

		long error;

		shared.scope = FUTEX_SHARED_UNKNOWN;
		error = find_vma(task, uaddr, shared_mapping, &shared);
		*key = shared;
		if (key->scope == FUTEX_SHARED)
			return;
		if (error == -EBUSY) /* somebody changes the mappings just now; any other error: there is no mapping */
			drops_add(FUTEX_UNRESOLVED, 1);
	}
	key->space = state->space;
	key->tgid = tgid;
	key->exec_id = state->exec_id;
}

/*
 * The thread's state, made when it is not there yet. What tells this image of this process from all others is read once and kept:
 * direct loads would be cheap here, but one of a pointer (group_leader) costs the verifier a search through all types of the kernel.
 */
static __always_inline struct futex_state *state_of(struct task_struct *task)
{
	struct futex_state *state = states_make(task);

	if (state && !state->space) {
		state->space = BPF_CORE_READ(task, group_leader, start_time);
		state->exec_id = BPF_CORE_READ(task, self_exec_id);
	}
	return state;
}

/*
 * Locked with waiters: 2 in glibc, Rust and others, an owner with FUTEX_WAITERS in glibc's robust mutexes. Who slept for such a lock
 * ends its hold with a wake call; so two waits without one in between are one acquisition. musl's waiters may leave without a call.
 */
static __always_inline bool is_lock_word(const struct futex_call *call)
{
	return call->val == 2 ||
	       (call->val & FUTEX_WAITERS && call->val & FUTEX_TID_MASK && !(call->flags & FUTEX_PRIVATE_FLAG));
}

static __always_inline bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->address == b->address && a->space == b->space && a->tgid == b->tgid && a->exec_id == b->exec_id &&
	       a->dev == b->dev && a->scope == b->scope;
}

static __always_inline __u32 user_u32(__u64 address)
{
	__u32 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)address);
	return word;
}

/* Whose thread id stands where this operation and word would put the owner; docs/tools/futex.md has the layouts. */
static __always_inline ktrace_tid holder_candidate(const struct futex_call *call)
{
	__u64 uaddr = call->uaddr;
	__u32 val = call->val;

	if (op_locks_pi(call->op))
		return user_u32(uaddr) & FUTEX_TID_MASK;
	if (call->op == FUTEX_OP_WAITV || call->op == FUTEX_OP_WAIT_REQUEUE_PI)
		return 0;
	if (val & FUTEX_WAITERS) /* robust mutex (glibc), mutex (musl): the word holds it */
		return val & FUTEX_TID_MASK;
	if (val == 2) /* glibc pthread_mutex_t.__owner */
		return user_u32(uaddr + 8);
	if (call->op == FUTEX_OP_WAIT_BITSET && val == 3) /* glibc pthread_rwlock_t.__cur_writer, from either of its words */
		return user_u32(uaddr + (uaddr & 7 ? 12 : 16));
	if (call->op == FUTEX_OP_WAIT_BITSET && !(call->flags & FUTEX_PRIVATE_FLAG)) /* pthread_join: the thread's id */
		return val;
	return 0;
}

/* Around the word, or what of that is in its own page: the one before or behind it may not be there, or not yet. */
static __always_inline void keep_evidence(struct futex_lock *row, __u64 uaddr)
{
	__u64 at = uaddr & (PAGE_BYTES - 1);
	__u64 before = at < EVIDENCE_BEFORE ? at : EVIDENCE_BEFORE;
	__u64 size = PAGE_BYTES - at < EVIDENCE_BEHIND ? before + PAGE_BYTES - at : before + EVIDENCE_BEHIND;

	if (row->evidence_size)
		return;
	if (!bpf_probe_read_user(row->evidence, EVIDENCE_BYTES, (void *)(uaddr - EVIDENCE_BEFORE))) {
		row->evidence_from = EVIDENCE_BEFORE;
		row->evidence_size = EVIDENCE_BYTES;
		return;
	}
	barrier_var(size); /* the compiler knows its range, the verifier does not */
	if (size <= EVIDENCE_BYTES && !bpf_probe_read_user(row->evidence, size, (void *)(uaddr - before))) {
		row->evidence_from = before;
		row->evidence_size = size;
	}
}

static __always_inline struct futex_lock *lock_row(const struct futex_key *key, const struct futex_call *call,
						   ktrace_pid tgid, ktrace_ktime now)
{
	struct futex_lock *row = locks_row(key);

	if (!row || row->first_seen)
		return row;
	row->first_seen = now;
	row->last_seen = now;
	row->call = *call;
	row->tgid = tgid;
	return row;
}

#endif
