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
#include <vector>

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

constexpr size_t kMostThreads = 1024;
constexpr int kPatienceMs = 20000; // of a machine in distress, which is what people trace

// The C library's signal for its own setxid(3) functions, the last of those that it keeps for itself. Some of Node's threads block all others.
int setxidSignal()
{
	return SIGRTMIN - 1;
}

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
	errno = saved;
	for (size_t i = 0; i < broadcast.count; i++) {
		if (broadcast.told[i].thread == thread) {
			broadcast.told[i].done = true;
			return; // the next broadcast may be under way already
		}
	}
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

// The action that the C library makes for another signal, put in the place of its own.
bool handleSignal(KernelAction *before)
{
	struct sigaction ours = {}, others;
	KernelAction action;

	ours.sa_handler = onSignal;
	ours.sa_flags = SA_RESTART | SA_ONSTACK;
	if (sigaction(SIGRTMAX, &ours, &others) != 0)
		return false;
	const bool done = kernelAction(SIGRTMAX, nullptr, &action) && kernelAction(setxidSignal(), &action, before);
	sigaction(SIGRTMAX, &others, nullptr);
	return done;
}

// Whether a thread has taken the step. Tells it to, the first time.
bool isDone(pid_t thread)
{
	for (size_t i = 0; i < broadcast.count; i++) {
		if (broadcast.told[i].thread == thread)
			return broadcast.told[i].done;
	}
	if (broadcast.count < kMostThreads) {
		auto &told = broadcast.told[broadcast.count];
		told.thread = thread;
		told.done = false;
		broadcast.count++;
		if (syscall(SYS_tgkill, getpid(), thread, setxidSignal()) != 0)
			told.done = true; // it has ended
	}
	return false;
}

// False also when this thread is not among them: then /proc is that of other processes.
bool allDone(DIR *tasks)
{
	const pid_t own = static_cast<pid_t>(syscall(SYS_gettid));
	bool all = true, self = false;

	rewinddir(tasks);
	while (const dirent *entry = readdir(tasks)) {
		const pid_t thread = atoi(entry->d_name);
		self |= thread == own;
		if (thread > 0 && thread != own && !isDone(thread))
			all = false;
	}
	return all && self;
}

// Until two looks in a row find all done: who takes the step during one may just have started another thread.
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
	for (int waited = 0, clean = 0; broadcast.error == 0 && clean < 2; waited++) {
		clean = allDone(tasks) ? clean + 1 : 0;
		if (waited == kPatienceMs)
			broadcast.error = ETIMEDOUT;
		if (clean == 0)
			usleep(1000);
	}
	closedir(tasks);
	if (broadcast.error == 0) // else some may still come
		kernelAction(setxidSignal(), &before, nullptr);
	return broadcast.error;
}

// setuid(2) and its kin, in every thread by the C library. The first group is the effective one.
int becomeUser(uid_t uid, const std::vector<gid_t> &groups)
{
	const gid_t gid = groups.front();

	return setgroups(groups.size(), groups.data()) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 ? 0 : errno;
}

// groupsOf(uid, gid?): the groups of a user, `gid` or else that of its entry first. May ask a server.
Napi::Value groupsOf(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	uint32_t uid, gid;

	if (!readUint32(info, 0, &uid))
		return fail(env, {"configure", "groups of a user: expected its id", EINVAL});
	const passwd *const entry = getpwuid(uid);
	if (!readUint32(info, 1, &gid))
		gid = entry ? entry->pw_gid : uid;
	std::vector<gid_t> groups = {gid};
	int count = 1;
	if (entry && getgrouplist(entry->pw_name, gid, groups.data(), &count) < 0) {
		groups.resize(count);
		if (getgrouplist(entry->pw_name, gid, groups.data(), &count) < 0)
			groups = {gid};
	}
	Napi::Array list = Napi::Array::New(env, groups.size());
	for (uint32_t i = 0; i < groups.size(); i++)
		list.Set(i, groups[i]);
	return list;
}

constexpr uint32_t kMostCapabilities = 64;

// Numbers below `end`; false for anything else.
bool readNumbers(const Napi::CallbackInfo &info, size_t index, uint32_t end, std::vector<uint32_t> *numbers)
{
	if (!info[index].IsArray())
		return false;
	const Napi::Array list = info[index].As<Napi::Array>();
	for (uint32_t i = 0; i < list.Length(); i++) {
		const Napi::Value value = list[i];
		if (!value.IsNumber())
			return false;
		const double number = value.As<Napi::Number>().DoubleValue();
		if (!(number >= 0 && number < end))
			return false;
		numbers->push_back(static_cast<uint32_t>(number));
	}
	return true;
}

// dropPrivileges(capabilities, uid?, groups?)
void dropPrivileges(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	std::vector<uint32_t> capabilities, groups;
	uint32_t uid = 0;
	const bool change = info.Length() > 1;

	if (!readNumbers(info, 0, kMostCapabilities, &capabilities) ||
	    (change && (!readUint32(info, 1, &uid) || !readNumbers(info, 2, UINT32_MAX, &groups) || groups.empty()))) {
		fail(env, {"configure", "drop privileges: expected capabilities, and a user and its groups", EINVAL});
		return;
	}
	Capabilities keep = 0;
	for (const uint32_t capability : capabilities)
		keep |= Capabilities{1} << capability;

	const char *operation = "limit capabilities";
	int error = inEveryThread(prepare, keep);
	if (error == 0 && change) {
		operation = "become the user";
		error = becomeUser(uid, groups);
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
	exports.Set("groupsOf", Napi::Function::New(env, groupsOf, "groupsOf"));
	exports.Set("dropPrivileges", Napi::Function::New(env, dropPrivileges, "dropPrivileges"));
}

} // namespace ktrace
