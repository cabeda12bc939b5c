// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <bpf/libbpf.h>
#include <cstdio>
#include <dlfcn.h>
#include <mutex>

namespace ktrace {

namespace {

constexpr size_t kKept = 64 << 10;

// A plain pointer: a thread-local with a destructor would have to outlive the environment.
thread_local LogCapture *current = nullptr;

int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_DEBUG && current != nullptr)
		current->append(format, arguments);
	return 0;
}

// Node unloads an addon with the last worker that used it, but libbpf (which something else in the
// process may keep loaded) would still hold the address of print(): stay in memory for good.
void stayLoaded()
{
	Dl_info self;
	if (dladdr(reinterpret_cast<void *>(&print), &self) != 0)
		dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

} // namespace

void silenceLibbpf()
{
	static std::once_flag once;
	std::call_once(once, [] {
		stayLoaded();
		libbpf_set_print(print);
	});
}

LogCapture::LogCapture() : outer_(current)
{
	current = this;
}

LogCapture::~LogCapture()
{
	current = outer_;
}

void LogCapture::append(const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	const int length = vsnprintf(nullptr, 0, format, arguments);
	if (length > 0) {
		const size_t before = text_.size();
		text_.resize(before + length + 1);
		vsnprintf(&text_[before], length + 1, format, again);
		text_.resize(before + length);
	}
	va_end(again);
	if (text_.size() > 2 * kKept)
		text_.erase(0, text_.size() - kKept);
}

std::string LogCapture::text() const
{
	if (text_.size() <= kKept)
		return text_;
	const size_t cut = text_.size() - kKept;
	const size_t line = text_.find('\n', cut);
	return text_.substr(line == std::string::npos ? cut : line + 1);
}

} // namespace ktrace
