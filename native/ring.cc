// SPDX-License-Identifier: Apache-2.0
#include "ring.h"

#include <cerrno>
#include <cstring>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ktrace {

namespace {

constexpr size_t roundUp8(size_t count)
{
	return (count + 7) & ~static_cast<size_t>(7);
}

size_t pageSize()
{
	return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Returns the size of the frame.
size_t writeFrame(uint8_t *into, const uint8_t *record, uint32_t length)
{
	const size_t end = sizeof(length) + length;
	const size_t frame = roundUp8(end);
	memcpy(into, &length, sizeof(length));
	memcpy(into + sizeof(length), record, length);
	memset(into + end, 0, frame - end);
	return frame;
}

} // namespace

Ring::Ring(void *consumer, void *producer, size_t size)
	: consumer_(static_cast<unsigned long *>(consumer)), producer_(static_cast<const unsigned long *>(producer)),
	  data_(static_cast<const uint8_t *>(producer) + pageSize()), size_(size)
{
}

std::unique_ptr<Ring> Ring::open(int map, size_t size)
{
	const size_t page = pageSize();
	void *consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (consumer == MAP_FAILED)
		return nullptr;
	void *producer = mmap(nullptr, page + 2 * size, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page));
	if (producer == MAP_FAILED) {
		const int error = errno;
		munmap(consumer, page);
		errno = error;
		return nullptr;
	}
	return std::unique_ptr<Ring>(new Ring(consumer, producer, size));
}

Ring::~Ring()
{
	const size_t page = pageSize();
	munmap(consumer_, page);
	munmap(const_cast<unsigned long *>(producer_), page + 2 * size_);
}

ssize_t Ring::drain(uint8_t *into, size_t room)
{
	// Looking at the producer once bounds the work by the size of the ring, however fast it is written.
	const unsigned long end = __atomic_load_n(producer_, __ATOMIC_ACQUIRE);
	unsigned long position = *consumer_;
	size_t used = 0;
	while (position < end) {
		const uint8_t *header = data_ + (position & (size_ - 1));
		const uint32_t word = __atomic_load_n(reinterpret_cast<const uint32_t *>(header), __ATOMIC_ACQUIRE);
		if (word & BPF_RINGBUF_BUSY_BIT)
			break; // reserved, not yet submitted: later records wait behind it
		const uint32_t length = word & ~BPF_RINGBUF_DISCARD_BIT;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			if (roundUp8(sizeof(length) + length) > room - used)
				return used == 0 ? -EMSGSIZE : static_cast<ssize_t>(used);
			used += writeFrame(into + used, header + BPF_RINGBUF_HDR_SZ, length);
		}
		position += roundUp8(BPF_RINGBUF_HDR_SZ + length);
		// Record by record, so that a full ring has room again as early as possible.
		__atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
	}
	return static_cast<ssize_t>(used);
}

} // namespace ktrace
