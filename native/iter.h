// SPDX-License-Identifier: Apache-2.0
// Running a BPF iterator program from its first to its last element.
#pragma once

#include "bytes.h"

#include <bpf/libbpf.h>

namespace ktrace {

// Appends what the program wrote. Returns 0 or a negative errno; -EOVERFLOW above 256 MiB.
int iterate(const bpf_program *program, Bytes *output);

} // namespace ktrace
