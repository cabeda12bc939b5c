/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Programs on the function of a system call, for fentry and kprobe from one body: callers of others pay nothing. In a body `regs` are the
 * registers of the call, ARGUMENT(n) is one of its arguments and, where it ends, `ret` is what it returned.
 */
#ifndef KTRACE_SYSCALL_BPF_H
#define KTRACE_SYSCALL_BPF_H

#include <ktrace/helpers.bpf.h>

#define ON_BEGIN(call, function, body)                                                             \
	SEC("?fentry/" function)                                                                   \
	int sys_enter_##call##__fentry(__u64 *ctx)                                                 \
	{                                                                                          \
		struct pt_regs *regs = call_regs(ctx);                                             \
                                                                                                   \
		(void)regs;                                                                        \
		return body;                                                                       \
	}                                                                                          \
	SEC("?kprobe/" function)                                                                   \
	int sys_enter_##call##__kprobe(struct pt_regs *ctx)                                        \
	{                                                                                          \
		struct pt_regs *regs = task_regs(current_task());                                  \
                                                                                                   \
		(void)regs;                                                                        \
		return body;                                                                       \
	}

#define ON_END(call, function, body)                                                               \
	SEC("?fexit/" function)                                                                    \
	int sys_exit_##call##__fentry(__u64 *ctx)                                                  \
	{                                                                                          \
		struct pt_regs *regs = call_regs(ctx);                                             \
		long ret = ctx[1];                                                                 \
                                                                                                   \
		(void)regs;                                                                        \
		return body;                                                                       \
	}                                                                                          \
	SEC("?kretprobe/" function)                                                                \
	int sys_exit_##call##__kprobe(struct pt_regs *ctx)                                         \
	{                                                                                          \
		struct pt_regs *regs = task_regs(current_task());                                  \
		long ret = regs_result(ctx);                                                       \
                                                                                                   \
		(void)regs;                                                                        \
		return body;                                                                       \
	}

#define ARGUMENT(n) regs_argument(regs, n)

#endif
