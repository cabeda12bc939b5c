// SPDX-License-Identifier: Apache-2.0
// The methods of BpfObject that touch programs.
#include "attach.h"
#include "iter.h"
#include "log.h"
#include "object.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ktrace {

bpf_program *BpfObject::loadedProgram(Napi::Env env, const char *stage, const std::string &operation, const std::string &name)
{
	bpf_program *program = bpf_object__find_program_by_name(object_, name.c_str());
	if (program != nullptr && bpf_program__fd(program) >= 0)
		return program;
	const bool known = program != nullptr;
	fail(env, {stage, known ? operation + ": not loaded" : operation, known ? EINVAL : ENOENT});
	return nullptr;
}

Napi::Value BpfObject::attach(const Napi::CallbackInfo &info)
{
	std::string name;
	if (!require(info.Env(), State::Loaded, "attach", "attach program") ||
	    !nameOf(info, "attach", "attach program", &name))
		return Napi::Value();
	const std::string operation = "attach program " + name;
	bpf_program *program = loadedProgram(info.Env(), "attach", operation, name);
	if (program == nullptr)
		return Napi::Value();
	std::string section = bpf_program__section_name(program);
	if (info[1].IsString() && section.rfind("tracepoint/", 0) == 0)
		section = info[1].As<Napi::String>().Utf8Value();
	else if (!info[1].IsUndefined())
		return fail(info.Env(), {"attach", operation + ": only a tracepoint program can have another section", EINVAL});
	for (const auto &link : links_)
		if (link.first == name && info[1].IsUndefined())
			return fail(info.Env(), {"attach", operation + " twice", EBUSY});
	if (bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
		return fail(info.Env(), {"attach", operation + ": an iterator is run, not attached", EINVAL});
	LogCapture log;
	int error = 0;
	bpf_link *link = attachProgram(program, section, tracefs_, &error);
	if (link == nullptr)
		return fail(info.Env(), {"attach", operation, error, log.text()});
	links_.emplace_back(name, link);
	return info.Env().Undefined();
}

Napi::Value BpfObject::detach(const Napi::CallbackInfo &info)
{
	std::string name;
	const bool all = info[0].IsUndefined();
	if (state_ == State::Closed)
		return fail(info.Env(), {"attach", "detach program", kClosed});
	if (!all && !nameOf(info, "attach", "detach program", &name))
		return Napi::Value();
	for (size_t i = links_.size(); i-- > 0;) {
		if (!all && links_[i].first != name)
			continue;
		bpf_link__destroy(links_[i].second);
		links_.erase(links_.begin() + static_cast<long>(i));
	}
	return info.Env().Undefined();
}

Napi::Value BpfObject::iterate(const Napi::CallbackInfo &info)
{
	std::string name;
	if (!require(info.Env(), State::Loaded, "iterate", "run iterator") || !nameOf(info, "iterate", "run iterator", &name))
		return Napi::Value();
	const std::string operation = "run iterator " + name;
	const bpf_program *program = loadedProgram(info.Env(), "iterate", operation, name);
	if (program == nullptr)
		return Napi::Value();
	if (bpf_program__expected_attach_type(program) != BPF_TRACE_ITER)
		return fail(info.Env(), {"iterate", operation + ": not an iterator", EINVAL});
	LogCapture log;
	Bytes output;
	if (const int error = ktrace::iterate(program, &output))
		return fail(info.Env(), {"iterate", operation, -error, log.text()});
	return copyToJs(info.Env(), output.data(), output.size());
}

// BPF_LOG_STATS of include/linux/bpf_verifier.h, since Linux 5.2.
void BpfObject::askForStatistics()
{
	constexpr uint32_t kLogStats = 4;
	constexpr size_t kBytes = 16 << 10;
	bpf_program *program;
	bpf_object__for_each_program(program, object_)
	{
		if (!bpf_program__autoload(program))
			continue;
		std::vector<char> &text = statistics_[bpf_program__name(program)];
		text.resize(kBytes);
		bpf_program__set_log_buf(program, text.data(), text.size());
		bpf_program__set_log_level(program, kLogStats);
	}
}

// Its last line: "processed 1234 insns (limit 1000000) ...". 0: it was not asked.
uint32_t BpfObject::processedInsns(const bpf_program *program) const
{
	const auto found = statistics_.find(bpf_program__name(program));
	const char *line = found == statistics_.end() ? nullptr : strstr(found->second.data(), "processed ");
	return line == nullptr ? 0 : static_cast<uint32_t>(strtoul(line + strlen("processed "), nullptr, 10));
}

Napi::Value BpfObject::programs(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	if (!require(env, State::Loaded, "load", "list programs"))
		return Napi::Value();
	Napi::Array list = Napi::Array::New(env);
	bpf_program *program;
	bpf_object__for_each_program(program, object_)
	{
		bpf_prog_info figures = {};
		uint32_t size = sizeof(figures); // the kernel fills what both sides know and leaves the rest 0
		if (bpf_program__fd(program) < 0)
			continue;
		if (const int error = bpf_obj_get_info_by_fd(bpf_program__fd(program), &figures, &size))
			return fail(env, {"load", std::string("list program ") + bpf_program__name(program), -error});
		Napi::Object entry = Napi::Object::New(env);
		entry.Set("name", bpf_program__name(program));
		entry.Set("verifiedInsns", Napi::Number::New(env, statistics_.empty() ? figures.verified_insns : processedInsns(program)));
		entry.Set("recursionMisses", Napi::Number::New(env, static_cast<double>(figures.recursion_misses)));
		list.Set(list.Length(), entry);
	}
	return list;
}

} // namespace ktrace
