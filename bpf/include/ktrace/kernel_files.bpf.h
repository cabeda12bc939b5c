/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The part of kernel.bpf.h that is about files: their names, where they are mounted, and who has them open. */
#ifndef KTRACE_KERNEL_FILES_BPF_H
#define KTRACE_KERNEL_FILES_BPF_H

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
} KERNEL_STRUCT;

struct inode {
	unsigned short i_mode;
	unsigned int i_nlink;
	__u32 i_rdev;
	struct super_block *i_sb;
	unsigned long i_ino;
} KERNEL_STRUCT;

struct qstr {
	const unsigned char *name;
} KERNEL_STRUCT;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} KERNEL_STRUCT;

struct vfsmount {
	struct dentry *mnt_root;
} KERNEL_STRUCT;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} KERNEL_STRUCT;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL_STRUCT;

struct fs_struct {
	struct path root;
	struct path pwd;
} KERNEL_STRUCT;

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
} KERNEL_STRUCT;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL_STRUCT;

struct files_struct {
	struct fdtable *fdt;
} KERNEL_STRUCT;

#endif
