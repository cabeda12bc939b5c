// SPDX-License-Identifier: Apache-2.0
#include "iter.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <unistd.h>

namespace ktrace {

namespace {

constexpr size_t kMaxOutput = 256 << 20;
// The kernel gives at most its own buffer (8 pages) per read.
constexpr size_t kChunk = 64 << 10;

int readAll(int file, Bytes *output)
{
	for (;;) {
		if (!output->reserve(kChunk))
			return -ENOMEM;
		const ssize_t count = read(file, output->end(), kChunk);
		if (count == 0)
			return 0;
		// EAGAIN: a million elements went by without output and the kernel wants to breathe.
		if (count < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (count > 0)
			output->advance(count);
		if (output->size() > kMaxOutput)
			return -EOVERFLOW;
	}
}

} // namespace

int iterate(const bpf_program *program, Bytes *output)
{
	bpf_link *link = bpf_program__attach_iter(program, nullptr);
	if (link == nullptr)
		return -errno;
	const int file = bpf_iter_create(bpf_link__fd(link)); // close-on-exec, as every BPF descriptor
	int error = file;
	if (file >= 0) {
		error = readAll(file, output);
		close(file);
	}
	bpf_link__destroy(link);
	return error;
}

} // namespace ktrace
