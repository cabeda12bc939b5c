// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <sys/mman.h>
#include <sys/resource.h>

namespace ktrace {

namespace {

struct Mapping {
	unsigned long start, end;
	char permissions[5];
	unsigned long inode; // 0: of no file
};

// proc(5): a line of /proc/PID/maps.
bool parse(const char *line, Mapping *mapping)
{
	return sscanf(line, "%lx-%lx %4s %*x %*s %lu", &mapping->start, &mapping->end, mapping->permissions, &mapping->inode) == 4;
}

bool isCode(const Mapping &mapping)
{
	return mapping.inode != 0 && mapping.permissions[0] == 'r' && mapping.permissions[1] != 'w';
}

// Without CAP_IPC_LOCK the limit counts. That it cannot be raised shows when something is locked.
void raiseLimit()
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &none);
}

// lockCode(): number of bytes. What is mapped of files and not written to: the kernel would drop it first, and read it again at each step. Not the
// heap: V8 gives parts of it back, which the kernel refuses for locked memory (madvise(2)).
Napi::Value lockCode(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const std::unique_ptr<FILE, int (*)(FILE *)> maps(fopen("/proc/self/maps", "re"), fclose);
	char line[8192]; // of one page at most, and its path
	double locked = 0;

	if (!maps)
		return fail(env, {"configure", "lock memory: open /proc/self/maps", errno});
	raiseLimit();
	while (fgets(line, sizeof(line), maps.get())) {
		Mapping mapping;
		if (!parse(line, &mapping) || !isCode(mapping))
			continue;
		const size_t bytes = mapping.end - mapping.start;
		if (mlock2(reinterpret_cast<void *>(mapping.start), bytes, MLOCK_ONFAULT) != 0)
			return fail(env, {"configure", "lock memory", errno});
		locked += static_cast<double>(bytes);
	}
	return Napi::Number::New(env, locked);
}

} // namespace

void defineMemory(Napi::Env env, Napi::Object exports)
{
	exports.Set("lockCode", Napi::Function::New(env, lockCode, "lockCode"));
}

} // namespace ktrace
