// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include "args.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ktrace {

namespace {

using Capabilities = uint64_t;

// Each returns 0 or an errno. They run in a signal handler: system calls and nothing else.
using Step = int (*)(Capabilities keep);

constexpr bool has(Capabilities set, int capability)
{
	return set >> capability & 1;
}

// What must be done while there are rights to do it. Without CAP_SETPCAP the bounding set stays as it is; no-new-privileges does its work.
int prepare(Capabilities keep)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (!has(keep, capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM)
			return errno;
	}
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 ? 0 : errno; // over the change of the user
}

int reduce(Capabilities keep)
{
	__user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0}; // 0: this thread
	__user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) != 0)
		return errno;
	for (int half = 0; half < 2; half++) {
		const uint32_t left = data[half].permitted & static_cast<uint32_t>(keep >> (32 * half));
		data[half] = {left, left, 0};
	}
	if (syscall(SYS_capset, &header, data) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	return prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0 ? 0 : errno;
}

// glibc's signal for its own setxid(3) functions, which no thread can block: some of Node's block all others.
constexpr int kSignal = __SIGRTMIN + 1;
constexpr size_t kMostThreads = 1024;
constexpr int kPatienceMs = 2000;

// One step that every thread is told to take. Each thread is told once: a signal that came after all is over would be taken for glibc's.
struct Broadcast {
	Step step;
	Capabilities keep;
	std::atomic<int> error;
	std::atomic<size_t> count;
	struct {
		std::atomic<pid_t> thread;
		std::atomic<bool> done;
	} told[kMostThreads];
} broadcast;

void takeStep()
{
	const int error = broadcast.step(broadcast.keep);
	int none = 0;

	if (error != 0)
		broadcast.error.compare_exchange_strong(none, error);
}

void onSignal(int)
{
	const int saved = errno;
	const pid_t thread = static_cast<pid_t>(syscall(SYS_gettid));

	takeStep();
	for (size_t i = 0; i < broadcast.count; i++) {
		if (broadcast.told[i].thread == thread)
			broadcast.told[i].done = true;
	}
	errno = saved;
}

// As the kernel has it. What the C library keeps for itself can only be set with bare system calls.
struct KernelAction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(); // the C library's; arm64 has none but for the room
	uint64_t mask;
};

bool kernelAction(int signal, const KernelAction *action, KernelAction *before)
{
	return syscall(SYS_rt_sigaction, signal, action, before, sizeof(action->mask)) == 0;
}

// The action that the C library makes for another signal, put in the place of its own for kSignal.
bool handleSignal(KernelAction *before)
{
	struct sigaction ours = {}, others;
	KernelAction action;

	ours.sa_handler = onSignal;
	ours.sa_flags = SA_RESTART | SA_ONSTACK;
	if (sigaction(SIGRTMAX, &ours, &others) != 0)
		return false;
	const bool done = kernelAction(SIGRTMAX, nullptr, &action) && kernelAction(kSignal, &action, before);
	sigaction(SIGRTMAX, &others, nullptr);
	return done;
}

enum class Answer { done, waiting, gone };

// Tells a thread that has not been told.
Answer ask(pid_t thread)
{
	for (size_t i = 0; i < broadcast.count; i++) {
		if (broadcast.told[i].thread == thread)
			return broadcast.told[i].done ? Answer::done : Answer::waiting;
	}
	if (broadcast.count == kMostThreads)
		return Answer::waiting;
	broadcast.told[broadcast.count].thread = thread;
	broadcast.told[broadcast.count].done = false;
	broadcast.count++;
	return syscall(SYS_tgkill, getpid(), thread, kSignal) == 0 ? Answer::waiting : Answer::gone;
}

bool allDone(DIR *tasks)
{
	bool all = true;

	rewinddir(tasks);
	while (const dirent *entry = readdir(tasks)) {
		const pid_t thread = atoi(entry->d_name);
		if (thread > 0 && thread != getpid() && ask(thread) == Answer::waiting)
			all = false;
	}
	return all;
}

// Until a look at the threads finds none that has not: those started meanwhile have the rights of who started them. Called by the main thread.
int inEveryThread(Step step, Capabilities keep)
{
	KernelAction before;
	DIR *const tasks = opendir("/proc/self/task");

	if (!tasks)
		return errno;
	broadcast.step = step;
	broadcast.keep = keep;
	broadcast.error = 0;
	broadcast.count = 0;
	takeStep();
	if (!handleSignal(&before))
		broadcast.error = ENOSYS;
	int waited = 0;
	while (broadcast.error == 0 && !allDone(tasks)) {
		if (waited++ == kPatienceMs)
			broadcast.error = ETIMEDOUT;
		usleep(1000);
	}
	closedir(tasks);
	if (broadcast.error == 0) // else some may still come
		kernelAction(kSignal, &before, nullptr);
	return broadcast.error;
}

// setuid(2) and its kin, in every thread by the C library.
int becomeUser(uid_t uid, gid_t gid)
{
	const passwd *const entry = getpwuid(uid);
	const int groups = entry ? initgroups(entry->pw_name, gid) : setgroups(1, &gid);

	return groups == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 ? 0 : errno;
}

// dropPrivileges(capabilities, uid?, gid?)
void dropPrivileges(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	uint32_t uid, gid;
	Capabilities keep = 0;
	const bool change = info.Length() > 1;

	if (!info[0].IsArray() || (change && (!readUint32(info, 1, &uid) || !readUint32(info, 2, &gid)))) {
		fail(env, {"configure", "drop privileges: expected capabilities, and a user and a group", EINVAL});
		return;
	}
	const Napi::Array list = info[0].As<Napi::Array>();
	for (uint32_t i = 0; i < list.Length(); i++)
		keep |= Capabilities{1} << (Napi::Value(list[i]).ToNumber().Uint32Value() & 63);

	const char *operation = "limit capabilities";
	int error = inEveryThread(prepare, keep);
	if (error == 0 && change) {
		operation = "become the user";
		error = becomeUser(uid, gid);
	}
	if (error == 0) {
		operation = "drop capabilities";
		error = inEveryThread(reduce, keep);
	}
	if (error != 0)
		fail(env, {"configure", operation, error});
}

} // namespace

void definePrivileges(Napi::Env env, Napi::Object exports)
{
	exports.Set("dropPrivileges", Napi::Function::New(env, dropPrivileges, "dropPrivileges"));
}

} // namespace ktrace
