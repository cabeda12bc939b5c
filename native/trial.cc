// SPDX-License-Identifier: Apache-2.0
#include "trial.h"

#include "hook_trial.h"
#include "log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <sys/xattr.h>
#include <unistd.h>

namespace ktrace {

namespace {

// Some kernels refuse programs on functions whatever the function. Others get as far as finding that 0 is none.
Napi::Value refusesFentry(const Napi::CallbackInfo &info)
{
	const bpf_insn nothing[] = {
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0}, // r0 = 0
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	const int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "ktrace_trial", "GPL", nothing, 2, &options);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EINVAL)
		return info.Env().Undefined();
	return Napi::String::New(info.Env(), errorName(-fd));
}

Napi::Value hasFindVma(const Napi::CallbackInfo &info)
{
	return Napi::Boolean::New(info.Env(), libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_find_vma, nullptr) != 0);
}

// undefined when it works, else where and how the kernel refused.
Napi::Value refusal(Napi::Env env, const HookTrials::Outcome &outcome)
{
	if (outcome.error == 0)
		return env.Undefined();
	Napi::Object object = Napi::Object::New(env);
	object.Set("stage", outcome.stage);
	object.Set("code", errorName(outcome.error));
	return object;
}

Napi::Value tryHooks(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	if (!info[0].IsArray() || !info[1].IsNumber())
		return fail(env, {"configure", "try hooks: expected sections and a number", EINVAL});
	const Napi::Array sections = info[0].As<Napi::Array>();
	const uint32_t attached = info[1].As<Napi::Number>().Uint32Value();
	LogCapture log; // libbpf has words for each refusal
	HookTrials trials;
	Napi::Array outcomes = Napi::Array::New(env, sections.Length());
	for (uint32_t i = 0; i < sections.Length(); i++) {
		const Napi::Value section = sections[i];
		if (!section.IsString())
			return fail(env, {"configure", "try hooks: expected strings", EINVAL});
		outcomes.Set(i, refusal(env, trials.run(section.As<Napi::String>().Utf8Value(), i < attached)));
	}
	return outcomes;
}

Napi::Value refusesRing(const Napi::CallbackInfo &info)
{
	const int page = static_cast<int>(sysconf(_SC_PAGESIZE));
	const int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, nullptr, 0, 0, page, nullptr);
	if (fd >= 0)
		close(fd);
	return refusal(info.Env(), {"load", fd < 0 ? -fd : 0});
}

Napi::Value hasTaskStorage(const Napi::CallbackInfo &info)
{
	return Napi::Boolean::New(info.Env(), libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, nullptr) > 0);
}

Napi::Value hasGetStack(const Napi::CallbackInfo &info)
{
	return Napi::Boolean::New(info.Env(), libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_stack, nullptr) != 0);
}

Napi::Value hasFileCapabilities(const Napi::CallbackInfo &info)
{
	const std::string path = info[0].ToString().Utf8Value();
	return Napi::Boolean::New(info.Env(), getxattr(path.c_str(), "security.capability", nullptr, 0) > 0);
}

} // namespace

void defineTrials(Napi::Env env, Napi::Object exports)
{
	exports.Set("refusesFentry", Napi::Function::New(env, refusesFentry, "refusesFentry"));
	exports.Set("tryHooks", Napi::Function::New(env, tryHooks, "tryHooks"));
	exports.Set("refusesRing", Napi::Function::New(env, refusesRing, "refusesRing"));
	exports.Set("hasTaskStorage", Napi::Function::New(env, hasTaskStorage, "hasTaskStorage"));
	exports.Set("hasGetStack", Napi::Function::New(env, hasGetStack, "hasGetStack"));
	exports.Set("hasFileCapabilities", Napi::Function::New(env, hasFileCapabilities, "hasFileCapabilities"));
	exports.Set("hasFindVma", Napi::Function::New(env, hasFindVma, "hasFindVma"));
}

} // namespace ktrace
