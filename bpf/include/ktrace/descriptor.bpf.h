/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a descriptor of a task stands for. */
#ifndef KTRACE_DESCRIPTOR_BPF_H
#define KTRACE_DESCRIPTOR_BPF_H

#include <ktrace/kernel.bpf.h>

/* Behind a descriptor; NULL when there is none. */
static __noinline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct file *file = 0;

	if (fd >= BPF_CORE_READ(task, files, fdt, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(task, files, fdt, fd) + fd);
	return file;
}

#endif
