// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Programs that do nothing, on the hooks of ktrace's tools: what being hooked costs, whoever does it; and what reading the clock costs
 * besides, which nobody who times calls can do without. bench/empty.mjs attaches them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile char clock;

#define EMPTY(name, section)                                                                               \
	SEC("?" section)                                                                                   \
	int name(void *context)                                                                            \
	{                                                                                                  \
		if (clock)                                                                                 \
			bpf_ktime_get_ns();                                                                \
		return 0;                                                                                  \
	}

EMPTY(enter_futex, "tracepoint/syscalls/sys_enter_futex")
EMPTY(exit_futex, "tracepoint/syscalls/sys_exit_futex")
EMPTY(enter_futex_wait, "tracepoint/syscalls/sys_enter_futex_wait")
EMPTY(exit_futex_wait, "tracepoint/syscalls/sys_exit_futex_wait")
EMPTY(enter_futex_waitv, "tracepoint/syscalls/sys_enter_futex_waitv")
EMPTY(exit_futex_waitv, "tracepoint/syscalls/sys_exit_futex_waitv")
EMPTY(exit_futex_wake, "tracepoint/syscalls/sys_exit_futex_wake")
EMPTY(exit_futex_requeue, "tracepoint/syscalls/sys_exit_futex_requeue")
EMPTY(enter_restart_syscall, "tracepoint/syscalls/sys_enter_restart_syscall")
EMPTY(exit_restart_syscall, "tracepoint/syscalls/sys_exit_restart_syscall")
EMPTY(process_fork, "tp_btf/sched_process_fork")
EMPTY(process_exec, "tp_btf/sched_process_exec")
EMPTY(process_exit, "tp_btf/sched_process_exit")
EMPTY(process_free, "tp_btf/sched_process_free")
EMPTY(exit_execve, "tracepoint/syscalls/sys_exit_execve")
EMPTY(exit_execveat, "tracepoint/syscalls/sys_exit_execveat")
EMPTY(inet_sock_set_state, "tp_btf/inet_sock_set_state")
EMPTY(enter_connect, "tracepoint/syscalls/sys_enter_connect")
EMPTY(exit_connect, "tracepoint/syscalls/sys_exit_connect")
EMPTY(task_rename, "tp_btf/task_rename")
EMPTY(sched_waking, "tp_btf/sched_waking")
EMPTY(btf_enter, "tp_btf/sys_enter")
EMPTY(btf_exit, "tp_btf/sys_exit")
EMPTY(raw_enter, "raw_tp/sys_enter")
EMPTY(raw_exit, "raw_tp/sys_exit")
EMPTY(futex_wait_restart, "fentry/futex_wait_restart")
EMPTY(futex_wait_restart_end, "fexit/futex_wait_restart")
EMPTY(futex_begin, "fentry/" CALL "futex")
EMPTY(futex_end, "fexit/" CALL "futex")
EMPTY(futex_requeue_begin, "fentry/" CALL "futex_requeue")
EMPTY(futex_requeue_end, "fexit/" CALL "futex_requeue")
EMPTY(futex_wait_begin, "fentry/" CALL "futex_wait")
EMPTY(futex_wait_end, "fexit/" CALL "futex_wait")
EMPTY(futex_waitv_begin, "fentry/" CALL "futex_waitv")
EMPTY(futex_waitv_end, "fexit/" CALL "futex_waitv")
EMPTY(futex_wake_begin, "fentry/" CALL "futex_wake")
EMPTY(futex_wake_end, "fexit/" CALL "futex_wake")
EMPTY(execve_end, "fexit/" CALL "execve")
EMPTY(execveat_end, "fexit/" CALL "execveat")
EMPTY(connect_begin, "fentry/" CALL "connect")
EMPTY(connect_end, "fexit/" CALL "connect")
