// SPDX-License-Identifier: Apache-2.0
// ktrace-exec: holds a program back until the tracer is ready, then becomes it.
//
//   ktrace-exec [--user NAME_OR_UID] -- PROGRAM ARGS…
//
// Waits for one byte on descriptor 3, and does nearly everything before it, so that as little as possible of this
// launcher is traced. The program keeps running when the tracer dies later.
// Exits 125 when it ran nothing, 126 when PROGRAM cannot be run, 127 when it is not found.
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GATE 3

static void die(const char *what, const char *why)
{
	fprintf(stderr, "ktrace-exec: %s: %s\n", what, why);
	exit(125);
}

static const struct passwd *find_user(const char *user)
{
	char *end;
	const struct passwd *entry = getpwnam(user);
	const unsigned long uid = strtoul(user, &end, 10);

	if (!entry && *user >= '0' && *user <= '9' && *end == '\0' && uid < (uid_t)-1)
		entry = getpwuid(uid);
	return entry;
}

static void become(const char *user)
{
	const struct passwd *entry = find_user(user);

	if (!entry)
		die("--user", "no such user");
	if (initgroups(entry->pw_name, entry->pw_gid) != 0)
		die("initgroups", strerror(errno));
	if (setgid(entry->pw_gid) != 0)
		die("setgid", strerror(errno));
	if (setuid(entry->pw_uid) != 0)
		die("setuid", strerror(errno));
}

// What Node ignores or blocks (SIGPIPE, say) must not reach the program.
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); // fails for SIGKILL, SIGSTOP and libc's own, as it should
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void wait_for_tracer(void)
{
	char byte;
	ssize_t count;

	do
		count = read(GATE, &byte, 1);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		die("descriptor 3", strerror(errno));
	if (count == 0)
		exit(125); // the tracer is gone
}

// close_range came with 5.9; before it, the program's own list of descriptors.
static void close_all(void)
{
	if (syscall(SYS_close_range, GATE, ~0U, 0) == 0)
		return;
	DIR *list = opendir("/proc/self/fd");

	if (!list)
		die("/proc/self/fd", strerror(errno));
	for (const struct dirent *entry; (entry = readdir(list));) {
		const int descriptor = atoi(entry->d_name);

		if (descriptor >= GATE && descriptor != dirfd(list))
			close(descriptor);
	}
	closedir(list);
}

static int report(const char *program, int error)
{
	fputs("ktrace-exec: ", stderr);
	for (const unsigned char *c = (const unsigned char *)program; *c; c++)
		fprintf(stderr, *c < 0x20 || *c >= 0x7f || *c == '\\' ? "\\x%02x" : "%c", *c);
	fprintf(stderr, ": %s\n", strerror(error));
	return error == ENOENT ? 127 : 126;
}

int main(int argc, char **argv)
{
	const char *user = argc > 2 && strcmp(argv[1], "--user") == 0 ? argv[2] : NULL;
	char **program = argv + (user ? 4 : 2);

	if (argc < (user ? 5 : 3) || strcmp(program[-1], "--") != 0)
		die("usage", "ktrace-exec [--user NAME_OR_UID] -- PROGRAM ARGS...");
	if (user)
		become(user);
	reset_signals();
	wait_for_tracer();
	close_all();
	execvp(*program, program);
	return report(*program, errno);
}
