// SPDX-License-Identifier: Apache-2.0
// The reading end of a BPF ring buffer map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sys/types.h>

namespace ktrace {

// libbpf 1.1's consumer calls back per record and, told to stop, has already released the record it stopped
// at; it also allocates an epoll descriptor that a timer-driven reader does not need. The layout is kernel ABI
// (Documentation/bpf/ringbuf.rst), so this reads it directly and can stop before a record that does not fit.
class Ring {
public:
	// Maps the ring of `size` data bytes behind the map descriptor. nullptr with errno set on failure.
	static std::unique_ptr<Ring> open(int map, size_t size);
	~Ring();
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;

	// Copies frames (u32 length, record, zeroes up to a multiple of 8) until the ring is empty or the next frame
	// does not fit into `room`. Returns the bytes written, or -EMSGSIZE when not even the first frame fits.
	ssize_t drain(uint8_t *into, size_t room);

private:
	Ring(void *consumer, void *producer, size_t size);

	unsigned long *consumer_; // written by us alone
	const unsigned long *producer_;
	const uint8_t *data_; // mapped twice in a row, so that no record ever wraps
	size_t size_;
};

} // namespace ktrace
