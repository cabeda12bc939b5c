// SPDX-License-Identifier: Apache-2.0
#include "addon.h"

#include "log.h"
#include "object.h"
#include "memory.h"
#include "privileges.h"
#include "trial.h"

#include <algorithm>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ktrace {

void Registry::add(BpfObject *object)
{
	open_.push_back(object);
}

void Registry::remove(BpfObject *object)
{
	open_.erase(std::remove(open_.begin(), open_.end(), object), open_.end());
}

void Registry::closeAll()
{
	while (!open_.empty())
		open_.back()->release(); // removes itself
}

namespace {

// MEMBARRIER_CMD_GLOBAL is synchronize_rcu(): it returns when every BPF program that ran when it was called has ended. Kernels that
// refuse it (nohz_full) get a pause instead, far longer than any program runs.
void waitForPrograms(const Napi::CallbackInfo &)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		usleep(50 * 1000);
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	silenceLibbpf();
	AddonState *state = new AddonState;
	env.SetInstanceData<AddonState>(state);
	// Runs before the environment's own teardown, so also for a worker that is terminated inside a call. It
	// closes in order what the finalizers would close in any order.
	env.AddCleanupHook([](Registry *registry) { registry->closeAll(); }, state->registry.get());
	exports.Set("BpfObject", BpfObject::define(env));
	exports.Set("waitForPrograms", Napi::Function::New(env, waitForPrograms, "waitForPrograms"));
	defineTrials(env, exports);
	definePrivileges(env, exports);
	defineMemory(env, exports);
	exports.Set("libbpfVersion", libbpf_version_string() + 1); // without the "v"
	exports.Set("possibleCpus", libbpf_num_possible_cpus());
	return exports;
}

} // namespace

NODE_API_MODULE(ktrace, init)

} // namespace ktrace
