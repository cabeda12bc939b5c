// SPDX-License-Identifier: Apache-2.0
// libbpf prints to one function per process; this gives each call its own text.
#pragma once

#include <cstdarg>
#include <string>

namespace ktrace {

// Once per process: nothing of libbpf reaches stderr from now on.
void silenceLibbpf();

// While it lives, collects what libbpf prints on this thread: warnings, and with them the verifier's log.
class LogCapture {
public:
	LogCapture();
	~LogCapture();
	LogCapture(const LogCapture &) = delete;
	LogCapture &operator=(const LogCapture &) = delete;

	// At most the last 64 KiB, from the start of a line.
	std::string text() const;
	void append(const char *format, va_list arguments);

private:
	std::string text_;
	LogCapture *outer_;
};

} // namespace ktrace
