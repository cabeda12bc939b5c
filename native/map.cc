// SPDX-License-Identifier: Apache-2.0
#include "map.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <string>
#include <unordered_set>

namespace ktrace {

namespace {

constexpr size_t kMaxSnapshot = 1 << 30;
constexpr size_t kBatchBytes = 1 << 20;
constexpr int kEnotsupp = 524;

bool isPerCpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

bool isArray(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

// Room for `count` more rows behind the end, or an errno.
int makeRoom(const MapShape &shape, size_t count, Bytes *rows)
{
	const size_t wanted = count * (shape.keySize + shape.valueSize);
	if (rows->size() + wanted > kMaxSnapshot)
		return -EOVERFLOW;
	return rows->reserve(wanted) ? 0 : -ENOMEM;
}

void appendRow(const MapShape &shape, const void *key, const void *value, Bytes *rows)
{
	memcpy(rows->end(), key, shape.keySize);
	rows->advance(shape.keySize);
	memcpy(rows->end(), value, shape.valueSize);
	rows->advance(shape.valueSize);
}

// The kernel fills keys and values apart from each other.
class Batch {
public:
	Batch(const MapShape &shape, Bytes *rows) : shape_(shape), rows_(rows)
	{
		const size_t row = shape.keySize + shape.valueSize;
		capacity_ = std::clamp<size_t>(kBatchBytes / row, 16, std::max<uint32_t>(shape.maxEntries, 16));
	}

	int readAll()
	{
		int error = 0;
		do
			error = readOnce();
		while (error == 0);
		return error == -ENOENT ? 0 : error; // ENOENT: that was the last batch
	}

private:
	// A hash map is read by whole buckets: ENOSPC says that one bucket holds more rows than the batch.
	int readOnce()
	{
		const size_t token = std::max<size_t>(shape_.keySize, sizeof(uint32_t));
		if (!keys_.reserve(capacity_ * shape_.keySize) || !values_.reserve(capacity_ * shape_.valueSize) ||
		    !in_.reserve(token) || !out_.reserve(token))
			return -ENOMEM;
		uint32_t count = capacity_;
		LIBBPF_OPTS(bpf_map_batch_opts, options);
		const int error = bpf_map_lookup_batch(shape_.fd, started_ ? in_.data() : nullptr, out_.data(),
						       keys_.data(), values_.data(), &count, &options);
		if (error == -ENOSPC && capacity_ <= shape_.maxEntries) {
			capacity_ *= 2;
			return 0;
		}
		if (error != 0 && error != -ENOENT)
			return error;
		started_ = true;
		memcpy(in_.data(), out_.data(), token);
		const int full = take(count);
		return full != 0 ? full : error;
	}

	int take(uint32_t count)
	{
		if (const int error = makeRoom(shape_, count, rows_))
			return error;
		for (uint32_t i = 0; i < count; i++)
			appendRow(shape_, keys_.data() + i * shape_.keySize, values_.data() + i * shape_.valueSize, rows_);
		return 0;
	}

	const MapShape &shape_;
	Bytes *rows_;
	size_t capacity_;
	bool started_ = false;
	Bytes keys_, values_, in_, out_;
};

int readRow(const MapShape &shape, const void *key, void *value, Bytes *rows)
{
	const int error = bpf_map_lookup_elem(shape.fd, key, value);
	if (error == -ENOENT)
		return 0; // deleted meanwhile, or an empty slot
	if (error != 0)
		return error;
	if (const int full = makeRoom(shape, 1, rows))
		return full;
	appendRow(shape, key, value, rows);
	return 0;
}

int walkArray(const MapShape &shape, void *value, Bytes *rows)
{
	for (uint32_t index = 0; index < shape.maxEntries; index++)
		if (const int error = readRow(shape, &index, value, rows))
			return error;
	return 0;
}

// The kernel starts over when the key it should continue from has been deleted: `seen` keeps a row from
// being given twice, and a walk that finds nothing new for a whole map's length ends.
int walkKeys(const MapShape &shape, void *value, Bytes *rows)
{
	std::unordered_set<std::string> seen;
	std::string key(shape.keySize, '\0');
	int error = bpf_map_get_next_key(shape.fd, nullptr, key.data());
	for (uint64_t stale = 0; error == 0 && stale <= shape.maxEntries; stale++) {
		if (seen.insert(key).second) {
			stale = 0;
			if (const int failed = readRow(shape, key.data(), value, rows))
				return failed;
		}
		const std::string last = key;
		error = bpf_map_get_next_key(shape.fd, last.data(), key.data());
	}
	return error == -ENOENT ? 0 : error;
}

} // namespace

MapShape shapeOf(const bpf_map *map)
{
	const enum bpf_map_type type = bpf_map__type(map);
	size_t value = bpf_map__value_size(map);
	if (isPerCpu(type))
		value = ((value + 7) & ~static_cast<size_t>(7)) * libbpf_num_possible_cpus();
	return {bpf_map__fd(map), type, bpf_map__key_size(map), value, bpf_map__max_entries(map)};
}

bool hasRows(const MapShape &shape)
{
	return shape.keySize > 0 && shape.valueSize > 0;
}

int snapshot(const MapShape &shape, Bytes *rows)
{
	const int error = Batch(shape, rows).readAll();
	// No batches for this type on this kernel (per-CPU arrays before 5.13, say). Nothing has been read then.
	if (rows->size() > 0 || (error != -EINVAL && error != -kEnotsupp && error != -EOPNOTSUPP))
		return error;
	Bytes value;
	if (!value.reserve(shape.valueSize))
		return -ENOMEM;
	return isArray(shape.type) ? walkArray(shape, value.data(), rows) : walkKeys(shape, value.data(), rows);
}

} // namespace ktrace
