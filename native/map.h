// SPDX-License-Identifier: Apache-2.0
// Reading whole maps.
#pragma once

#include "bytes.h"

#include <bpf/libbpf.h>

namespace ktrace {

// What user space has to know of a map to move its rows.
struct MapShape {
	int fd;
	enum bpf_map_type type;
	uint32_t keySize;
	size_t valueSize; // as copied to user space: per-CPU maps give one value, rounded up to 8, per possible CPU
	uint32_t maxEntries;
};

MapShape shapeOf(const bpf_map *map);

// True for the map types whose rows snapshot() can give.
bool hasRows(const MapShape &shape);

// Appends every row (key, then value). Returns 0 or a negative errno; -EOVERFLOW above 1 GiB.
int snapshot(const MapShape &shape, Bytes *rows);

} // namespace ktrace
