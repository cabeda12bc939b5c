// SPDX-License-Identifier: Apache-2.0
// The methods of BpfObject that touch maps.
#include "map.h"
#include "object.h"

#include <bpf/bpf.h>
#include <cerrno>

namespace ktrace {

bpf_map *BpfObject::loadedMap(Napi::Env env, const char *stage, const std::string &operation, const std::string &name)
{
	bpf_map *map = bpf_object__find_map_by_name(object_, name.c_str());
	if (map != nullptr && bpf_map__fd(map) >= 0)
		return map;
	fail(env, {stage, operation, ENOENT});
	return nullptr;
}

Napi::Value BpfObject::snapshot(const Napi::CallbackInfo &info)
{
	std::string name;
	if (!require(info.Env(), State::Loaded, "map", "read map") || !nameOf(info, "map", "read map", &name))
		return Napi::Value();
	const std::string operation = "read map " + name;
	const bpf_map *map = loadedMap(info.Env(), "map", operation, name);
	if (map == nullptr)
		return Napi::Value();
	const MapShape shape = shapeOf(map);
	if (!hasRows(shape))
		return fail(info.Env(), {"map", operation + ": it has no rows", EINVAL});
	Bytes rows;
	if (const int error = ktrace::snapshot(shape, &rows))
		return fail(info.Env(), {"map", operation, -error});
	return copyToJs(info.Env(), rows.data(), rows.size());
}

namespace {

// Throws and returns false unless the argument is a Uint8Array of exactly `size` bytes.
bool readSized(const Napi::CallbackInfo &info, size_t index, size_t size, const std::string &what, Span *bytes)
{
	if (readBytes(info, index, bytes) && bytes->size == size)
		return true;
	fail(info.Env(), {"map", what + ": expected a Uint8Array of " + std::to_string(size) + " bytes", EINVAL});
	return false;
}

} // namespace

Napi::Value BpfObject::lookup(const Napi::CallbackInfo &info)
{
	std::string name;
	Span key;
	if (!require(info.Env(), State::Loaded, "map", "look up in map") || !nameOf(info, "map", "look up in map", &name))
		return Napi::Value();
	const std::string operation = "look up in map " + name;
	const bpf_map *map = loadedMap(info.Env(), "map", operation, name);
	if (map == nullptr)
		return Napi::Value();
	const MapShape shape = shapeOf(map);
	if (!hasRows(shape))
		return fail(info.Env(), {"map", operation + ": it has no rows", EINVAL});
	if (!readSized(info, 1, shape.keySize, operation + ": key", &key))
		return Napi::Value();
	Napi::Uint8Array value = Napi::Uint8Array::New(info.Env(), shape.valueSize);
	if (value.IsEmpty())
		return Napi::Value();
	const int error = bpf_map_lookup_elem(shape.fd, key.data, value.Data());
	if (error == -ENOENT)
		return info.Env().Undefined();
	return error == 0 ? value : fail(info.Env(), {"map", operation, -error});
}

Napi::Value BpfObject::update(const Napi::CallbackInfo &info)
{
	std::string name;
	Span key, value;
	if (!require(info.Env(), State::Loaded, "map", "update map") || !nameOf(info, "map", "update map", &name))
		return Napi::Value();
	const std::string operation = "update map " + name;
	const bpf_map *map = loadedMap(info.Env(), "map", operation, name);
	if (map == nullptr)
		return Napi::Value();
	const MapShape shape = shapeOf(map);
	if (!hasRows(shape))
		return fail(info.Env(), {"map", operation + ": it has no rows", EINVAL});
	if (!readSized(info, 1, shape.keySize, operation + ": key", &key) ||
	    !readSized(info, 2, shape.valueSize, operation + ": value", &value))
		return Napi::Value();
	if (const int error = bpf_map_update_elem(shape.fd, key.data, value.data, BPF_ANY))
		return fail(info.Env(), {"map", operation, -error});
	return info.Env().Undefined();
}

Ring *BpfObject::ringOf(Napi::Env env, const std::string &operation, const std::string &name)
{
	const auto known = rings_.find(name);
	if (known != rings_.end())
		return known->second.get();
	const bpf_map *map = loadedMap(env, "drain", operation, name);
	if (map == nullptr)
		return nullptr;
	if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF) {
		fail(env, {"drain", operation + ": not a ring buffer", EINVAL});
		return nullptr;
	}
	std::unique_ptr<Ring> ring = Ring::open(bpf_map__fd(map), bpf_map__max_entries(map));
	if (ring == nullptr) {
		fail(env, {"drain", operation, errno});
		return nullptr;
	}
	return rings_.emplace(name, std::move(ring)).first->second.get();
}

Napi::Value BpfObject::drain(const Napi::CallbackInfo &info)
{
	std::string name;
	Span into;
	if (!require(info.Env(), State::Loaded, "drain", "drain ring") || !nameOf(info, "drain", "drain ring", &name))
		return Napi::Value();
	const std::string operation = "drain ring " + name;
	if (!readBytes(info, 1, &into))
		return fail(info.Env(), {"drain", operation + ": expected a Uint8Array", EINVAL});
	Ring *ring = ringOf(info.Env(), operation, name);
	if (ring == nullptr)
		return Napi::Value();
	const ssize_t count = ring->drain(into.data, into.size);
	if (count < 0)
		return fail(info.Env(), {"drain", operation + ": a record larger than the buffer", static_cast<int>(-count)});
	return Napi::Number::New(info.Env(), static_cast<double>(count));
}

} // namespace ktrace
