/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Helpers of the kernel that stock kernels before 5.17 lack, and what stands in for them in objects compiled with KTRACE_LEGACY
 * (NAME.legacy.bpf.o). User space takes that object where the kernel has no bpf_find_vma, the youngest of them. A choice when the
 * program is loaded would not do: 5.10 refuses a program for the mere presence of a callback.
 */
#ifndef KTRACE_HELPERS_BPF_H
#define KTRACE_HELPERS_BPF_H

#include <linux/errno.h>
#include <ktrace/core_fixes.bpf.h>
#include <ktrace/types.bpf.h>

#ifdef KTRACE_LEGACY

#define THREAD_SIZE (16 << 10) /* x86-64 and arm64 with pages of 4 KiB, without KASAN */
#define RB_TREE_DEPTH 32       /* twice the logarithm of the 65530 mappings that a process may have */

/* bpf_get_current_task_btf: 3ca1032ab7ab ("bpf: Add bpf_get_current_task_btf", 5.11) */
static __always_inline struct task_struct *current_task(void)
{
	return (void *)bpf_get_current_task();
}

/* A field of a task that current_task() or an iterator gave, through pointers: without a call of a helper for each where the verifier knows its type. */
#define TASK_READ BPF_CORE_READ

/* The name of such a task. */
static __always_inline void read_comm(ktrace_comm to, struct task_struct *task)
{
	bpf_probe_read_kernel(to, sizeof(ktrace_comm), task->comm);
}

/* bpf_task_pt_regs: dd6e10fbd9fb ("bpf: Add bpf_task_pt_regs() helper", 5.15). They lie at the top of the stack. */
static __always_inline struct pt_regs *task_regs(struct task_struct *task)
{
	return (void *)BPF_CORE_READ(task, stack) + THREAD_SIZE - bpf_core_type_size(struct pt_regs);
}

/* bpf_get_current_ancestor_cgroup_id: 95b861a7935b ("bpf: Allow bpf_get_current_ancestor_cgroup_id for tracing", 5.14) */
static __always_inline __u64 current_ancestor_cgroup_id(__u32 level)
{
	return task_ancestor_cgroup_id(current_task(), level);
}

/* The first argument of a fentry or fexit program on a system call. 5.10 does not give it: there its type is only a forward declaration. */
static __always_inline struct pt_regs *call_regs(__u64 *ctx)
{
	return task_regs(current_task());
}

typedef long (*vma_callback)(struct task_struct *task, struct vm_area_struct *vma, void *context);

/* bpf_find_vma: 7c7e3d31e785 ("bpf: Introduce helper bpf_find_vma", 5.17). Walks the tree of mappings, without its lock. */
static __always_inline long find_vma(struct task_struct *task, __u64 address, vma_callback callback, void *context)
{
	struct rb_node *node = BPF_CORE_READ(task, mm, mm_rb.rb_node);
	struct vm_area_struct *vma = 0;
	int i;

	for (i = 0; i < RB_TREE_DEPTH && node; i++) {
		vma = (void *)node - bpf_core_field_offset(vma->vm_rb);
		if (BPF_CORE_READ(vma, vm_end) <= address)
			node = BPF_CORE_READ(node, rb_right);
		else if (BPF_CORE_READ(vma, vm_start) > address)
			node = BPF_CORE_READ(node, rb_left);
		else
			return callback(task, vma, context);
	}
	return -ENOENT;
}

/*
 * State per thread. Task storage for tracing programs: a10787e6d58c ("bpf: Enable task local storage for tracing programs", 5.13).
 * Before, a hash by task_struct, which the tool's programs clean up when a thread ends; a full one shows as a state that cannot be made.
 */
struct task_key {
	__u64 task;
};

#define KTRACE_STATES(name, state_type)                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 16384);                                                        \
		__type(key, struct task_key);                                                      \
		__type(value, state_type);                                                         \
	} name SEC(".maps");                                                                       \
	static const state_type name##_none;                                                       \
                                                                                                   \
	static __always_inline state_type *name##_of(struct task_struct *task)                     \
	{                                                                                          \
		struct task_key key = { (__u64)task };                                             \
                                                                                                   \
		return bpf_map_lookup_elem(&name, &key);                                           \
	}                                                                                          \
                                                                                                   \
	static __always_inline state_type *name##_make(struct task_struct *task)                   \
	{                                                                                          \
		struct task_key key = { (__u64)task };                                             \
		state_type *state = bpf_map_lookup_elem(&name, &key);                              \
                                                                                                   \
		if (state)                                                                         \
			return state;                                                              \
		bpf_map_update_elem(&name, &key, &name##_none, BPF_NOEXIST);                       \
		return bpf_map_lookup_elem(&name, &key);                                           \
	}                                                                                          \
                                                                                                   \
	static __always_inline void name##_drop(struct task_struct *task)                          \
	{                                                                                          \
		struct task_key key = { (__u64)task };                                             \
                                                                                                   \
		bpf_map_delete_elem(&name, &key);                                                  \
	}

#else

static __always_inline struct task_struct *current_task(void)
{
	return bpf_get_current_task_btf();
}

#define TASK_READ(task, ...) ___arrow(task, __VA_ARGS__)

static __always_inline void read_comm(ktrace_comm to, struct task_struct *task)
{
	__u64 *words = (void *)to;
	const __u64 *name = (const void *)task->comm;

	words[0] = name[0];
	words[1] = name[1];
}

/* The registers with which a task entered the kernel. */
static __always_inline struct pt_regs *task_regs(struct task_struct *task)
{
	return (void *)bpf_task_pt_regs(task);
}

static __always_inline __u64 current_ancestor_cgroup_id(__u32 level)
{
	return bpf_get_current_ancestor_cgroup_id(level);
}

static __always_inline struct pt_regs *call_regs(__u64 *ctx)
{
	return (void *)ctx[0];
}

/* The callback's context has to be on the stack. */
#define find_vma(task, address, callback, context) bpf_find_vma(task, address, callback, context, 0)

/*
 * State per thread: name_of() finds it, name_make() makes it when it is not there. It goes with the thread, or by name_drop(). When two users of
 * task storage, such as two tracers, come at once to a thread that has none, one of them gets -EAGAIN (bpf_local_storage_alloc). The second try
 * finds the storage that the other one has made.
 */
#define KTRACE_STATES(name, state_type)                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                                           \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, int);                                                                  \
		__type(value, state_type);                                                         \
	} name SEC(".maps");                                                                       \
                                                                                                   \
	static __always_inline state_type *name##_of(struct task_struct *task)                     \
	{                                                                                          \
		return bpf_task_storage_get(&name, task, 0, 0);                                    \
	}                                                                                          \
                                                                                                   \
	static __always_inline state_type *name##_make(struct task_struct *task)                   \
	{                                                                                          \
		return bpf_task_storage_get(&name, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE) ?:     \
		       bpf_task_storage_get(&name, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);       \
	}                                                                                          \
                                                                                                   \
	static __always_inline void name##_drop(struct task_struct *task)                          \
	{                                                                                          \
		bpf_task_storage_delete(&name, task);                                              \
	}

#endif

static __always_inline struct pt_regs *current_regs(void)
{
	return task_regs(current_task());
}

/* The kernel function of a system call, which takes the registers. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FUNCTION(call) "__x64_sys_" #call
#else
#define SYSCALL_FUNCTION(call) "__arm64_sys_" #call
#endif

/* What a function returned, from the registers of a kretprobe. */
static __always_inline long regs_result(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->ax;
#else
	return regs->regs[0];
#endif
}

#define ERESTARTSYS 512 /* include/linux/errno.h: from there on programs do not see it */
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

/* A system call with this result was interrupted: it is entered again, or fails with EINTR when a signal handler ran. */
static __always_inline bool is_interrupted(long result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND || result == -ERESTART_RESTARTBLOCK;
}

/* The first argument of a function, from the registers of a kprobe at its beginning. */
static __always_inline __u64 regs_first(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->di;
#else
	return regs->regs[0];
#endif
}

/* One argument of the system call that the registers belong to, by direct loads where the kernel vouches for the pointer. */
static __always_inline __u64 regs_argument(struct pt_regs *regs, const int n)
{
#define REGISTER(name) TRUSTED_READ(regs, name)
#if defined(__TARGET_ARCH_x86)
	switch (n) {
	case 0:
		return REGISTER(di);
	case 1:
		return REGISTER(si);
	case 2:
		return REGISTER(dx);
	case 3:
		return REGISTER(r10);
	default:
		return REGISTER(r8);
	}
#else
	return n == 0 ? REGISTER(orig_x0) : REGISTER(regs[n]);
#endif
#undef REGISTER
}

#endif
