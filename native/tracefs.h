// SPDX-License-Identifier: Apache-2.0
// Tracepoint ids, whether or not tracefs is mounted.
#pragma once

#include <string>

namespace ktrace {

class Tracefs {
public:
	Tracefs() = default;
	~Tracefs() { close(); }
	Tracefs(const Tracefs &) = delete;
	Tracefs &operator=(const Tracefs &) = delete;

	// The id of "category/name", or a negative errno: ENOENT when this kernel has no such tracepoint.
	int eventId(const std::string &event);

	// Until the next use.
	void close();

private:
	// Root directory of a tracefs, opened at the first use and kept, or -1.
	int root_ = -1;
};

} // namespace ktrace
