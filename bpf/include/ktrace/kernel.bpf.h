/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The kernel structs and fields that ktrace reads, and no others: CO-RE relocates each access on the running kernel.
 * Field names are those of Linux 6.18; renames between 5.10 and 7.2 have an accessor in core_fixes.bpf.h.
 */
#ifndef KTRACE_KERNEL_BPF_H
#define KTRACE_KERNEL_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define KERNEL_STRUCT __attribute__((preserve_access_index))

/* A field behind a pointer that the kernel vouches for, by a direct load; kernels before 5.17 vouch for fewer. */
#ifdef KTRACE_LEGACY
#define TRUSTED_READ(pointer, field) BPF_CORE_READ(pointer, field)
#else
#define TRUSTED_READ(pointer, field) ((pointer)->field)
#endif

#include <linux/in6.h>
#include <ktrace/kernel_files.bpf.h>
#include <ktrace/kernel_net.bpf.h>

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL_STRUCT;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL_STRUCT;

struct sched_info {
	unsigned long long last_arrival; /* rq clock; under CONFIG_SCHED_INFO */
} KERNEL_STRUCT;

struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
	__u64 id;
} KERNEL_STRUCT;

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[1];
	struct cgroup_root *root;
} KERNEL_STRUCT;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} KERNEL_STRUCT;

enum cgroup_subsys_id {
	memory_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
} KERNEL_STRUCT;

typedef struct {
	unsigned long sig[1];
} KERNEL_STRUCT sigset_t;

struct sigpending {
	sigset_t signal;
} KERNEL_STRUCT;

typedef struct {
	int counter;
} KERNEL_STRUCT atomic_t;

typedef struct {
	long counter;
} KERNEL_STRUCT atomic_long_t;

struct list_head {
	struct list_head *next;
} KERNEL_STRUCT;

#include <ktrace/kernel_memory.bpf.h>

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	struct sigpending shared_pending;
	int group_exit_code;
	unsigned int flags;
	unsigned long long sum_sched_runtime; /* of threads that are gone, ns */
	unsigned long maxrss; /* pages */
	short oom_score_adj;
	struct mm_struct *oom_mm;
} KERNEL_STRUCT;

typedef struct {
	unsigned int val;
} KERNEL_STRUCT kuid_t;

struct cred {
	kuid_t uid;
	kuid_t euid;
} KERNEL_STRUCT;

#if defined(__TARGET_ARCH_x86)
struct thread_info {
	unsigned int status;
} KERNEL_STRUCT;
#else
struct thread_info {
	unsigned long flags;
} KERNEL_STRUCT;
#endif

struct sched_entity {
	__u64 sum_exec_runtime;
} KERNEL_STRUCT;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	struct sched_entity se;
	int pid;
	int tgid;
	void *stack;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct pid *thread_pid;
	struct sched_info sched_info;
	unsigned long nvcsw;
	__u64 start_time;
	__u64 self_exec_id;
	struct css_set *cgroups;
	struct signal_struct *signal;
	struct list_head thread_node;
	sigset_t blocked;
	struct sigpending pending;
	char comm[16];
} KERNEL_STRUCT;

struct rb_node {
	struct rb_node *rb_left;
	struct rb_node *rb_right;
} KERNEL_STRUCT;

struct rb_root {
	struct rb_node *rb_node;
} KERNEL_STRUCT;

struct mm_struct {
	struct rb_root mm_rb; /* until 6.1 */
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4];
	atomic_long_t pgtables_bytes;
} KERNEL_STRUCT;

struct linux_binprm {
	const char *filename;
	const char *interp;
} KERNEL_STRUCT;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct rb_node vm_rb; /* until 6.1 */
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
} KERNEL_STRUCT;

struct trace_event_raw_sys_enter {
	long id;
	unsigned long args[6];
} KERNEL_STRUCT;

struct trace_event_raw_sys_exit {
	long id;
	long ret;
} KERNEL_STRUCT;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_STRUCT;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL_STRUCT;

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
} KERNEL_STRUCT;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp; /* then bx */
	unsigned long r10; /* then r9, r8, ax, cx, dx, si, di, orig_ax: the order is that of the uapi (asm/ptrace.h) */
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long sp;
} KERNEL_STRUCT;
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 orig_x0;
	__s32 syscallno;
} KERNEL_STRUCT;
#else
#error "ktrace knows the system call registers of x86-64 and arm64 only"
#endif

#define PF_EXITING 0x00000004 /* include/linux/sched.h */
#define PF_KTHREAD 0x00200000
#define PF_IO_WORKER 0x00000010
#define PF_USER_WORKER 0x00004000 /* since 6.4 */
#define TASK_ASLEEP 3		  /* TASK_INTERRUPTIBLE or TASK_UNINTERRUPTIBLE, and not stopped or frozen */
#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */
#define VM_SHARED 0x00000008  /* include/linux/mm.h */
#define PAGE_SHIFT 12         /* vm_pgoff counts these; larger base pages are not supported */
#define PAGE_BYTES (1U << PAGE_SHIFT)

#endif
