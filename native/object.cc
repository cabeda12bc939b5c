// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include "log.h"

#include <cerrno>
#include <csignal>
#include <cstring>

namespace ktrace {

Napi::Function BpfObject::define(Napi::Env env)
{
	return DefineClass(env, "BpfObject",
			   {
				   InstanceMethod<&BpfObject::setAutoload>("setAutoload"),
				   InstanceMethod<&BpfObject::setMaxEntries>("setMaxEntries"),
				   InstanceMethod<&BpfObject::writeGlobals>("writeGlobals"),
				   InstanceMethod<&BpfObject::load>("load"),
				   InstanceMethod<&BpfObject::attach>("attach"),
				   InstanceMethod<&BpfObject::detach>("detach"),
				   InstanceMethod<&BpfObject::snapshot>("snapshot"),
				   InstanceMethod<&BpfObject::lookup>("lookup"),
				   InstanceMethod<&BpfObject::update>("update"),
				   InstanceMethod<&BpfObject::iterate>("iterate"),
				   InstanceMethod<&BpfObject::drain>("drain"),
				   InstanceMethod<&BpfObject::programs>("programs"),
				   InstanceMethod<&BpfObject::close>("close"),
			   });
}

BpfObject::BpfObject(const Napi::CallbackInfo &info)
	: ObjectWrap(info), registry_(info.Env().GetInstanceData<AddonState>()->registry)
{
	Span bytes;
	std::string name;
	if (!readBytes(info, 0, &bytes) || !readName(info, 1, &name)) {
		fail(info.Env(), {"open", "open object: expected (Uint8Array, string)", EINVAL});
		return;
	}
	bytes_.assign(bytes.data, bytes.data + bytes.size);
	LogCapture log;
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
	object_ = bpf_object__open_mem(bytes_.data(), bytes_.size(), &options);
	if (object_ == nullptr) {
		fail(info.Env(), {"open", "open object " + name, errno, log.text()});
		return;
	}
	state_ = State::Open;
	registry_->add(this);
}

BpfObject::~BpfObject()
{
	release();
}

void BpfObject::release()
{
	while (!links_.empty()) {
		bpf_link__destroy(links_.back().second);
		links_.pop_back();
	}
	rings_.clear();
	tracefs_.close();
	bpf_object__close(object_);
	object_ = nullptr;
	std::vector<uint8_t>().swap(bytes_);
	state_ = State::Closed;
	registry_->remove(this);
}

bool BpfObject::require(Napi::Env env, State wanted, const char *stage, const std::string &operation)
{
	if (state_ == wanted)
		return true;
	const char *when = state_ == State::Broken ? " after a failed load" : wanted == State::Open ? " after load" : " before load";
	const bool closed = state_ == State::Closed;
	fail(env, {stage, closed ? operation : operation + when, closed ? kClosed : EINVAL});
	return false;
}

bool BpfObject::nameOf(const Napi::CallbackInfo &info, const char *stage, const char *operation, std::string *name)
{
	if (readName(info, 0, name))
		return true;
	fail(info.Env(), {stage, std::string(operation) + ": expected a name", EINVAL});
	return false;
}

Napi::Value BpfObject::setAutoload(const Napi::CallbackInfo &info)
{
	std::string name;
	bool on;
	if (!require(info.Env(), State::Open, "configure", "set autoload") ||
	    !nameOf(info, "configure", "set autoload", &name))
		return Napi::Value();
	if (!readBoolean(info, 1, &on))
		return fail(info.Env(), {"configure", "set autoload of program " + name + ": expected a boolean", EINVAL});
	bpf_program *program = bpf_object__find_program_by_name(object_, name.c_str());
	const int error = program == nullptr ? -ENOENT : bpf_program__set_autoload(program, on);
	if (error != 0)
		return fail(info.Env(), {"configure", "set autoload of program " + name, -error});
	return info.Env().Undefined();
}

Napi::Value BpfObject::setMaxEntries(const Napi::CallbackInfo &info)
{
	std::string name;
	uint32_t entries;
	if (!require(info.Env(), State::Open, "configure", "set max entries") ||
	    !nameOf(info, "configure", "set max entries", &name))
		return Napi::Value();
	if (!readUint32(info, 1, &entries) || entries == 0)
		return fail(info.Env(), {"configure", "set max entries of map " + name + ": expected 1 to 4294967295", EINVAL});
	bpf_map *map = bpf_object__find_map_by_name(object_, name.c_str());
	const int error = map == nullptr ? -ENOENT : bpf_map__set_max_entries(map, entries);
	if (error != 0)
		return fail(info.Env(), {"configure", "set max entries of map " + name, -error});
	return info.Env().Undefined();
}

Napi::Value BpfObject::writeGlobals(const Napi::CallbackInfo &info)
{
	std::string name;
	uint32_t offset;
	Span bytes;
	if (!require(info.Env(), State::Open, "configure", "write globals") ||
	    !nameOf(info, "configure", "write globals", &name))
		return Napi::Value();
	if (!readUint32(info, 1, &offset) || !readBytes(info, 2, &bytes))
		return fail(info.Env(), {"configure", "write globals of section " + name + ": expected (string, offset, Uint8Array)", EINVAL});
	bpf_map *map = bpf_object__find_map_by_name(object_, name.c_str());
	size_t size = 0;
	void *section = nullptr;
	if (map != nullptr && bpf_map__is_internal(map))
		section = const_cast<void *>(bpf_map__initial_value(map, &size));
	if (section == nullptr)
		return fail(info.Env(), {"configure", "write globals of section " + name, ENOENT});
	const std::string range = std::to_string(bytes.size) + " bytes at " + std::to_string(offset);
	if (offset > size || bytes.size > size - offset)
		return fail(info.Env(), {"configure", "write globals of section " + name + ": " + range + " of " + std::to_string(size), EINVAL});
	memcpy(static_cast<uint8_t *>(section) + offset, bytes.data, bytes.size);
	return info.Env().Undefined();
}

Napi::Value BpfObject::load(const Napi::CallbackInfo &info)
{
	if (!require(info.Env(), State::Open, "load", "load object"))
		return Napi::Value();
	bool statistics = false;
	if (!info[0].IsUndefined() && !readBoolean(info, 0, &statistics))
		return fail(info.Env(), {"load", "load object: expected a boolean", EINVAL});
	if (statistics)
		askForStatistics();
	LogCapture log;
	// libbpf raises RLIMIT_MEMLOCK by itself, only on kernels that charge BPF memory to it (before 5.11),
	// and goes on when that is refused: nothing to do here.
	// The verifier gives up with EAGAIN when a signal is pending, and a profiler sends one every millisecond.
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	const int error = bpf_object__load(object_);
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	state_ = error == 0 ? State::Loaded : State::Broken;
	if (error != 0)
		return fail(info.Env(), {"load", "load object", -error, log.text()});
	std::vector<uint8_t>().swap(bytes_);
	return info.Env().Undefined();
}

Napi::Value BpfObject::close(const Napi::CallbackInfo &info)
{
	release();
	return info.Env().Undefined();
}

} // namespace ktrace
