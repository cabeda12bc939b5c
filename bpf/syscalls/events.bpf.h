/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Calls sent one by one: those that took long, or all. */
#ifndef SYSCALLS_EVENTS_BPF_H
#define SYSCALLS_EVENTS_BPF_H

#include "classify.bpf.h"
#include "rows.bpf.h"

#define SECOND 1000000000ULL
#define ARGUMENTS 6

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

/* An argument of the call; `index` is data. */
static __always_inline __u64 argument_of(const struct syscalls_event *event, __u32 index)
{
	barrier_var(index); /* the compiler knows its range, the verifier does not */
	return index < ARGUMENTS ? event->args[index] : 0;
}

/* What may lie where an argument points to, before the call writes how much it would have been. */
static __always_inline __u32 pointed_now(struct task_struct *task, const struct syscalls_state *state)
{
	const volatile __u8 *entry = &piece_table[entry_of(state, PIECES * sizeof(struct syscalls_piece_kind))];
	struct syscall_regs call;
	__u32 pointed = 0;
	__u64 address = 0;
	int i;

	if (entry[0] != PIECE_POINTED)
		entry += sizeof(struct syscalls_piece_kind);
	if (entry[0] != PIECE_POINTED)
		return 0;
	read_call(task, state->compat, &call);
	for (i = 0; i < ARGUMENTS; i++)
		address = i == entry[3] ? call.args[i] : address;
	bpf_probe_read_user(&pointed, sizeof(pointed), (const void *)address);
	return pointed;
}

/* These return what syscalls_piece.bytes is to be. */
static __always_inline __s32 read_text(struct syscalls_piece *piece, ktrace_addr address)
{
	__s32 bytes = bpf_probe_read_user_str(piece->data, sizeof(piece->data), (const void *)address);
	char last = 0;

	if (bytes == PIECE_BYTES)
		bpf_probe_read_user(&last, sizeof(last), (const void *)(address + PIECE_BYTES - 1));
	piece->whole = bytes + !!last;
	return bytes;
}

static __always_inline __s32 read_bytes(struct syscalls_piece *piece, ktrace_addr address, __u64 whole)
{
	__u64 bytes = whole > PIECE_BYTES ? PIECE_BYTES : whole;

	piece->whole = whole > (__u32)-1 ? (__u32)-1 : whole;
	barrier_var(bytes); /* the compiler knows its range, the verifier does not */
	if (bytes > PIECE_BYTES)
		return 0;
	return bpf_probe_read_user(piece->data, bytes, (const void *)address) ?: (__s32)bytes;
}

static __noinline __s32 read_piece(struct syscalls_piece *piece, const struct syscalls_event *event, const volatile __u8 *entry, __u32 pointed_then)
{
	struct syscalls_piece_kind kind = { entry[0], entry[1], entry[2], entry[3] };
	ktrace_addr address = argument_of(event, kind.argument);
	__s64 result = event->result;
	__u64 count = kind.count, most;
	__u32 pointed = 0;

	if (kind.how == PIECE_NONE || !address)
		return 0;
	if (kind.how == PIECE_TEXT)
		return read_text(piece, address);
	if (kind.how != PIECE_FIXED)
		count = (__u32)argument_of(event, kind.count);
	if (kind.how == PIECE_POINTED) {
		bpf_probe_read_user(&pointed, sizeof(pointed), (const void *)argument_of(event, kind.count));
		count = pointed < pointed_then ? pointed : pointed_then;
	}
	if (kind.how == PIECE_RESULT) {
		most = result < 0 ? 0 : result;
		count = most < count ? most : count;
	}
	return read_bytes(piece, address, count * kind.unit);
}

/* Path and arguments of the program that a thread has become: they lie at the top of its stack (create_elf_tables(), fs/binfmt_elf.c). */
static __always_inline void read_execed(struct task_struct *task, struct syscalls_event *event)
{
	ktrace_addr start = BPF_CORE_READ(task, mm, arg_start);

	event->pieces[0].bytes = read_text(&event->pieces[0], BPF_CORE_READ(task, mm, env_end));
	event->pieces[1].bytes = read_bytes(&event->pieces[1], start, BPF_CORE_READ(task, mm, arg_end) - start);
}

static __noinline void tell_file(struct syscalls_file *told, struct file *file)
{
	struct inode *inode;

	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	told->inode = BPF_CORE_READ(inode, i_ino);
	told->device = BPF_CORE_READ(inode, i_sb, s_dev);
	if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC)
		bpf_probe_read_kernel_str(told->name, sizeof(told->name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
}

static __always_inline void look_up_arguments(struct task_struct *task, const struct syscalls_state *state, struct syscalls_event *event)
{
	__u32 files = entry_of(state, FILES), pieces = entry_of(state, PIECES * sizeof(struct syscalls_piece_kind));
	int i;

	for (i = 0; i < FILES; i++) {
		__u32 file = file_table[files + i];

		if (file)
			tell_file(&event->files[i], file_of(task, argument_of(event, file - 1)));
	}
	for (i = 0; i < PIECES; i++)
		event->pieces[i].bytes = read_piece(&event->pieces[i], event, &piece_table[pieces + i * sizeof(struct syscalls_piece_kind)], state->pointed);
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
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), task->comm);
	__builtin_memset(event->files, 0, sizeof(event->files));
	event->pieces[0].bytes = event->pieces[1].bytes = 0;
	if (end->flags & EVENT_EXECED)
		read_execed(task, event);
	else if (!(end->flags & EVENT_NO_ARGS))
		look_up_arguments(task, state, event);
	events_submit(event);
}

#endif
