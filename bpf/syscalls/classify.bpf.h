/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Waiting by design, told from work. */
#ifndef SYSCALLS_CLASSIFY_BPF_H
#define SYSCALLS_CLASSIFY_BPF_H

#include <ktrace/descriptor.bpf.h>
#include "../syscalls.bpf.h"

static __always_inline bool in_set(const volatile __u64 *set, bool compat, __u32 nr)
{
	__u32 index = nr / 64 + (compat ? CALLS_PER_ABI / 64 : 0);

	if (nr >= CALLS_PER_ABI)
		return false;
	barrier_var(index); /* the compiler knows its range, the verifier does not */
	return set[index & (2 * CALLS_PER_ABI / 64 - 1)] >> (nr % 64) & 1;
}

#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define ANON_INODE_FS_MAGIC 0x09041934 /* linux/magic.h: eventfd, timerfd, inotify … */
#define TTY_MAJOR 4		       /* linux/major.h */
#define TTYAUX_MAJOR 5
#define UNIX98_PTY_SLAVE_MAJOR 136
#define UNIX98_PTY_LAST_MAJOR 143
#define MINORBITS 20
#define LONG_READ_NS 1000000 /* what is shorter did not wait for anybody worth naming, and is not looked up */

/* A pipe, a socket, a terminal, or what notifies: a read of it waits for somebody else. */
static __noinline bool waits_for_others(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of(task, fd);
	struct inode *inode;
	__u32 major;
	__u16 mode;

	if (!file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (mode == S_IFIFO || mode == S_IFSOCK)
		return true;
	major = BPF_CORE_READ(inode, i_rdev) >> MINORBITS;
	if (mode == S_IFCHR)
		return major == TTY_MAJOR || major == TTYAUX_MAJOR || (major >= UNIX98_PTY_SLAVE_MAJOR && major <= UNIX98_PTY_LAST_MAJOR);
	return BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC;
}

/* The arguments of the call that a task is in; those of 32-bit programs are in other registers. */
static __always_inline void read_call(struct task_struct *task, bool compat, struct syscall_regs *call)
{
	read_syscall_regs(task_regs(task), call);
	if (compat)
		read_compat_arguments(task_regs(task), call);
}

/* One of them, without reading the others. */
static __always_inline __u64 argument_now(struct task_struct *task, bool compat, const int n)
{
	struct syscall_regs call;

	if (!compat)
		return regs_argument(task_regs(task), n);
	read_call(task, compat, &call);
	return call.args[n];
}

#define FUTEX_CMD_MASK 127 /* linux/futex.h */

static __always_inline bool futex_waits(__u32 op)
{
	op &= FUTEX_CMD_MASK;
	return op == 0 || op == 6 || op == 9 || op == 11 || op == 13; /* WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2 */
}

static __always_inline bool waits_by_design(struct task_struct *task, const struct syscalls_state *state, ktrace_ns took)
{
	if (in_set(waiting_calls, state->compat, state->nr))
		return true;
	if (state->nr == futex_call[state->compat & 1])
		return futex_waits(argument_now(task, state->compat, 1));
	if (took < LONG_READ_NS || !in_set(reading_calls, state->compat, state->nr))
		return false;
	return waits_for_others(task, argument_now(task, state->compat, 0));
}

#endif
