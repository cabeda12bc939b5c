/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls sent one by one: those that took long, or all. */
#ifndef SYSCALLS_EVENTS_BPF_H
#define SYSCALLS_EVENTS_BPF_H

#include "classify.bpf.h"
#include "rows.bpf.h"

#define SECOND 1000000000ULL

/* Where the entries of a call are in a table that has `each` bytes for every one. */
static __always_inline __u32 entry_of(const struct syscalls_state *state, const __u32 each)
{
	__u32 index = (state->nr & (CALLS_PER_ABI - 1)) + (state->compat ? CALLS_PER_ABI : 0);

	barrier_var(index); /* the compiler knows its range, the verifier does not */
	return (index & (2 * CALLS_PER_ABI - 1)) * each;
}

/* Whether there have been too many of this call in this second. Programs that preempt one another may let one through more. */
static __always_inline bool too_many(const struct syscalls_state *state, ktrace_ktime now)
{
	__u32 index = (state->nr & (CALLS_PER_ABI - 1)) + (state->compat ? CALLS_PER_ABI : 0);
	struct syscalls_rate *rate = bpf_map_lookup_elem(&rates, &index);

	if (!events_per_second || !rate)
		return false;
	if (now >= rate->until) {
		rate->until = now + SECOND;
		rate->sent = 0;
	}
	return rate->sent++ >= events_per_second;
}

static __always_inline __u64 argument_of(const struct syscall_regs *call, __u32 index)
{
	switch (index) {
	case 0:
		return call->args[0];
	case 1:
		return call->args[1];
	case 2:
		return call->args[2];
	case 3:
		return call->args[3];
	case 4:
		return call->args[4];
	default:
		return call->args[5];
	}
}

static __always_inline void read_text(struct syscalls_piece *piece, ktrace_addr address)
{
	piece->bytes = bpf_probe_read_user_str(piece->data, sizeof(piece->data), (const void *)address);
}

static __always_inline void read_bytes(struct syscalls_piece *piece, ktrace_addr address, __u64 whole)
{
	__u64 bytes = whole > PIECE_BYTES ? PIECE_BYTES : whole;

	piece->whole = whole > (__u32)-1 ? (__u32)-1 : whole;
	barrier_var(bytes); /* the compiler knows its range, the verifier does not */
	if (bytes > PIECE_BYTES)
		return;
	piece->bytes = bpf_probe_read_user(piece->data, bytes, (const void *)address) ?: (__s32)bytes;
}

static __noinline void read_piece(struct syscalls_piece *piece, const struct syscall_regs *call, const volatile __u8 *entry, __s64 result)
{
	struct syscalls_piece_kind kind = { entry[0], entry[1], entry[2], entry[3] };
	ktrace_addr address = argument_of(call, kind.argument);
	__u64 count = kind.count;
	__u32 pointed = 0;

	if (kind.how == PIECE_NONE || !address)
		return;
	if (kind.how == PIECE_TEXT) {
		read_text(piece, address);
		return;
	}
	if (kind.how == PIECE_ARGUMENT)
		count = (__u32)argument_of(call, kind.count);
	if (kind.how == PIECE_POINTED && !bpf_probe_read_user(&pointed, sizeof(pointed), (const void *)argument_of(call, kind.count)))
		count = pointed;
	if (kind.how == PIECE_RESULT)
		count = result < 0 ? 0 : result;
	read_bytes(piece, address, count * kind.unit);
}

/* Path and arguments of the program that a thread has become: they lie at the top of its stack (create_elf_tables(), fs/binfmt_elf.c). */
static __always_inline void read_execed(struct task_struct *task, struct syscalls_event *event)
{
	ktrace_addr start = BPF_CORE_READ(task, mm, arg_start);

	read_text(&event->pieces[0], BPF_CORE_READ(task, mm, env_end));
	read_bytes(&event->pieces[1], start, BPF_CORE_READ(task, mm, arg_end) - start);
}

static __always_inline void look_up_arguments(struct task_struct *task, const struct syscalls_state *state, const struct syscall_regs *call,
					      struct syscalls_event *event)
{
	__u32 files = entry_of(state, FILES), pieces = entry_of(state, PIECES * sizeof(struct syscalls_piece_kind));
	struct inode *inode;
	int i;

	for (i = 0; i < FILES; i++) {
		__u32 file = file_table[files + i];

		inode = file ? inode_of(task, argument_of(call, file - 1)) : 0;
		if (inode)
			event->inodes[i] = BPF_CORE_READ(inode, i_ino);
	}
	for (i = 0; i < PIECES; i++)
		read_piece(&event->pieces[i], call, &piece_table[pieces + i * sizeof(struct syscalls_piece_kind)], event->result);
}

static __noinline void send_call(struct task_struct *task, const struct syscalls_state *state, const struct syscalls_end *end)
{
	ktrace_ktime now = state->begin + end->took;
	struct syscalls_event *event;
	struct syscall_regs call;

	if (too_many(state, now)) {
		drops_add(SYSCALLS_LIMITED, 1);
		return;
	}
	event = events_reserve();
	if (!event)
		return;
	read_call(task, state->compat, &call);
	event->end = now;
	event->took = end->took;
	__builtin_memcpy(event->args, call.args, sizeof(event->args));
	event->result = end->result;
	event->tgid = task_tgid(task);
	event->tid = task_tid(task);
	event->nr = state->nr;
	event->compat = state->compat;
	event->flags = end->flags;
	event->_zero = 0;
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	event->inodes[0] = event->inodes[1] = 0;
	event->pieces[0].bytes = event->pieces[1].bytes = 0;
	if (end->flags & EVENT_EXECED)
		read_execed(task, event);
	else if (!(end->flags & EVENT_NO_ARGS))
		look_up_arguments(task, state, &call, event);
	events_submit(event);
}

#endif
