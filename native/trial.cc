// SPDX-License-Identifier: Apache-2.0
#include "trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
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

} // namespace

void defineTrials(Napi::Env env, Napi::Object exports)
{
	exports.Set("refusesFentry", Napi::Function::New(env, refusesFentry, "refusesFentry"));
	exports.Set("hasFindVma", Napi::Function::New(env, hasFindVma, "hasFindVma"));
}

} // namespace ktrace
