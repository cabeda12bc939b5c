/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The texts of one exec, one after the other in a scratch. */
#ifndef EXEC_TEXT_BPF_H
#define EXEC_TEXT_BPF_H

#include "../exec.bpf.h"

#define COMPONENTS 32	/* of a path */
#define CGROUPS 16	/* above one another */
#define MOST_READS 129	/* of arguments of an exec that failed, and of the zero behind them */

/* Which of them: of programs that began, of execve(2) and of execveat(2). */
enum exec_place {
	PLACE_STARTED,
	PLACE_EXECVE,
	PLACE_EXECVEAT,
};

static __always_inline struct exec_scratch *scratch_of(__u32 place)
{
	__u32 index = SCRATCHES * bpf_get_smp_processor_id() + place;

	return bpf_map_lookup_elem(&scratch, &index);
}

/*
 * Where the next text goes: all names together stay below that, and the arguments behind them. How much is used lies in the map, so that
 * for the verifier it is any number, and all ways that lead to one place are one.
 */
static __always_inline __u8 *end_of(struct exec_scratch *text)
{
	return &text->text[text->used & (SCRATCH_BYTES - 1)];
}

static __always_inline void put_empty(struct exec_scratch *text)
{
	*end_of(text) = 0;
	text->used++;
}

static __always_inline void put_kernel(struct exec_scratch *text, const void *from)
{
	long bytes = bpf_probe_read_kernel_str(end_of(text), MOST_NAME, from);

	if (bytes > 0)
		text->used += bytes;
	else
		put_empty(text);
}

/* What put_user() returns. */
enum exec_put {
	PUT_NO_ROOM,
	PUT_WHOLE,
	PUT_BEGINNING, /* MOST_NAME - 1 bytes of it */
};

/*
 * A text of the current process, into its CPU's scratch. Global, so that the verifier sees it once and not in every turn of a loop.
 */
__noinline int put_user(__u64 from, __u32 limit, __u32 place)
{
	struct exec_scratch *text = scratch_of(place);
	long bytes;

	if (!text || text->used + MOST_NAME > limit)
		return PUT_NO_ROOM;
	bytes = bpf_probe_read_user_str(end_of(text), MOST_NAME, (const void *)from);
	if (bytes == MOST_NAME) {
		text->used += MOST_NAME - 1;
		return PUT_BEGINNING;
	}
	if (bytes > 0) {
		text->used += bytes;
		return PUT_WHOLE;
	}
	put_empty(text);
	text->flags |= EXEC_UNREAD;
	return PUT_WHOLE;
}

/* Components from the last to the first, across mounts, up to the root of the process (prepend_path(), fs/d_path.c). */
static __always_inline void put_path(struct exec_scratch *text, struct path *path, struct path *root)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry), *root_dentry = BPF_CORE_READ(root, dentry), *parent;
	struct vfsmount *at = BPF_CORE_READ(path, mnt), *root_at = BPF_CORE_READ(root, mnt);
	struct mount *mount, *above;
	int i;

	for (i = 0; i < COMPONENTS && dentry && at; i++) {
		if (dentry == root_dentry && at == root_at)
			break;
		if (dentry == BPF_CORE_READ(at, mnt_root)) {
			mount = (void *)at - bpf_core_field_offset(mount->mnt);
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				break;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			at = (void *)above + bpf_core_field_offset(mount->mnt);
			continue;
		}
		put_kernel(text, BPF_CORE_READ(dentry, d_name.name));
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry) /* of a file without a directory */
			break;
		dentry = parent;
	}
	if (i == COMPONENTS)
		text->flags |= EXEC_DEEP;
	put_empty(text);
}

static __always_inline void put_cgroup(struct exec_scratch *text, struct task_struct *task)
{
	struct kernfs_node *node = BPF_CORE_READ(cgroup_of(task), kn), *parent;
	int i;

	for (i = 0; i < CGROUPS && node; i++) {
		parent = kernfs_parent(node);
		if (!parent)
			break;
		put_kernel(text, BPF_CORE_READ(node, name));
		node = parent;
	}
	put_empty(text);
}

/* Directory, executed file and cgroup of the current process. */
static __always_inline void put_places(struct exec_scratch *text, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct path *root = (void *)fs + bpf_core_field_offset(fs->root);

	put_path(text, (void *)fs + bpf_core_field_offset(fs->pwd), root);
	put_path(text, (void *)file + bpf_core_field_offset(file->f_path), root);
	if (BPF_CORE_READ(file, f_inode, i_nlink) == 0)
		text->flags |= EXEC_DELETED;
	put_cgroup(text, task);
}

/* The arguments of a program that has just begun: they lie at the top of its stack, one behind the other (create_elf_tables(), fs/binfmt_elf.c). */
static __always_inline void put_new_arguments(struct exec_scratch *text, struct task_struct *task)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start), bytes = BPF_CORE_READ(task, mm, arg_end) - start;

	if (bytes > MOST_ARGV) {
		bytes = MOST_ARGV;
		text->flags |= EXEC_CUT;
	}
	barrier_var(bytes); /* the compiler knows its range, the verifier does not */
	if (bytes > MOST_ARGV)
		return;
	if (bpf_probe_read_user(end_of(text), bytes, (const void *)start) == 0)
		text->used += bytes;
	else
		text->flags |= EXEC_UNREAD;
}

/* Those that a caller has given: an array of pointers. Long ones are read piece by piece. */
static __always_inline void put_given_arguments(struct exec_scratch *text, __u64 array, __u32 place)
{
	__u32 limit = text->used + MOST_ARGV, i;
	__u64 argument = 0;
	int put = PUT_WHOLE;

	for (i = 0; i < MOST_READS; i++) {
		if (put == PUT_BEGINNING) {
			argument += MOST_NAME - 1;
		} else {
			if (bpf_probe_read_user(&argument, sizeof(argument), (const void *)array)) {
				text->flags |= EXEC_UNREAD;
				return;
			}
			if (!argument)
				return;
			array += sizeof(argument);
		}
		if (i == MOST_READS - 1)
			break;
		put = put_user(argument, limit, place);
		if (put == PUT_NO_ROOM)
			break;
	}
	text->flags |= EXEC_CUT;
}

#endif
