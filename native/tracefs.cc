// SPDX-License-Identifier: Apache-2.0
#include "tracefs.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ktrace {

namespace {

// A mount point may exist with nothing mounted on it: only one that has events/ counts.
int openMounted(const char *path)
{
	const int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	if (faccessat(root, "events", F_OK, AT_EACCESS) == 0)
		return root;
	const int error = errno;
	close(root);
	return -error;
}

// A tracefs of our own that never enters a mount table and is gone with its descriptor (5.2 and later,
// CAP_SYS_ADMIN). Through the raw system calls: glibc before 2.36 and musl have no wrappers.
int openDetached()
{
	const int context = syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	int root = -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
		root = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
			       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	const int error = errno;
	close(context);
	return root < 0 ? -error : root;
}

// debugfs comes last, because looking into its tracing/ makes the kernel mount a tracefs there.
int openRoot()
{
	const int mounted = openMounted("/sys/kernel/tracing");
	if (mounted >= 0)
		return mounted;
	const int detached = openDetached();
	if (detached >= 0)
		return detached;
	const int debug = openMounted("/sys/kernel/debug/tracing");
	return debug >= 0 ? debug : detached;
}

int readId(int file)
{
	char text[16] = {};
	ssize_t length;
	do
		length = read(file, text, sizeof(text) - 1);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	const int id = atoi(text);
	return id > 0 ? id : -EINVAL;
}

} // namespace

void Tracefs::close()
{
	if (root_ >= 0)
		::close(root_);
	root_ = -1;
}

int Tracefs::eventId(const std::string &event)
{
	if (root_ < 0) {
		const int root = openRoot();
		if (root < 0)
			return root == -ENOENT ? -ENODEV : root;
		root_ = root;
	}
	const std::string path = "events/" + event + "/id";
	const int file = openat(root_, path.c_str(), O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	const int id = readId(file);
	::close(file);
	return id;
}

} // namespace ktrace
