// SPDX-License-Identifier: Apache-2.0
// A growing buffer that reports failure instead of throwing: no C++ exception may cross into JavaScript.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ktrace {

class Bytes {
public:
	Bytes() = default;
	~Bytes() { free(data_); }
	Bytes(const Bytes &) = delete;
	Bytes &operator=(const Bytes &) = delete;

	// Room for at least `room` more bytes behind end().
	bool reserve(size_t room)
	{
		if (room <= capacity_ - size_)
			return true;
		const size_t wanted = size_ + room > 2 * capacity_ ? size_ + room : 2 * capacity_;
		void *moved = realloc(data_, wanted);
		if (moved == nullptr)
			return false;
		data_ = static_cast<uint8_t *>(moved);
		capacity_ = wanted;
		return true;
	}

	// After writing `count` bytes at end().
	void advance(size_t count) { size_ += count; }

	uint8_t *data() { return data_; }
	uint8_t *end() { return data_ + size_; }
	size_t size() const { return size_; }

private:
	uint8_t *data_ = nullptr;
	size_t size_ = 0;
	size_t capacity_ = 0;
};

} // namespace ktrace
