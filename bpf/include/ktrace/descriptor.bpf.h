/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a descriptor of a task stands for. */
#ifndef KTRACE_DESCRIPTOR_BPF_H
#define KTRACE_DESCRIPTOR_BPF_H

#include <ktrace/helpers.bpf.h>

#define S_IFMT 00170000 /* include/uapi/linux/stat.h */
#define S_IFSOCK 0140000

/* Behind a descriptor; NULL when there is none. `task` as for TASK_READ. */
static __noinline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct file *file = 0;

	if (fd >= TASK_READ(task, files, fdt, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), TASK_READ(task, files, fdt, fd) + fd);
	return file;
}

/* What a file stands for; NULL when that is no socket. */
static __always_inline struct socket *socket_of(struct file *file)
{
	return file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK ? BPF_CORE_READ(file, private_data) : 0;
}

#endif
