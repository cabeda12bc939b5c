// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Every system call of the traced threads: how often, how long, with which error, and those that have not returned; waiting by
 * design is told from work. Of calls that are sent one by one it reads two pieces of memory and two files. It does not see calls
 * that the kernel refuses before the tracepoint (seccomp), nor what the vDSO answers without a call.
 */
#include "syscalls/tasks.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("?tp_btf/sys_enter")
int BPF_PROG(sys_enter__btf, struct pt_regs *regs, long nr)
{
	return call_begins(nr);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(sys_exit__btf, struct pt_regs *regs, long result)
{
	return call_ends(result);
}

SEC("?raw_tp/sys_enter")
int BPF_PROG(sys_enter__raw, struct pt_regs *regs, long nr)
{
	return call_begins(nr);
}

SEC("?raw_tp/sys_exit")
int BPF_PROG(sys_exit__raw, struct pt_regs *regs, long result)
{
	return call_ends(result);
}
